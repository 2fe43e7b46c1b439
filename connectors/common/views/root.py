"""`GET /`: what this service is and where its datatypes are."""

from __future__ import annotations

from flask import Blueprint

from connectors.common.service import runtime
from core.jsonio import Json

bp = Blueprint("root", __name__)


@bp.get("/")
def root() -> Json:
    """Return name, version and the datatypes with addresses; `disabled`: those upstream does not have."""
    service = runtime().service
    return {
        "name": service.name,
        "version": service.version,
        "datatypes": {
            name: {
                "entities": f"/{name}/entities",
                "share": f"/{name}/share",
                "schema": f"/schemas/{name}",
            }
            for name in service.datatypes
        },
        "disabled": [name for name, datatype in service.datatypes.items() if not datatype.enabled],
        "health": "/health",
        "ready": "/ready",
        "metrics": "/metrics",
        "openapi": "/openapi.json",
    }
