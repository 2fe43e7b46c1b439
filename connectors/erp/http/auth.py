"""How the ERP is shown our credentials: one small class for each way, each a `requests` auth."""

from __future__ import annotations

import base64
import hmac
import re
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from connectors.erp.http.refresh_tokens import RefreshTokens
from connectors.erp.http.token_calls import TokenCalls, Tokens
from connectors.erp.profile.model.connection import (
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    CallSignature,
    ClientCredentials,
    OAuth1,
    Password,
    RefreshToken,
    Session,
)
from core.tokens import TokenCache

_IN_SIGNED = re.compile(r"\{(method|path|query|body|timestamp)\}")


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


class SignatureAuth(AuthBase):
    """A signature of the call as it is sent."""

    def __init__(self, spec: CallSignature) -> None:
        self._spec = spec

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        spec, url = self._spec, urlsplit(r.url or "")
        body = r.body or b""
        values = {
            "method": r.method or "",
            "path": url.path,
            "query": url.query,
            "body": body if isinstance(body, str) else body.decode(),
            "timestamp": str(int(time.time())),
        }
        signed = _IN_SIGNED.sub(lambda found: values[found[1]], spec.signed)
        digest = hmac.digest(spec.key.encode(), signed.encode(), spec.hash)
        written = digest.hex() if spec.written_as == "hex" else base64.b64encode(digest).decode()
        r.headers[spec.header] = spec.template.replace("{signature}", written)
        if spec.timestamp_header is not None:
            r.headers[spec.timestamp_header] = values["timestamp"]
        return r


class OAuth1Auth(AuthBase):
    """A signature of address and parameters, with a nonce and the time."""

    def __init__(self, spec: OAuth1) -> None:
        # Here, since no other profile needs its 4 MB.
        from oauthlib.oauth1 import Client

        self._client = Client(
            spec.consumer_key,
            client_secret=spec.consumer_secret,
            resource_owner_key=spec.token,
            resource_owner_secret=spec.token_secret,
            realm=spec.realm,
            signature_method=spec.method,
        )

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        # A JSON body is not signed (RFC 5849, 3.4.1.3.1).
        _, headers, _ = self._client.sign(r.url, r.method)
        r.headers.update(headers)
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
                spec.refresh_token, lambda token: calls.refresh(spec, token), file, calls.max_wait
            )
            return TokenAuth(tokens.fetch, spec.header, spec.template)
        case CallSignature():
            return SignatureAuth(spec)
        case OAuth1():
            return OAuth1Auth(spec)
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
