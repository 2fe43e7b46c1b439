"""Access tokens that a system's own settings ask for.

`oauth2` (client credentials, refresh token) and `tripletex`. A token is fetched when it is first needed and
again shortly before it expires.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from core import jsonio
from core.jsonio import Json
from core.tokens import EARLY_SECONDS, TokenCache
from localnode.pipes.errors import RemoteFailed

DEFAULT_LIFE = 300.0
TRIPLETEX_HOURS = 48
Send = Callable[..., requests.Response]
"""`requests.Session.request` of a session without this authentication."""


class TokenAuth(AuthBase, ABC):
    """Puts a token on every request; thread-safe. `send` makes the token requests."""

    def __init__(
        self, setting: Mapping[str, Any], send: Send, clock: Callable[[], float] = time.time
    ) -> None:
        self._setting = setting
        self._send = send
        self._clock = clock
        self._token = TokenCache(self._fetch, float(setting.get("refresh_window", EARLY_SECONDS)), clock)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return self._put(request, self._token.get())

    @abstractmethod
    def _fetch(self) -> tuple[str, float]:
        """Return a new token and its life in seconds."""

    @abstractmethod
    def _put(self, request: requests.PreparedRequest, token: str) -> requests.PreparedRequest:
        """Return the request with the token on it."""

    def _ask(self, method: str, **options: object) -> Json:
        """Return the answer of `token_url`. RemoteFailed tells the status alone: bodies may hold secrets."""
        url = self._setting.get("token_url")
        if not url:
            raise RemoteFailed("token_url is empty, or this node has no address with its host")
        try:
            response = self._send(method, str(url), allow_redirects=False, **options)
            answer = jsonio.loads(jsonio.without_bom(response.content)) if response.ok else None
        except (requests.RequestException, ValueError) as error:
            raise RemoteFailed(f"the token_url cannot be used: {type(error).__name__}") from error
        if not isinstance(answer, dict):
            raise RemoteFailed(f"the token_url answered {response.status_code}", response.status_code)
        return answer


class OAuth2(TokenAuth):
    """RFC 6749, 4.4 and 6.

    `client_id`, `client_secret`, `token_url`, optionally `refresh_token`, `scope`, `extra`.
    """

    def _fetch(self) -> tuple[str, float]:
        setting = self._setting
        refresh = setting.get("refresh_token")
        scope = setting.get("scope", [])
        form = {
            "grant_type": "refresh_token" if refresh else "client_credentials",
            **(setting.get("extra") or {}),
        }
        if refresh:
            form["refresh_token"] = refresh
        if scope:
            form["scope"] = scope if isinstance(scope, str) else " ".join(scope)
        client = HTTPBasicAuth(str(setting["client_id"]).encode(), str(setting["client_secret"]).encode())
        answer = self._ask("POST", data=form, auth=client, headers={"Accept": "application/json"})
        token = answer.get("access_token")
        if not isinstance(token, str):
            raise RemoteFailed("the token_url answered no access_token")
        if isinstance(answer.get("refresh_token"), str):
            self._setting = {**setting, "refresh_token": answer["refresh_token"]}
        life = answer.get("expires_in")
        return token, float(life) if isinstance(life, (int, float, str)) else DEFAULT_LIFE

    def _put(self, request: requests.PreparedRequest, token: str) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request


class Tripletex(TokenAuth):
    """Session tokens for `consumer_token` and `employee_token`, valid for `ttl` hours."""

    def _fetch(self) -> tuple[str, float]:
        hours = float(self._setting.get("ttl", TRIPLETEX_HOURS))
        until = datetime.fromtimestamp(self._clock(), UTC) + timedelta(hours=hours)
        params = {
            "consumerToken": self._setting["consumer_token"],
            "employeeToken": self._setting["employee_token"],
            "expirationDate": until.strftime("%Y-%m-%d"),
        }
        value = self._ask("PUT", params=params).get("value")
        token = value.get("token") if isinstance(value, dict) else None
        if not isinstance(token, str):
            raise RemoteFailed("the token_url answered no value.token")
        return token, hours * 3600

    def _put(self, request: requests.PreparedRequest, token: str) -> requests.PreparedRequest:
        signed: requests.PreparedRequest = HTTPBasicAuth(b"0", token.encode())(request)
        return signed
