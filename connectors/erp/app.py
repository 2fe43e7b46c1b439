"""The ERP service: `gunicorn "connectors.erp.app:create_app()"`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from flask import Flask

from connectors import __version__
from connectors.common import app as common_app
from connectors.common.errors import SettingsError
from connectors.common.limiter import Limiter
from connectors.common.metrics import Metrics
from connectors.common.service import Service
from connectors.common.settings import stop
from connectors.common.upstream import UpstreamClient, UpstreamOptions
from connectors.erp.auth import TokenCalls, make_auth
from connectors.erp.datatype import ErpDatatype
from connectors.erp.dry_run import DryRun
from connectors.erp.responses import error_reader
from connectors.erp.schema import load_schema
from connectors.erp.settings import ErpSettings, read_settings

NAME = "customerp"


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """The WSGI application, from the environment; a bad setting ends the process with one line that names
    it.
    """
    try:
        settings = read_settings(os.environ if environ is None else environ)
    except SettingsError as error:
        if environ is not None:
            raise
        stop(NAME, error)
    return common_app.create_app(build_service(settings))


def build_service(settings: ErpSettings) -> Service:
    """The service with a datatype for every entity of the profile."""
    metrics = Metrics()
    client = make_client(settings, metrics)
    entities, size = settings.profile.entities, settings.common.page_size
    datatypes = {
        name: ErpDatatype(name, spec, load_schema(name), client, size) for name, spec in entities.items()
    }
    dry_runs = {name: DryRun(name, spec, load_schema(name), client, size) for name, spec in entities.items()}

    def check() -> None:
        for datatype in list(datatypes.values())[:1]:
            datatype.check_reachable()

    return Service(
        name=NAME,
        version=__version__,
        settings=settings.common,
        datatypes=datatypes,
        metrics=metrics,
        check=check,
        dry_runs=dry_runs,
        share_concurrency=settings.share_concurrency,
    )


def make_client(settings: ErpSettings, metrics: Metrics) -> UpstreamClient:
    """The client that speaks to the ERP as the profile's connection says."""
    profile, common = settings.profile, settings.common
    rest = profile.rest
    timeout, retry, rate = rest.get("timeout", {}), rest.get("retry", {}), rest.get("rate_limit", {})
    options = UpstreamOptions(
        base_url=rest["base_url"],
        address_setting=profile.address_setting,
        credentials_setting=profile.credentials_setting,
        connect_timeout=timeout.get("connect", common.connect_timeout),
        read_timeout=timeout.get("read", common.read_timeout),
        attempts=retry.get("max", common.attempts - 1) + 1,
        backoff=retry.get("base", common.backoff),
        backoff_cap=retry.get("cap", 20.0),
        max_wait=common.max_wait,
        verify=common.ca_file or True,
    )
    return UpstreamClient(
        options,
        make_auth(rest.get("auth", {"type": "none"}), TokenCalls(options)),
        Limiter(rate.get("per_second"), rate.get("burst", 1), rate.get("concurrency")),
        metrics,
        error_of=error_reader(rest),
        headers=rest.get("headers"),
        query=rest.get("query"),
    )
