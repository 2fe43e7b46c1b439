"""Create the WSGI application of a service. Nothing happens at import."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from flask import Flask

from connectors.common import access_log, auth, logs, problems
from connectors.common.errors import SettingsError
from connectors.common.in_flight import IN_FLIGHT
from connectors.common.push import PushSequences
from connectors.common.ratios import Ratios
from connectors.common.service import Runtime, Service
from connectors.common.settings import stop
from connectors.common.share import ShareEngine
from connectors.common.views import entities, health, openapi, root, schemas, share


def from_environment(
    name: str, build: Callable[[Mapping[str, str]], Service], environ: Mapping[str, str] | None
) -> Flask:
    """Return the WSGI application of the service that `build` makes of the environment.

    A bad setting ends the process with one line that names it; where `environ` is given it is raised.
    """
    try:
        service = build(os.environ if environ is None else environ)
    except SettingsError as error:
        if environ is not None:
            raise
        stop(name, error)
    return create_app(service)


def create_app(service: Service) -> Flask:
    """Return a Flask application that serves `service` by the contract of this project."""
    app = Flask(f"connectors.{service.name}", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = service.settings.max_request_bytes
    app.url_map.strict_slashes = False
    redact = logs.Redactor(service.settings.secrets)
    metrics = service.metrics
    Ratios(metrics)

    def observe(datatype: str, operation: str, status: str) -> None:
        metrics.outcomes.labels(datatype, operation, status).inc()

    app.extensions["connectors"] = Runtime(
        service=service,
        engine=ShareEngine(service.datatypes.values(), service.share_concurrency, observe),
        redact=redact,
        log=logs.configure(service.name, service.settings.log_level, redact),
        sequences={name: PushSequences() for name in service.datatypes},
    )
    access_log.register(app)
    auth.register(app, service.settings, service.auth_exempt_paths)
    problems.register(app)

    app.before_request(IN_FLIGHT.begin)
    app.teardown_request(lambda _: IN_FLIGHT.end())

    for blueprint in (root.bp, health.bp, schemas.bp, openapi.bp, entities.bp, share.bp, *service.blueprints):
        app.register_blueprint(blueprint)
    return app
