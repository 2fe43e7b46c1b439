"""`custom_auth`.

Access tokens fetched by operations of the system itself, and kept until shortly before they expire.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from core.jsonio import Json
from core.tokens import EARLY_SECONDS
from localnode.extras.jinja import template
from localnode.pipes.base import Config
from localnode.pipes.errors import RemoteFailed

Fetch = Callable[[str, dict[str, Any]], Any]
"""(name of an operation, the token so far) → the answer's value."""

_KINDS = (("get_refresh_token_operation", "refresh_token_"), ("get_token_operation", ""))


class Tokens:
    """The token of one system; thread-safe. `setting` is `custom_auth` of the system."""

    def __init__(self, setting: Config, clock: Callable[[], float] = time.time) -> None:
        self._setting = setting
        self._clock = clock
        self._window = float(setting.get("refresh_window", EARLY_SECONDS))
        self._token: dict[str, Any] = dict(setting.get("initial_refresh_token") or {})
        self._lock = threading.Lock()

    def variables(self, fetch: Fetch) -> Json:
        """`token`, and what the older `…_property` settings name, for templates. Fetches what is due.

        RemoteFailed when a token cannot be fetched, or says nothing about its expiry.
        """
        with self._lock:
            for operation, prefix in _KINDS:
                if operation in self._setting and self._due(prefix):
                    self._fetch(operation, prefix, fetch)
            found = {"token": dict(self._token)}
        for name in ("access_token", "refresh_token"):
            place = self._setting.get(f"{name}_property")
            if place in found["token"]:
                found[name] = found["token"][place]
        return found

    def _due(self, prefix: str) -> bool:
        expires = self._token.get(f"{prefix}expires_at")
        return not isinstance(expires, (int, float)) or self._clock() >= expires - self._window

    def _fetch(self, operation: str, prefix: str, fetch: Fetch) -> None:
        answer = fetch(str(self._setting[operation]), dict(self._token))
        if not isinstance(answer, dict):
            raise RemoteFailed(f"custom_auth: {self._setting[operation]} answered no JSON object")
        self._token.update(answer)
        expires = self._expiry(prefix)
        self._token[f"{prefix}expires_at"] = int(expires)
        self._token[f"{prefix}expiry_date"] = datetime.fromtimestamp(expires, UTC).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        )

    def _expiry(self, prefix: str) -> float:
        """Unix seconds; the point in time comes before the duration where both are given."""
        variables = {"token": self._token}
        for name, read in (("expires_at", _instant), ("expires_in", self._from_now)):
            source = self._setting.get(f"{prefix}{name}_expression")
            found = None if source is None else read(template(str(source)).value(variables))
            if found is not None:
                return found
        raise RemoteFailed(f"custom_auth: the {prefix or 'access token '}expressions tell no time of expiry")

    def _from_now(self, value: Any) -> float | None:
        try:
            return self._clock() + float(value)
        except (TypeError, ValueError):
            return None


def _instant(value: object) -> float | None:
    """Unix seconds of a date or datetime in ISO 8601 (UTC unless it has an offset)."""
    text = value.isoformat() if isinstance(value, datetime) else str(value).removeprefix("~t")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
