"""Profiles for tests, and applications built from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from connectors.erp.app import create_app
from connectors.erp.profile.load import PROFILES

FAST = {
    "UPSTREAM_ATTEMPTS": "3",
    "UPSTREAM_BACKOFF_SECONDS": "0.01",
    "UPSTREAM_MAX_WAIT_SECONDS": "2",
    "READ_TIMEOUT_SECONDS": "1",
    "LOG_LEVEL": "ERROR",
}


def profile(rest: dict[str, Any] | None = None, **entity: Any) -> dict[str, Any]:
    """A small profile with one datatype, contact; `rest` and `entity` are merged into it."""
    return {
        "profile_version": 1,
        "name": "test",
        "connection": {
            "rest": {"base_url": "${ERP_BASE_URL}", "retry": {"base": 0.001, "cap": 0.01}, **(rest or {})}
        },
        "entities": {
            "contact": {
                "path": "/people",
                "modified": ["changed"],
                "paginator": {"type": "single"},
                "incremental": {"order": "modified"},
                "origin": {"field": "external_refs.chargebee", "query": {"ref": "{origin}"}},
                **entity,
            }
        },
    }


def without_waiting(document: dict[str, Any]) -> dict[str, Any]:
    """A profile, in which each read asks for deletions, so that a test need not wait for them."""
    for spec in (document.get("defaults", {}), *document["entities"].values()):
        for name in ("every_seconds", "if_any"):
            spec.get("deleted", {}).pop(name, None)
    return document


def impatient(preset: str, folder: Path) -> str:
    """A file in that folder with the preset, `without_waiting`."""
    file = folder / f"{preset}.json"
    file.write_text(json.dumps(without_waiting(json.loads((PROFILES / file.name).read_bytes()))))
    return str(file)


def app_of(folder: Path, url: str, document: dict[str, Any], **environment: str) -> FlaskClient:
    """A client of the service that speaks to `url` by the profile `document`."""
    file = folder / "profile.json"
    file.write_text(json.dumps(document))
    env = {**FAST, "ERP_BASE_URL": url, "ERP_PROFILE": str(file), **environment}
    return create_app(env).test_client()


def sandbox_app(url: str, **environment: str) -> FlaskClient:
    """A client of the service that speaks to an API like the sandbox's, by the preset."""
    return create_app({**FAST, "ERP_BASE_URL": url, "ERP_TOKEN": "sandbox", **environment}).test_client()
