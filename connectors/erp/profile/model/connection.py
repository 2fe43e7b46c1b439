"""How to reach the ERP: address, credentials, limits, and what its answers mean."""

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
    """A variable that is not a text."""

    value: Variable
    type: Annotated[
        Literal["integer", "text"], Meta(description="The type of {name} if it stands alone.")
    ] = "text"


class Timeout(ProfilePart, frozen=True):
    """Seconds; the service's settings by default."""

    connect: Annotated[Seconds, Meta(description="To reach the ERP.")] | None = None
    read: Annotated[Seconds, Meta(description="For the next part of an answer.")] | None = None


class NoAuth(ProfilePart, frozen=True, tag_field="type", tag="none"):
    """No credentials are sent."""


class BasicAuth(ProfilePart, frozen=True, tag_field="type", tag="basic"):
    """HTTP basic."""

    username: Variable
    password: Variable


class BearerAuth(ProfilePart, frozen=True, tag_field="type", tag="bearer"):
    """A token that does not change."""

    token: Variable


class ApiKeyAuth(ProfilePart, frozen=True, tag_field="type", tag="api_key"):
    """An API key in a header, parameter or cookie."""

    into: Annotated[Literal["header", "query", "cookie"], Meta(description="Where the key goes.")] = field(
        name="in"
    )
    name: Annotated[Text, Meta(description="Name of the header, parameter or cookie.")]
    key: Variable


class TokenCall(ProfilePart, frozen=True, kw_only=True):
    """Members of every call for an OAuth 2.0 token."""

    token_url: Annotated[Url, Meta(description="Where tokens are fetched: ${NAME} alone, or an address.")]
    client_id: Variable
    scope: Annotated[Text, Meta(description="Scopes to request, separated by spaces.")] | None = None
    client_in: Annotated[
        Literal["header", "body"],
        Meta(description="Where id and secret are sent: basic auth, or members of the body."),
    ] = "header"
    sent_as: Annotated[Literal["form", "json"], Meta(description="The format of the token call's body.")] = (
        "form"
    )
    parameters: Annotated[
        dict[str, Sent],
        Meta(description="Other members of the body, such as audience or resource; ${NAME} for secrets."),
    ] = {}
    headers: Annotated[
        dict[str, Sent],
        Meta(description="Headers of the token call, such as a tenant; ${NAME} for secrets."),
    ] = {}
    token_path: Annotated[Path, Meta(description="Where the answer has the token.")] = "access_token"  # noqa: S105 - a place, no password
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
    """OAuth 2.0 with a refresh token (RFC 6749, 6) from a person's consent.

    Most systems give a new token with each use and refuse the previous one: the latest is kept in a file.
    """

    refresh_token: Annotated[
        Variable, Meta(description="The first refresh token; if it is changed, the new one counts.")
    ]
    keep_in: (
        Annotated[
            Variable,
            Meta(
                description="The file that keeps the latest refresh token across restarts, readable only"
                " by the service; replicas share it. Without it, the first token must stay valid forever."
            ),
        ]
        | None
    ) = None
    client_secret: Variable | None = None


class Session(ProfilePart, frozen=True, tag_field="type", tag="session"):
    """A login call that returns a session token or cookies."""

    path: Annotated[
        Text,
        Meta(
            description="Path of the login call below base_url, starting with a slash.",
            extra_json_schema={"pattern": "^/"},
        ),
    ]
    method: Annotated[Literal["POST", "PUT"], Meta(description="HTTP method.")] = "POST"
    body: (
        Annotated[
            LoginBody,
            Meta(description="Sent as JSON; ${NAME} for secrets, also in nested objects and lists."),
        ]
        | None
    ) = None
    query: Annotated[dict[str, Variable], Meta(description="Query parameters; every value is ${NAME}.")] = {}
    headers: Annotated[
        dict[str, Sent], Meta(description="Headers of the login call; ${NAME} for secrets.")
    ] = {}
    token_path: Annotated[Path, Meta(description="Where the answer's body has the token.")] | None = None
    token_header: Annotated[Text, Meta(description="Header of the answer that has it instead.")] | None = None
    token_cookie: (
        Annotated[
            Text,
            Meta(
                description="Cookie of the answer that has it instead; it is sent back as a cookie unless"
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
            Meta(
                description="Log in again after this time; the service always logs in again after a 401 or"
                " an answer with action expired."
            ),
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
    """The calls that the ERP allows."""

    per_second: Annotated[float, Meta(gt=0, description="Calls a second over time.")] | None = None
    burst: Annotated[int, Meta(ge=1, description="Calls that may be made at once after a quiet time.")] = 1
    concurrency: Annotated[int, Meta(ge=1, description="Calls at the same time.")] | None = None
    per_day: (
        Annotated[
            int,
            Meta(
                ge=10,
                description="Calls within any 24 hours, of this process; the last tenth is reserved for"
                " writes. Calls above the limit wait.",
            ),
        ]
        | None
    ) = None
    reset: (
        Annotated[
            Text,
            Meta(
                description="Header of a 429 or 503 that says when to continue, if there is no Retry-After:"
                " seconds from now, seconds or milliseconds since 1970, or a date. X-RateLimit-Reset,"
                " RateLimit-Reset and X-Rate-Limit-Reset are known without this setting."
            ),
        ]
        | None
    ) = None


class RetryRule(ProfilePart, frozen=True):
    """How failed calls are retried; only calls that are safe to repeat are retried."""

    max: Annotated[int, Meta(ge=0, le=20, description="Retries after the first attempt.")] | None = None
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
    """Conditions that must all hold."""

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
            description="ok: no error · rejected: the data is wrong · conflict: the record has changed ·"
            " already_exists · not_found · empty: a list has no record, or none on that page ·"
            " unavailable: retry later · refused: credentials or settings are wrong · expired: the"
            " session or token has ended; another is fetched and the call is repeated."
        ),
    ]


class Rest(ProfilePart, frozen=True):
    """An API that speaks JSON over HTTP."""

    base_url: Annotated[
        Url,
        Meta(
            description="The address to which every path is appended: ${NAME} alone, or an http:// or"
            " https:// address."
        ),
    ]
    headers: Annotated[
        dict[str, Sent | Annotated[list[Text], Meta(min_length=1)] | JsonText],
        Meta(description="Sent with every call; ${NAME} for secrets."),
    ] = {}
    query: Annotated[
        dict[str, Sent], Meta(description="Sent with every call, e.g. a tenant; ${NAME} for secrets.")
    ] = {}
    variables: Annotated[
        dict[str, Variable | VariableSpec],
        Meta(
            description="Named values from the environment, such as a tenant, a database or a key in bodies:"
            " {name} stands for the value in every path, query, header and body of the profile."
        ),
    ] = {}
    quotes: Annotated[
        Literal["doubled", "backslash", "as_is"],
        Meta(
            description="How a quote is escaped in a value that a template puts between quotes, as in"
            " $filter: \"name eq '{value}'\". doubled: as in OData and SQL · backslash: with a backslash"
            " before it · as_is."
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
            description="What answers mean if the status code alone does not show it; the first rule that"
            " fits counts."
        ),
    ] = []


class Connection(ProfilePart, frozen=True):
    """How to reach the ERP."""

    rest: Rest
