"""`/api/config`, `/api/env`, `/api/secrets`, `/api/metadata`: everything that is uploaded to the node."""

from __future__ import annotations

from flask import Blueprint, Response, request

from localnode.api import parsing, views
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.config import read_upload
from localnode.config.groups import config_group
from localnode.config.store import GLOBAL
from localnode.errors import BadRequest, NotFound

config = Blueprint("config", __name__, url_prefix="/api")


@config.put("/config")
@config.put("/config-all")
def put_config() -> Response:
    """Replace the whole configuration with a zip or JSON: in a form part named "file", or as the body itself.

    Findings are returned as `validation_errors`. If there are errors, the answer is 400 and nothing changes,
    unless `force` is set. If there are only warnings, it is 200.
    """
    found = node().upload(_uploaded(), parsing.flag("force", False))
    return as_json({"validation_errors": found.validation_errors()})


@config.put("/config/<group>")
def put_config_group(group: str) -> Response:
    """Replace the entities of one config group in the same way."""
    found = node().replace_group(group, read_upload(_uploaded()), parsing.flag("force", False))
    return as_json({"validation_errors": found.validation_errors()})


@config.get("/config-history/entity")
def get_history() -> Response:
    """Return versions of the config entity `entity_id`; `since`, `limit`, `reverse` as for datasets."""
    entity_id = request.args.get("entity_id")
    if not entity_id:
        raise BadRequest('the parameter "entity_id" is missing')
    limit, reverse = parsing.number("limit", None), parsing.flag("reverse", False)
    return as_json(node().config_history(entity_id, parsing.offset(), limit, reverse))


@config.get("/config")
def get_config() -> Response:
    """Return the uploaded configuration: a zip if the client accepts one, otherwise a JSON list."""
    if request.accept_mimetypes.best_match(["application/json", "application/zip"]) == "application/zip":
        return Response(node().config_zip(), content_type="application/zip")
    return as_json(list(node().config.entities))


@config.get("/config-all")
def get_config_all() -> Response:
    """Return the whole configuration; the same as `/config`, because this node adds nothing of its own."""
    return as_json(list(node().config.entities))


@config.get("/config/<group>")
def get_config_group(group: str) -> Response:
    """Return the entities of one config group; entities without a group are in "default"."""
    return as_json([entity for entity in node().config.entities if config_group(entity) == group])


@config.get("/env")
def get_env() -> Response:
    """Return the environment variables."""
    return as_json(node().env())


@config.put("/env")
def put_env() -> Response:
    """Replace all environment variables.

    The answer is 409 and nothing changes if this would switch pipes with data from a system to embedded test
    data or back. With `force=true` they are switched, and everything that the pipes have read and produced is
    deleted. PATCH and DELETE behave the same way.
    """
    node().replace_env(parsing.json_object(), parsing.flag("force", False))
    return get_env()


@config.route("/env", methods=["POST", "PATCH"])
def add_env() -> Response:
    """Add or overwrite environment variables."""
    node().replace_env({**node().env(), **parsing.json_object()}, parsing.flag("force", False))
    return get_env()


@config.delete("/env/<name>")
def delete_env(name: str) -> Response:
    """Remove one environment variable."""
    variables = node().env()
    if name not in variables:
        raise NotFound(f'there is no environment variable "{name}"')
    kept = {key: value for key, value in variables.items() if key != name}
    node().replace_env(kept, parsing.flag("force", False))
    return get_env()


@config.get("/secrets")
def get_secrets() -> Response:
    """Return the names of the node's secrets, never their values."""
    return as_json(node().secret_names(GLOBAL))


@config.route("/secrets", methods=["PUT", "POST"])
def put_secrets() -> Response:
    """Store secrets: PUT replaces all of them, POST adds."""
    node().put_secrets(GLOBAL, parsing.json_object(), replace=request.method == "PUT")
    return get_secrets()


@config.delete("/secrets/<name>")
def delete_secret(name: str) -> Response:
    """Remove one secret."""
    node().delete_secret(GLOBAL, name)
    return get_secrets()


@config.get("/metadata")
def get_metadata() -> Response:
    """Return the metadata entity in both forms."""
    component = node().config.metadata
    if component is None:
        empty = {"_id": "node", "type": "metadata"}
        return as_json({"_id": "node", "config": {"original": empty, "effective": node().config.settings}})
    return as_json(
        {
            "_id": component.id,
            "config": views.component_config(component),
            "runtime": views.config_state(component),
        }
    )


@config.put("/metadata")
def put_metadata() -> Response:
    """Replace the metadata entity."""
    entity = {"_id": "node", "type": "metadata", **parsing.json_object()}
    if not isinstance(entity["_id"], str) or not entity["_id"]:
        raise BadRequest('the metadata entity needs a non-empty string "_id"')
    node().add_entities([entity], parsing.flag("force", False))
    return get_metadata()


@config.delete("/metadata")
def delete_metadata() -> Response:
    """Remove the metadata entity."""
    component = node().config.metadata
    if component is not None:
        node().remove_entity(component.id)
    return get_metadata()


@config.get("/namespaces")
def get_namespaces() -> Response:
    """Return the default namespaces, as prefix → URI."""
    return as_json((node().config.settings.get("namespaces") or {}).get("default") or {})


def _uploaded() -> bytes:
    upload = request.files.get("file")
    data = upload.read() if upload is not None else request.get_data(cache=False)
    if not data:
        raise BadRequest("the upload is empty: send the archive in a form part named file")
    return data
