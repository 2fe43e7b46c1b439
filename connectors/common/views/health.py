"""`GET /health`, `GET /ready` and `GET /metrics`."""

from __future__ import annotations

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from connectors.common.errors import ServiceError
from connectors.common.problems import problem
from connectors.common.service import runtime

bp = Blueprint("health", __name__)


@bp.get("/health")
def health() -> dict[str, object]:
    """Return 200 while the process is alive; calls no other system."""
    return {"status": "alive"}


@bp.get("/ready")
def ready() -> Response | dict[str, object]:
    """Return 200 if upstream is reachable and accepts our credentials.

    Otherwise return 503 with what is wrong and which setting to change.
    """
    service = runtime().service
    try:
        service.check()
    except ServiceError as error:
        service.metrics.up.set(0)
        return problem(503, retry_after=error.retry_after, **error.as_dict())
    service.metrics.up.set(1)
    return {"status": "ready"}


@bp.get("/metrics")
def metrics() -> Response:
    """Return all metrics as Prometheus text."""
    return Response(generate_latest(runtime().service.metrics.registry), content_type=CONTENT_TYPE_LATEST)
