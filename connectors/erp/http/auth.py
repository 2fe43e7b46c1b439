"""How the ERP is shown our credentials: one small class for each way, each a `requests` auth."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from connectors.common.errors import Unavailable, UpstreamRefused
from connectors.common.upstream import UpstreamOptions, make_session
from connectors.erp.profile.model.connection import (
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    ClientCredentials,
    Session,
)
from core import jsonio
from core.dotted import get_path
from core.tokens import TokenCache


class HeaderAuth(AuthBase):
    """A fixed header: bearer tokens and API keys."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers[self._name] = self._value
        return r


class QueryAuth(AuthBase):
    """An API key among the query parameters."""

    def __init__(self, name: str, key: str) -> None:
        self._query = {name: key}

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.prepare_url(r.url, self._query)
        return r


class TokenAuth(AuthBase):
    """A token that is fetched when first needed, before it ends, and once after a 401."""

    def __init__(self, fetch: Callable[[], tuple[str, float | None]], header: str, template: str) -> None:
        """`fetch` gives the token and its lifetime in seconds, if that is known."""
        self._token = TokenCache(fetch)
        self._header = header
        self._template = template

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers[self._header] = self._template.replace("{token}", self._token.get())
        return r

    def renew(self) -> None:
        """Forget the token; the next call fetches another."""
        self._token.forget()


class TokenCalls:
    """The calls that fetch tokens: OAuth2 client credentials, or a login."""

    def __init__(self, options: UpstreamOptions) -> None:
        self._options = options
        self._session = make_session(options, {})

    def client_credentials(self, spec: ClientCredentials) -> tuple[str, float | None]:
        """RFC 6749 4.4: the access token and `expires_in`."""
        form = {"grant_type": "client_credentials"}
        if spec.scope is not None:
            form["scope"] = spec.scope
        auth = None
        if spec.client_in == "body":
            form |= {"client_id": spec.client_id, "client_secret": spec.client_secret}
        else:
            auth = HTTPBasicAuth(spec.client_id, spec.client_secret)
        body = _json(self._answer("POST", spec.token_url, data=form, auth=auth))
        lifetime = get_path(body, "expires_in")
        return self._token(body, "access_token"), float(lifetime) if lifetime else None

    def login(self, spec: Session) -> tuple[str, float | None]:
        """Return a session token, and its lifetime as the profile says it."""
        url = self._options.base_url + spec.path
        answer = self._answer(spec.method, url, json=spec.body, params=spec.query)
        if spec.token_path is not None:
            return self._token(_json(answer), spec.token_path), spec.lifetime_seconds
        name = spec.token_header or spec.token_cookie or ""
        held = answer.headers if spec.token_header is not None else answer.cookies
        return self._token({name: held.get(name)}, name), spec.lifetime_seconds

    def _answer(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        try:
            answer = self._session.request(
                method,
                url,
                timeout=(self._options.connect_timeout, self._options.read_timeout),
                verify=self._options.verify,
                allow_redirects=False,
                **kwargs,
            )
        except requests.RequestException as error:
            raise Unavailable(f"the token call was not answered ({type(error).__name__})") from None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Unavailable(f"the token call was answered {answer.status_code}")
        if answer.status_code >= 300:
            raise UpstreamRefused(
                f"the token call was answered {answer.status_code}; check {self._options.credentials_setting}"
            )
        return answer

    def _token(self, body: Any, path: str) -> str:
        token = get_path(body, path)
        if not isinstance(token, str) or not token:
            raise UpstreamRefused(
                f"the token call's answer has no {path}; check {self._options.credentials_setting}"
            )
        return token


def _json(answer: requests.Response) -> Any:
    try:
        return jsonio.loads(answer.content)
    except ValueError:
        raise UpstreamRefused("the token call was not answered with JSON; check its address") from None


def make_auth(spec: Auth, calls: TokenCalls) -> AuthBase | None:
    """Return the auth that a profile describes, secrets filled in."""
    match spec:
        case BasicAuth(username=username, password=password):
            return HTTPBasicAuth(username.encode(), password.encode())
        case BearerAuth(token=token):
            return HeaderAuth("Authorization", f"Bearer {token}")
        case ApiKeyAuth(into="query", name=name, key=key):
            return QueryAuth(name, key)
        case ApiKeyAuth(into="cookie", name=name, key=key):
            return HeaderAuth("Cookie", f"{name}={key}")
        case ApiKeyAuth(name=name, key=key):
            return HeaderAuth(name, key)
        case ClientCredentials():
            return TokenAuth(lambda: calls.client_credentials(spec), "Authorization", "Bearer {token}")
        case Session():
            return _session(spec, calls)
        case _:
            return None


def _session(spec: Session, calls: TokenCalls) -> TokenAuth:
    """Return the token of a login.

    In a header, as a cookie where it came as one, or as a password in basic auth.
    """
    cookie = spec.token_cookie
    usual = "Authorization" if cookie is None else "Cookie"
    template = "Bearer {token}" if cookie is None else f"{cookie}={{token}}"

    def fetch() -> tuple[str, float | None]:
        token, lifetime = calls.login(spec)
        if spec.username is not None:
            token = base64.b64encode(f"{spec.username}:{token}".encode()).decode()
        return token, lifetime

    if spec.username is not None:
        template = "Basic {token}"
    return TokenAuth(fetch, spec.header or usual, spec.template or template)
