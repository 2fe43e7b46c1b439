"""Send entities to the receivers of the Sesam node that runs the pipes.

https://docs.sesam.io/hub/api.html (`POST /receivers/<pipe>/entities`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from connectors.common.datatype import Entity
from connectors.common.errors import FixSettings, ServiceError, Unavailable, UpstreamRefused
from connectors.common.limiter import Limiter
from connectors.common.metrics import CallMetrics, Metrics
from connectors.common.settings import CommonSettings
from connectors.common.upstream import UpstreamClient, UpstreamOptions, UpstreamResponse

_CONNECT_S, _READ_S = 3.0, 8.0
"""Chargebee gives a webhook 10 s on test sites, other systems as little; so the node gets less."""


class NodeRefused(FixSettings):
    """The node has no such receiver; the detail says what to upload."""

    title = "Node refused"


class NodeReceiver:
    """Sends entities to receiver pipes. Safe to use from several threads."""

    def __init__(self, node_url: str, node_jwt: str | None, common: CommonSettings, metrics: Metrics) -> None:
        """`node_url` ends in `/api`; `node_jwt`: a token for it, if the node requires one."""
        options = UpstreamOptions.of(
            common,
            node_url,
            "NODE_URL",
            "NODE_JWT",
            connect_timeout=min(_CONNECT_S, common.connect_timeout),
            read_timeout=min(_READ_S, common.read_timeout),
            attempts=1,
        )
        headers = {"Authorization": f"Bearer {node_jwt}"} if node_jwt else None
        calls = CallMetrics(metrics.registry, "node")
        self._http = UpstreamClient(options, None, Limiter(), calls, _error_of, headers)

    def send(self, pipe: str, entity: Entity) -> None:
        """Store one entity; done when this returns. `Unavailable` if the node should be tried again."""
        body: Any = [entity]
        path = f"/receivers/{quote(pipe, safe='')}/entities"
        try:
            self._http.call("POST", path, operation="receive", json=body, repeatable=True)
        except NodeRefused as refused:
            raise NodeRefused(
                f"the node at NODE_URL does not accept entities for the pipe {pipe}; upload it",
                setting="NODE_URL",
            ) from refused


def _error_of(answer: UpstreamResponse) -> ServiceError | None:
    status = answer.status
    if status < 300:
        return None
    if status in (401, 403) or status < 400:
        return UpstreamRefused(f"the node answered {status}")
    if status == 404:
        return NodeRefused("the node has no such receiver")
    return Unavailable(f"the node answered {status}")
