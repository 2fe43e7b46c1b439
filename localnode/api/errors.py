"""One JSON error shape: problem documents (RFC 9457), whatever went wrong."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from core.http_worker import BadFraming, RequestTooSlow
from core.problem import http_problem, problem
from localnode.config.problems import ConfigRefused
from localnode.dtl import DtlError
from localnode.errors import NodeError
from localnode.pipes import (
    BadToken,
    ConfigProblem,
    InvalidPush,
    NotAvailable,
    PartlyRefused,
    PipeError,
    Refused,
    SequenceConflict,
)
from localnode.store import BreakerTripped, DatasetMissing, DiskFull, InvalidEntity, StaleEntity, StoreError

log = logging.getLogger(__name__)

_LATER = 1.0
"""Seconds after which a caller may try again what cannot be done at present."""

_PIPE_ERRORS: list[tuple[type[Any], int, str]] = [
    (InvalidPush, 400, "Bad request"),
    (BadToken, 400, "Bad request"),
    (ConfigProblem, 400, "Bad request"),
    (SequenceConflict, 409, "Conflict"),
    (Refused, 409, "Conflict"),
    (NotAvailable, 503, "Unavailable"),
    (PipeError, 503, "Unavailable"),
]
_STORE_ERRORS: list[tuple[type[Any], int, str]] = [
    (DatasetMissing, 404, "Not found"),
    (InvalidEntity, 400, "Bad request"),
    (BreakerTripped, 423, "Locked"),
    (DiskFull, 507, "Insufficient storage"),
    (StoreError, 500, "Internal server error"),
]


def register_errors(app: Flask) -> None:
    """Turn every error of `app` into a problem document."""

    @app.errorhandler(NodeError)
    def refused(error: NodeError) -> Response:
        wait = _LATER if error.status == 503 else None
        return problem(error.status, error.title, str(error), retry_after=wait, **error.detail)

    @app.errorhandler(ConfigRefused)
    def config_refused(error: ConfigRefused) -> Response:
        return problem(400, "Invalid configuration", str(error), validation_errors=error.validation_errors)

    @app.errorhandler(PipeError)
    def pipe_error(error: PipeError) -> Response:
        status, title = _entry(_PIPE_ERRORS, error)
        return problem(status, title, str(error), retry_after=_LATER if status == 503 else None)

    @app.errorhandler(PartlyRefused)
    def partly_refused(error: PartlyRefused) -> Response:
        refused = [
            {"index": each.index, "_id": each.entity_id, "detail": each.reason} for each in error.refused
        ]
        return problem(400, "Bad request", str(error), stored=len(error.taken), refused=refused)

    @app.errorhandler(StaleEntity)
    def stale(error: StaleEntity) -> Response:
        versions: dict[str, Any] = {
            "input_entity": error.input_entity,
            "existing_entity": error.existing_entity,
            "common_ancestor_entity": error.common_ancestor_entity,
        }
        return problem(409, "Conflict", str(error), **versions)

    @app.errorhandler(StoreError)
    def store_error(error: StoreError) -> Response:
        status, title = _entry(_STORE_ERRORS, error)
        return problem(status, title, str(error))

    @app.errorhandler(DtlError)
    def dtl_error(error: DtlError) -> Response:
        place: dict[str, Any] = {"rule": error.rule, "path": error.path, "entity": error.entity_id}
        return problem(400, "Bad request", str(error), **place)

    @app.errorhandler(BadFraming)
    def bad_framing(error: Exception) -> Response:
        return problem(
            400, "Bad request", f"the framing of the request's body is wrong ({type(error).__name__})"
        )

    @app.errorhandler(RequestTooSlow)
    def too_slow(error: RequestTooSlow) -> Response:
        del error
        return problem(408, "Request timeout", "the rest of the request's body did not come in time")

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        return http_problem(error)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.exception("unexpected error")
        return problem(500, "Internal server error", f"{type(error).__name__}: see the node's log")


def _entry(table: list[tuple[type[object], int, str]], error: Exception) -> tuple[int, str]:
    """Return status and title of the first kind in `table` that `error` is an instance of."""
    return next((status, title) for kind, status, title in table if isinstance(error, kind))
