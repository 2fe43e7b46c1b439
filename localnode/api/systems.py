"""`/api/systems`: configs, secrets, reachability, and a proxy to the services behind the systems."""

from __future__ import annotations

from flask import Blueprint, Response, request

from localnode.api import parsing, views
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.config.upload import entities_from_json
from localnode.pipes import RemoteFailed

systems = Blueprint("systems", __name__, url_prefix="/api/systems")

PASSED_ON = frozenset(
    {"accept", "content-type", "if-match", "if-none-match", "prefer", "idempotency-key", "user-agent"}
)
PROXIED = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@systems.get("")
def list_systems() -> Response:
    """Return all systems."""
    return as_json([views.system_view(system) for system in node().config.systems.values()])


@systems.post("")
def add_systems() -> Response:
    """Add systems (a list, or one), replacing those with the same id."""
    node().add_entities(entities_from_json(request.get_data()), parsing.flag("force", False))
    return list_systems()


@systems.get("/<system_id>")
def get_system(system_id: str) -> Response:
    """Return one system."""
    return as_json(views.system_view(node().system(system_id)))


@systems.delete("/<system_id>")
def delete_system(system_id: str) -> Response:
    """Remove a system from the configuration."""
    node().system(system_id)
    node().remove_entity(system_id)
    return as_json({"message": "OK"})


@systems.get("/<system_id>/config")
def get_config(system_id: str) -> Response:
    """Return the uploaded config of the system."""
    return as_json(node().system(system_id).original)


@systems.put("/<system_id>/config")
def put_config(system_id: str) -> Response:
    """Replace the system's config."""
    config = parsing.config_of(system_id)
    node().system(system_id)
    node().add_entities([config], parsing.flag("force", False))
    return get_system(system_id)


@systems.get("/<system_id>/secrets")
def get_secrets(system_id: str) -> Response:
    """Return the names of the system's secrets."""
    node().system(system_id)
    return as_json(node().secret_names(system_id))


@systems.route("/<system_id>/secrets", methods=["PUT", "POST"])
def put_secrets(system_id: str) -> Response:
    """Store secrets of the system: PUT replaces all of them, POST adds."""
    node().system(system_id)
    node().put_secrets(system_id, parsing.json_object(), replace=request.method == "PUT")
    return get_secrets(system_id)


@systems.delete("/<system_id>/secrets/<name>")
def delete_secret(system_id: str, name: str) -> Response:
    """Remove one secret of the system."""
    node().system(system_id)
    node().delete_secret(system_id, name)
    return get_secrets(system_id)


@systems.get("/<system_id>/status")
def get_status(system_id: str) -> Response:
    """Return whether the service behind the system answers HTTP at all."""
    node().system(system_id)
    return as_json(_reachability(system_id))


@systems.get("/<system_id>/logs")
def get_logs(system_id: str) -> Response:
    """Return nothing: the services are separate processes and keep their own logs."""
    node().system(system_id)
    return Response("", content_type="text/plain; charset=utf-8")


@systems.post("/<system_id>/reload")
def reload(system_id: str) -> Response:
    """Accept the call without effect: this node does not start the services behind its systems."""
    node().system(system_id)
    return as_json({"message": "OK"}, 202)


@systems.route("/<system_id>/proxy", methods=PROXIED, defaults={"path": ""})
@systems.route("/<system_id>/proxy/<path:path>", methods=PROXIED)
def proxy(system_id: str, path: str) -> Response:
    """Forward a request to the service behind the system, and return its answer."""
    node().system(system_id)
    call = node().systems.raw(
        system_id,
        request.method,
        path,
        params=request.args.to_dict(flat=False),
        headers={name: value for name, value in request.headers if name.lower() in PASSED_ON},
        data=request.get_data(cache=False),
    )
    with call as answer:
        response = Response(answer.content, answer.status_code)
        for name in ("Content-Type", "ETag", "Location", "Retry-After"):
            if name in answer.headers:
                response.headers[name] = answer.headers[name]
        return response


def _reachability(system_id: str) -> dict[str, object]:
    """Return `{"running": bool}`, with a `reason` if it is false; any HTTP answer counts as running."""
    try:
        with node().systems.raw(system_id, "GET", ""):
            return {"running": True}
    except RemoteFailed as error:
        return {"running": False, "reason": str(error)}
