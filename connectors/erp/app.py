"""The ERP service: `gunicorn "connectors.erp.app:create_app()"`."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Flask

from connectors import __version__
from connectors.common import app as common_app
from connectors.common.datatype import Datatype
from connectors.common.metrics import Metrics
from connectors.common.node_receiver import NodeReceiver
from connectors.common.service import Service
from connectors.erp import webhooks
from connectors.erp.absent import AbsentDatatype
from connectors.erp.datatype import ErpDatatype
from connectors.erp.http.client import make_client
from connectors.erp.read.known_deletions import Shared
from connectors.erp.read.lookups import Lookups
from connectors.erp.schema import DATATYPES, load_schema
from connectors.erp.settings import ErpSettings, read_settings

NAME = "customerp"


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Return the WSGI application, see `from_environment`."""
    return common_app.from_environment(NAME, lambda given: build_service(read_settings(given)), environ)


def build_service(settings: ErpSettings) -> Service:
    """Return the service with all six datatypes; those that the profile does not have read as empty."""
    metrics = Metrics()
    client = make_client(settings, metrics)
    lookups = Lookups(client, settings.profile.lookups)
    profile, size = settings.profile, settings.common.page_size
    shared: Shared = []
    there = {
        name: ErpDatatype(name, spec, load_schema(name), client, lookups, size, shared=shared)
        for name, spec in profile.entities.items()
    }
    absent = {name: AbsentDatatype(name, load_schema(name), why) for name, why in profile.absent.items()}

    def check() -> None:
        for datatype in list(there.values())[:1]:
            datatype.check_reachable()

    return Service(
        name=NAME,
        version=__version__,
        settings=settings.common,
        datatypes=_in_order({**there, **absent}),
        metrics=metrics,
        check=check,
        share_concurrency=settings.share_concurrency,
        blueprints=[_events(settings, there, metrics)],
        auth_exempt_paths=[webhooks.PATH],
    )


def _events(settings: ErpSettings, there: Mapping[str, ErpDatatype], metrics: Metrics) -> Blueprint:
    spec = settings.profile.webhooks
    if spec is None or settings.node_url is None:
        return webhooks.not_configured(settings.profile.no_webhooks)
    receiver = NodeReceiver(settings.node_url, settings.node_jwt, settings.common, metrics)
    return webhooks.EventReceiver(spec, receiver, there, DATATYPES, metrics).blueprint()


def _in_order(datatypes: Mapping[str, Datatype]) -> dict[str, Datatype]:
    return {name: datatypes[name] for name in DATATYPES}
