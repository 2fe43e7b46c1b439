"""A client that keeps what the ERP answered, so that a check can look at it after it failed."""

from __future__ import annotations

from typing import Any

from connectors.common.upstream import UpstreamClient, UpstreamResponse


class WatchedClient:
    """Makes calls as the client it is given does, and keeps the answers until it is told to forget them."""

    def __init__(self, client: UpstreamClient) -> None:
        self._client = client
        self._answers: list[tuple[str, UpstreamResponse]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def forget(self) -> None:
        """Begin again."""
        self._answers = []

    def call(self, method: str, path: str, *, operation: str, **options: Any) -> UpstreamResponse:
        """As the client's."""
        answer = self._client.call(method, path, operation=operation, **options)
        self._answers.append((operation, answer))
        return answer

    def bodies(self, operation: str) -> list[object]:
        """Return the bodies of the answers to one operation, in their order."""
        return [answer.body for name, answer in self._answers if name == operation]
