"""How the ERP is reached: address, credentials, limits, and what its answers mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, field

from connectors.erp.profile.model.base import (
    JsonText,
    Path,
    ProfilePart,
    Seconds,
    Text,
    Url,
    Variable,
)

_VARIABLE_OR_TEXT = {"anyOf": [{"pattern": r"^\$\{[A-Z][A-Z0-9_]*\}$"}, {"not": {"pattern": r"\$\{"}}]}
Sent: TypeAlias = Annotated[str, Meta(min_length=1, extra_json_schema=_VARIABLE_OR_TEXT)]
"""A text of ours, or a variable that stands for all of it."""

LoginBody: TypeAlias = Annotated[
    dict[str, Any],
    Meta(extra_json_schema={"additionalProperties": {"$ref": "#/$defs/login"}}),
]


class VariableSpec(ProfilePart, frozen=True):
    """A variable that is no text."""

    value: Variable
    type: Annotated[
        Literal["integer", "text"], Meta(description="What {name} becomes where it stands alone.")
    ] = "text"


class Timeout(ProfilePart, frozen=True):
    """Seconds; the service's settings where absent."""

    connect: Annotated[Seconds, Meta(description="To reach the ERP.")] | None = None
    read: Annotated[Seconds, Meta(description="For the next part of an answer.")] | None = None


class NoAuth(ProfilePart, frozen=True, tag_field="type", tag="none"):
    """Nothing is shown."""


class BasicAuth(ProfilePart, frozen=True, tag_field="type", tag="basic"):
    """HTTP basic."""

    username: Variable
    password: Variable


class BearerAuth(ProfilePart, frozen=True, tag_field="type", tag="bearer"):
    """A token that does not change."""

    token: Variable


class ApiKeyAuth(ProfilePart, frozen=True, tag_field="type", tag="api_key"):
    """A key in a place of its own."""

    into: Annotated[Literal["header", "query", "cookie"], Meta(description="Where the key goes.")] = field(
        name="in"
    )
    name: Annotated[Text, Meta(description="Name of the header, parameter or cookie.")]
    key: Variable


class TokenCall(ProfilePart, frozen=True, kw_only=True):
    """What every call for an OAuth 2.0 token may say."""

    token_url: Annotated[Url, Meta(description="Where tokens are fetched: ${NAME} alone, or an address.")]
    client_id: Variable
    scope: Annotated[Text, Meta(description="Scopes to ask for, with spaces between them.")] | None = None
    client_in: Annotated[
        Literal["header", "body"],
        Meta(description="Where id and secret go: basic auth, or members of the body."),
    ] = "header"
    sent_as: Annotated[
        Literal["form", "json"], Meta(description="How the body of the token call is written.")
    ] = "form"
    parameters: Annotated[
        dict[str, Sent],
        Meta(description="Further members of the body, such as audience or resource; ${NAME} for secrets."),
    ] = {}
    headers: Annotated[
        dict[str, Sent],
        Meta(description="Sent with the token call, such as a tenant; ${NAME} for what is secret."),
    ] = {}
    token_path: Annotated[Path, Meta(description="Where the answer holds the token.")] = "access_token"  # noqa: S105 - a place, no password
    header: Annotated[Text, Meta(description="Header that carries the token.")] = "Authorization"
    template: Annotated[Text, Meta(description="Value of the header with {token}.")] = "Bearer {token}"


class ClientCredentials(
    TokenCall, frozen=True, kw_only=True, tag_field="type", tag="oauth2_client_credentials"
):
    """OAuth 2.0 client credentials (RFC 6749, 4.4)."""

    client_secret: Variable


class Password(TokenCall, frozen=True, kw_only=True, tag_field="type", tag="oauth2_password"):
    """OAuth 2.0 with a user's name and password (RFC 6749, 4.3)."""

    username: Variable
    password: Variable
    client_secret: Variable | None = None


class RefreshToken(TokenCall, frozen=True, kw_only=True, tag_field="type", tag="oauth2_refresh_token"):
    """OAuth 2.0 with a refresh token (RFC 6749, 6) that a person's consent brought.

    Most systems give a new one with each use and refuse the one before: the latest is kept in a file.
    """

    refresh_token: Annotated[Variable, Meta(description="The first one; a changed one counts from then on.")]
    keep_in: (
        Annotated[
            Variable,
            Meta(
                description="The file that keeps the latest refresh token over restarts, readable by the"
                " service alone; replicas share it. Without it the first one must stay good for ever."
            ),
        ]
        | None
    ) = None
    client_secret: Variable | None = None


class Session(ProfilePart, frozen=True, tag_field="type", tag="session"):
    """A login call that answers with a session token, or with cookies."""

    path: Annotated[
        Text,
        Meta(
            description="Path of the login call below base_url, with a slash at its start.",
            extra_json_schema={"pattern": "^/"},
        ),
    ]
    method: Annotated[Literal["POST", "PUT"], Meta(description="HTTP method.")] = "POST"
    body: (
        Annotated[
            LoginBody,
            Meta(description="Sent as JSON; ${NAME} for what is secret, also in objects and lists inside."),
        ]
        | None
    ) = None
    query: Annotated[dict[str, Variable], Meta(description="Query parameters; every value is ${NAME}.")] = {}
    headers: Annotated[
        dict[str, Sent], Meta(description="Sent with the login call; ${NAME} for what is secret.")
    ] = {}
    token_path: Annotated[Path, Meta(description="Where the answer's body holds the token.")] | None = None
    token_header: Annotated[Text, Meta(description="Header of the answer that holds it instead.")] | None = (
        None
    )
    token_cookie: (
        Annotated[
            Text,
            Meta(
                description="Cookie of the answer that holds it instead; it is sent back as a cookie unless"
                " header says otherwise."
            ),
        ]
        | None
    ) = None
    cookies: (
        Annotated[
            Literal[True], Meta(description="true: all cookies of the answer are sent with every call.")
        ]
        | None
    ) = None
    username: (
        Annotated[Text, Meta(description="The token is the password of this user in basic auth, such as 0.")]
        | None
    ) = None
    header: (
        Annotated[Text, Meta(description="Header that carries the token; Authorization by default.")] | None
    ) = None
    template: (
        Annotated[Text, Meta(description="Value of the header with {token}; 'Bearer {token}' by default.")]
        | None
    ) = None
    lifetime_seconds: (
        Annotated[
            Seconds,
            Meta(description="Log in again after this; after a 401, or an answer of action expired, anyway."),
        ]
        | None
    ) = None
    one_of = ("token_path", "token_header", "token_cookie", "cookies")


class CallSignature(ProfilePart, frozen=True, tag_field="type", tag="signature"):
    """A signature of each call: an HMAC (RFC 2104) with a key that is never sent itself."""

    key: Variable
    header: Annotated[Text, Meta(description="Header that carries the signature.")]
    signed: Annotated[
        str,
        Meta(
            description="What is signed: {method}, {path} below the host, {query} as it is sent, without its"
            " question mark, {body} and {timestamp}, seconds since 1970."
        ),
    ] = "{query}"
    hash: Annotated[Literal["sha1", "sha256", "sha512"], Meta(description="Hash function.")] = "sha256"
    written_as: Annotated[Literal["base64", "hex"], Meta(description="How its bytes are written.")] = "base64"
    template: Annotated[Text, Meta(description="Value of the header with {signature}.")] = "{signature}"
    timestamp_header: (
        Annotated[Text, Meta(description="Header that says the {timestamp} that was signed.")] | None
    ) = None


class OAuth1(ProfilePart, frozen=True, tag_field="type", tag="oauth1"):
    """OAuth 1.0 (RFC 5849) with a token that was given once, as NetSuite's token-based authentication."""

    consumer_key: Variable
    consumer_secret: Variable
    token: Variable
    token_secret: Variable
    realm: Annotated[Variable, Meta(description="Said in the header, such as an account.")] | None = None
    method: Annotated[
        Literal["HMAC-SHA256", "HMAC-SHA1", "HMAC-SHA512", "PLAINTEXT"],
        Meta(description="How calls are signed."),
    ] = "HMAC-SHA256"


Auth: TypeAlias = (
    NoAuth
    | BasicAuth
    | BearerAuth
    | ApiKeyAuth
    | ClientCredentials
    | Password
    | RefreshToken
    | Session
    | CallSignature
    | OAuth1
)


class RateLimit(ProfilePart, frozen=True):
    """Calls that the ERP allows."""

    per_second: Annotated[float, Meta(gt=0, description="Calls a second over time.")] | None = None
    burst: Annotated[int, Meta(ge=1, description="Calls that may go at once after a quiet time.")] = 1
    concurrency: Annotated[int, Meta(ge=1, description="Calls at the same time.")] | None = None
    per_day: (
        Annotated[
            int,
            Meta(
                ge=10,
                description="Calls within any 24 hours, of this process; the last tenth is left to writes."
                " What is over it waits.",
            ),
        ]
        | None
    ) = None
    reset: (
        Annotated[
            Text,
            Meta(
                description="Header of a 429 or 503 that says when to go on, where there is no Retry-After:"
                " seconds from now, seconds or milliseconds since 1970, or a date. X-RateLimit-Reset,"
                " RateLimit-Reset and X-Rate-Limit-Reset are known."
            ),
        ]
        | None
    ) = None


class RetryRule(ProfilePart, frozen=True):
    """How failed calls are repeated; only those that are safe to repeat are."""

    max: Annotated[int, Meta(ge=0, le=20, description="Repeats after the first attempt.")] | None = None
    base: (
        Annotated[
            Seconds,
            Meta(
                description="First pause (default: UPSTREAM_BACKOFF_SECONDS); it doubles from there,"
                " with jitter."
            ),
        ]
        | None
    ) = None
    cap: Annotated[Seconds, Meta(description="Longest pause.")] = 20.0


class ErrorWhen(ProfilePart, frozen=True):
    """All that is given must hold."""

    status: (
        Annotated[
            list[Annotated[int, Meta(ge=100, le=599)]],
            Meta(min_length=1, description="One of these status codes."),
        ]
        | None
    ) = None
    method: (
        Annotated[
            list[Literal["GET", "POST", "PUT", "PATCH", "DELETE"]],
            Meta(min_length=1, description="In answer to one of these methods."),
        ]
        | None
    ) = None
    path: Path | None = None
    present: Annotated[bool, Meta(description="Whether the value at path is there and not null.")] | None = (
        None
    )
    equals: Annotated[Any, Meta(description="The value at path.")] = UNSET
    contains: Annotated[Text, Meta(description="Part of the text at path.")] | None = None
    at_least = 1
    needs = {"present": ["path"], "equals": ["path"], "contains": ["path"]}  # noqa: RUF012 - a ClassVar


class ErrorRule(ProfilePart, frozen=True):
    """What an answer means."""

    when: ErrorWhen
    action: Annotated[
        Literal[
            "ok",
            "rejected",
            "conflict",
            "already_exists",
            "not_found",
            "empty",
            "unavailable",
            "refused",
            "expired",
        ],
        Meta(
            description="ok: no error · rejected: the data is wrong · conflict: the record moved on ·"
            " already_exists · not_found · empty: a list has no record, or none on that page ·"
            " unavailable: try"
            " again later · refused: credentials or settings are wrong · expired: the session or token has"
            " ended, so another is fetched and the call made again."
        ),
    ]


class Rest(ProfilePart, frozen=True):
    """An API that speaks JSON over HTTP."""

    base_url: Annotated[
        Url,
        Meta(description="What every path is appended to: ${NAME} alone, or an http:// or https:// address."),
    ]
    headers: Annotated[
        dict[str, Sent | Annotated[list[Text], Meta(min_length=1)] | JsonText],
        Meta(description="Sent with every call; ${NAME} for what is secret."),
    ] = {}
    query: Annotated[
        dict[str, Sent], Meta(description="Sent with every call, e.g. a tenant; ${NAME} for what is secret.")
    ] = {}
    variables: Annotated[
        dict[str, Variable | VariableSpec],
        Meta(
            description="Values of the environment under names of their own: {name} stands for them in"
            " every path,"
            " query, header and body of the profile, such as a tenant, a database or a key that belongs"
            " into bodies."
        ),
    ] = {}
    quotes: Annotated[
        Literal["doubled", "backslash", "as_is"],
        Meta(
            description="How a quote is written in a value that a template puts between quotes, as in"
            " $filter:"
            " \"name eq '{value}'\". doubled: as OData and SQL have it · backslash: an escape before it ·"
            " as_is."
        ),
    ] = "doubled"
    timeout: Timeout = Timeout()
    auth: Annotated[Auth, Meta(description="Credentials. Secrets are always ${NAME}.")] = NoAuth()
    rate_limit: RateLimit = RateLimit()
    retry: RetryRule = RetryRule()
    error_message: Annotated[Path, Meta(description="Where an error answer says what is wrong.")] = "message"
    error_field: (
        Annotated[Path, Meta(description="Where an error answer names the field, as a dotted path.")] | None
    ) = None
    error_rule: Annotated[Path, Meta(description="Where an error answer names the rule or code.")] | None = (
        None
    )
    errors: Annotated[
        list[ErrorRule],
        Meta(
            description="What answers mean, where the status code alone does not say it; the first that fits"
            " counts."
        ),
    ] = []


class Connection(ProfilePart, frozen=True):
    """How the ERP is reached."""

    rest: Rest
