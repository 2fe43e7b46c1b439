"""`/api/config`, `/api/env`, `/api/secrets`, `/api/metadata`: what is uploaded to the node."""

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
    """Replace the whole configuration by a zip or JSON: in a form part named "file", or as the body itself.

    Findings are answered as `validation_errors`: with 400 and nothing changed when there are errors, unless
    `force`; with 200 when there are only warnings.
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
    """Versions of the config entity `entity_id` as uploaded; `since`, `limit`, `reverse` as for datasets."""
    entity_id = request.args.get("entity_id")
    if not entity_id:
        raise BadRequest('the parameter "entity_id" is missing')
    limit, reverse = parsing.number("limit", None), parsing.flag("reverse", False)
    return as_json(node().config_history(entity_id, parsing.offset(), limit, reverse))


@config.get("/config")
def get_config() -> Response:
    """Return the configuration as uploaded: a zip if the client accepts one, else a JSON list."""
    if request.accept_mimetypes.best_match(["application/json", "application/zip"]) == "application/zip":
        return Response(node().config_zip(), content_type="application/zip")
    return as_json(list(node().config.entities))


@config.get("/config-all")
def get_config_all() -> Response:
    """Return everything configured; the same as `/config`, since this node adds nothing of its own."""
    return as_json(list(node().config.entities))


@config.get("/config/<group>")
def get_config_group(group: str) -> Response:
    """Return the entities of one config group; those without one are in "default"."""
    return as_json([entity for entity in node().config.entities if config_group(entity) == group])


@config.get("/env")
def get_env() -> Response:
    """Return the environment variables."""
    return as_json(node().env())


@config.put("/env")
def put_env() -> Response:
    """Replace all environment variables.

    409 and nothing changed when pipes with data would turn from a system to embedded test data or back; with
    `force=true` they do, and everything that pipes have read and made is deleted. PATCH and DELETE likewise.
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
    """Return names of the node's secrets; values are never answered."""
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
    """Prefix → URI of the default namespaces."""
    return as_json((node().config.settings.get("namespaces") or {}).get("default") or {})


def _uploaded() -> bytes:
    upload = request.files.get("file")
    data = upload.read() if upload is not None else request.get_data(cache=False)
    if not data:
        raise BadRequest("the upload is empty: send the archive in a form part named file")
    return data
