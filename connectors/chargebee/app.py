"""The Chargebee service: `gunicorn "connectors.chargebee.app:create_app()"`."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Flask

from connectors import __version__
from connectors.chargebee import webhooks
from connectors.chargebee.business_entities import BusinessEntities
from connectors.chargebee.catalogue import ItemFamilies, ItemPrices, Items
from connectors.chargebee.client import Chargebee
from connectors.chargebee.customers import Customers
from connectors.chargebee.datatype import ChargebeeDatatype
from connectors.chargebee.orders import Orders
from connectors.chargebee.settings import ChargebeeSettings, read_settings
from connectors.common import app as common_app
from connectors.common.metrics import Metrics
from connectors.common.node_receiver import NodeReceiver
from connectors.common.service import Service

NAME = "chargebee"
DATATYPES = (Customers, BusinessEntities, Orders, Items, ItemPrices, ItemFamilies)


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Return the WSGI application, see `from_environment`."""
    return common_app.from_environment(NAME, lambda given: build_service(read_settings(given)), environ)


def build_service(settings: ChargebeeSettings) -> Service:
    """Return the service with all its datatypes around one client."""
    metrics = Metrics()
    client = Chargebee(settings, metrics)
    datatypes = {datatype.name: datatype(client, settings) for datatype in DATATYPES}
    return Service(
        name=NAME,
        version=__version__,
        settings=settings.common,
        datatypes=datatypes,
        metrics=metrics,
        check=client.check,
        share_concurrency=settings.concurrency,
        blueprints=[_webhooks(settings, datatypes, client, metrics)],
        auth_exempt_paths=[webhooks.PATH],
    )


def _webhooks(
    settings: ChargebeeSettings,
    datatypes: Mapping[str, ChargebeeDatatype],
    client: Chargebee,
    metrics: Metrics,
) -> Blueprint:
    if settings.webhooks is None:
        return webhooks.not_configured()
    hooks = settings.webhooks
    receiver = NodeReceiver(hooks.node_url, hooks.node_jwt, settings.common, metrics)
    return webhooks.Webhooks(hooks, receiver, datatypes, client, metrics).blueprint()
