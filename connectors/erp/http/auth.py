"""How the ERP is shown our credentials: one small class for each way, each a `requests` auth."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from connectors.erp.http.refresh_tokens import RefreshTokens
from connectors.erp.http.token_calls import TokenCalls, Tokens
from connectors.erp.profile.model.connection import (
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    ClientCredentials,
    Password,
    RefreshToken,
    Session,
)
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

    def __init__(self, fetch: Callable[[], Tokens], header: str, template: str) -> None:
        self._token = TokenCache(lambda: _in_short(fetch()))
        self._header = header
        self._template = template

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers[self._header] = self._template.replace("{token}", self._token.get())
        return r

    def renew(self) -> None:
        """Forget the token; the next call fetches another."""
        self._token.forget()


def _in_short(tokens: Tokens) -> tuple[str, float | None]:
    return tokens.access, tokens.lifetime


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
            return TokenAuth(lambda: calls.client_credentials(spec), spec.header, spec.template)
        case Password():
            return TokenAuth(lambda: calls.password(spec), spec.header, spec.template)
        case RefreshToken():
            file = None if spec.keep_in is None else Path(spec.keep_in)
            tokens = RefreshTokens(
                spec.refresh_token, lambda token: calls.refresh(spec, token), file, calls.patience
            )
            return TokenAuth(tokens.fetch, spec.header, spec.template)
        case Session():
            return _session(spec, calls)
        case _:
            return None


def _session(spec: Session, calls: TokenCalls) -> TokenAuth:
    """Return an auth with the token of a login.

    It goes into a header, back as a cookie where it came as one, or is a password in basic auth.
    """
    usual, template = "Authorization", "Bearer {token}"
    if spec.cookies:
        usual, template = "Cookie", "{token}"
    elif spec.token_cookie is not None:
        usual, template = "Cookie", f"{spec.token_cookie}={{token}}"
    elif spec.username is not None:
        template = "Basic {token}"

    def fetch() -> Tokens:
        tokens = calls.login(spec)
        if spec.username is None:
            return tokens
        token = base64.b64encode(f"{spec.username}:{tokens.access}".encode()).decode()
        return Tokens(token, tokens.lifetime)

    return TokenAuth(fetch, spec.header or usual, spec.template or template)
