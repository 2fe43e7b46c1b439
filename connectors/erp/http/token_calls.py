"""The calls that fetch tokens: OAuth 2.0 (client credentials, password, refresh token), or a login."""

from __future__ import annotations

from dataclasses import dataclass

import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import HTTPError

from connectors.common.errors import Unavailable, UpstreamRefused
from connectors.common.exchange import exchange
from connectors.common.upstream import UpstreamOptions, UpstreamResponse, make_session
from connectors.erp.http.responses import action_of
from connectors.erp.profile.model.connection import Password, RefreshToken, Rest, Session, TokenCall
from core import jsonio
from core.dotted import get_path

_MOST_BYTES = 1024 * 1024
"""Bytes of the answer to a token call; a token has a few thousand."""

_MOST = 300
"""Characters of what the ERP says of a refused token call that are passed on."""

_REASONS = ("error_description", "error", "message", "error.message", "detail", "title")
"""Where an answer says why: the first two are RFC 6749, 5.2."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token call brings: a token, its lifetime in seconds, and the next refresh token, if known."""

    access: str
    lifetime: float | None = None
    refresh: str | None = None


class TokenCalls:
    """Makes the calls; `Unavailable` where one may be made again, `UpstreamRefused` where it may not."""

    def __init__(self, options: UpstreamOptions, rest: Rest) -> None:
        """`rest` says what error answers mean; that counts for logins, which are calls of the ERP's API."""
        self._options = options
        self._rest = rest
        self._session = make_session(options, {})
        self.max_wait = options.connect_timeout + options.read_timeout
        """Seconds that a call takes at most."""

    def client_credentials(self, spec: TokenCall) -> Tokens:
        """Fetch a token by RFC 6749, 4.4."""
        return self._oauth(spec, {"grant_type": "client_credentials"})

    def password(self, spec: Password) -> Tokens:
        """Fetch a token by RFC 6749, 4.3."""
        login = {"username": spec.username, "password": spec.password}
        return self._oauth(spec, {"grant_type": "password", **login})

    def refresh(self, spec: RefreshToken, refresh_token: str) -> Tokens:
        """Fetch a token by RFC 6749, 6."""
        return self._oauth(spec, {"grant_type": "refresh_token", "refresh_token": refresh_token})

    def login(self, spec: Session) -> Tokens:
        """Fetch a session's token, or its cookies as one text; its lifetime is what the profile says."""
        url = self._options.base_url + spec.path
        answer = self._answer(spec.method, url, True, json=spec.body, params=spec.query, headers=spec.headers)
        if spec.token_path is not None:
            return Tokens(self._token(_json(answer), spec.token_path), spec.lifetime_seconds)
        if spec.cookies:
            jar = "; ".join(f"{cookie.name}={cookie.value}" for cookie in answer.cookies)
            return Tokens(self._token({"cookie": jar}, "cookie"), spec.lifetime_seconds)
        name = spec.token_header or spec.token_cookie or ""
        held = answer.headers if spec.token_header is not None else answer.cookies
        return Tokens(self._token({name: held.get(name)}, name), spec.lifetime_seconds)

    def _oauth(self, spec: TokenCall, grant: dict[str, str]) -> Tokens:
        body = {**grant, **({"scope": spec.scope} if spec.scope is not None else {}), **spec.parameters}
        secret: str | None = getattr(spec, "client_secret", None)
        auth = None
        if spec.client_in == "body" or secret is None:
            body |= {"client_id": spec.client_id, **({} if secret is None else {"client_secret": secret})}
        else:
            auth = HTTPBasicAuth(spec.client_id.encode(), secret.encode())
        sent = {"json": body} if spec.sent_as == "json" else {"data": body}
        found = _json(self._answer("POST", spec.token_url, False, auth=auth, headers=spec.headers, **sent))
        lifetime, refresh = get_path(found, "expires_in"), get_path(found, "refresh_token")
        return Tokens(
            self._token(found, spec.token_path),
            float(lifetime) if _is_number(lifetime) else None,
            refresh if isinstance(refresh, str) and refresh else None,
        )

    def _answer(self, method: str, url: str, is_login: bool, **kwargs: object) -> requests.Response:
        try:
            answer, body = exchange(
                self._session,
                self._session.prepare_request(requests.Request(method, url, **kwargs)),
                timeout=(self._options.connect_timeout, self._options.read_timeout),
                seconds=self.max_wait,
                max_bytes=_MOST_BYTES,
                verify=self._options.verify,
                max_wait=self.max_wait,
            )
        except (requests.RequestException, HTTPError) as error:
            raise Unavailable(f"the token call was not answered ({type(error).__name__})") from None
        answer._content = bytes(body)
        found = _body(answer)
        seen = UpstreamResponse(answer.status_code, answer.headers, found, method=method)
        action = action_of(self._rest, seen) if is_login else None
        if action == "ok" or (action is None and answer.status_code < 300):
            return answer
        said = f"the token call was answered {answer.status_code}{_reason(found, self._rest.error_message)}"
        is_passing = answer.status_code == 429 or answer.status_code >= 500
        if action == "unavailable" or (action is None and is_passing):
            raise Unavailable(said)
        raise UpstreamRefused(f"{said}; check {self._options.credentials_setting}")

    def _token(self, body: object, path: str) -> str:
        token = get_path(body, path)
        if not isinstance(token, str) or not token:
            raise UpstreamRefused(
                f"the token call's answer has no {path}; check {self._options.credentials_setting}"
            )
        return token


def _json(answer: requests.Response) -> object:
    try:
        return jsonio.loads(jsonio.without_bom(answer.content))
    except ValueError:
        raise UpstreamRefused("the token call was not answered with JSON; check its address") from None


def _body(answer: requests.Response) -> object:
    """Return what the answer holds; None if that is no JSON."""
    try:
        return jsonio.loads(jsonio.without_bom(answer.content))
    except ValueError:
        return None


def _reason(body: object, place: str) -> str:
    """Return, after a colon, why an answer says that it is an error, there or as usual; empty if nothing."""
    places = (_REASONS[0], place, *_REASONS[1:])
    found = [text for text in (get_path(body, path) for path in places) if isinstance(text, str) and text]
    if not found:
        return ""
    code = get_path(body, "error")
    said = found[0] if code == found[0] or not isinstance(code, str) else f"{code}, {found[0]}"
    return ": " + " ".join(said[:_MOST].split())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and value.isdigit())
