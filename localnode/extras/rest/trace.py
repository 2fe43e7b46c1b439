"""`trace`: the requests and answers of a run, cut short and without secrets, for the execution log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.jsonio import Json
from localnode.extras.rest.operation import Request
from localnode.extras.rest.response import Answer

MAX_ENTRIES = 200
DEFAULT_BYTES = 100
REDACTED = "[redacted]"
_PRIVATE = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})


class Trace:
    """Collects the exchanges of one run; the first `MAX_ENTRIES` are kept.

    `setting` is true, or an object of `log_…` settings. Every occurrence of one of `secrets` is redacted.
    """

    def __init__(self, setting: Any, secrets: Iterable[str] = ()) -> None:
        self._enabled = bool(setting) or isinstance(setting, dict)
        self._setting: Mapping[str, Any] = setting if isinstance(setting, dict) else {}
        self._secrets = sorted((word for word in secrets if word), key=len, reverse=True)
        self._entries: list[dict[str, Any]] = []

    def note(self, request: Request, answer: Answer, content: bytes) -> None:
        """Keep one exchange; `content` is the raw body of the answer."""
        if not self._enabled or len(self._entries) >= MAX_ENTRIES:
            return
        asked: dict[str, Any] = {"method": request.method, "url": self._clean(answer.url)}
        told: dict[str, Any] = {"status": answer.status}
        if self._setting.get("log_request_headers", True):
            asked["headers"] = self._headers(request.headers)
        if self._setting.get("log_response_headers", True):
            told["headers"] = self._headers(answer.headers)
        asked["body"] = self._body(request.body.data, "log_request_body_maxsize")
        told["body"] = self._body(content, "log_response_body_maxsize")
        self._entries.append({"request": asked, "response": told})

    def take(self) -> list[Json]:
        """Return what was collected; the next run begins again."""
        found, self._entries = self._entries, []
        return found

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {
            name: REDACTED if name.lower() in _PRIVATE else self._clean(value)
            for name, value in headers.items()
        }

    def _body(self, content: bytes, limit: str) -> str:
        text = self._clean(content.decode("utf-8", "replace"))
        return text[: int(self._setting.get(limit, DEFAULT_BYTES))]

    def _clean(self, text: str) -> str:
        for word in self._secrets:
            text = text.replace(word, REDACTED)
        return text
