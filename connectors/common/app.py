"""The application factory: one service in, one WSGI application out. Nothing happens at import."""

from __future__ import annotations

from flask import Flask

from connectors.common import access_log, auth, logs, problems
from connectors.common.in_flight import IN_FLIGHT
from connectors.common.push import PushSequences
from connectors.common.ratios import Ratios
from connectors.common.service import Runtime, Service
from connectors.common.share import ShareEngine
from connectors.common.views import entities, health, openapi, root, schemas, share


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
