"""What the ERP's answers mean: the profile's error rules first, then the status code."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import UNSET

from connectors.common.errors import (
    AlreadyExists,
    Conflict,
    Expired,
    NotFound,
    Rejected,
    ServiceError,
    Unavailable,
    UpstreamRefused,
)
from connectors.common.upstream import UpstreamResponse, error_of_status
from connectors.erp.profile.model.connection import ErrorWhen, Rest
from core.dotted import get_path
from core.jsonio import pointer

_MOST = 500
"""Characters of an upstream message that are passed on."""


class NoRecord(NotFound):
    """The ERP's way of saying that a list has no record, or none any more."""


_ACTIONS: Mapping[str, type[ServiceError]] = {
    "rejected": Rejected,
    "conflict": Conflict,
    "already_exists": AlreadyExists,
    "not_found": NotFound,
    "empty": NoRecord,
    "unavailable": Unavailable,
    "refused": UpstreamRefused,
    "expired": Expired,
}


def error_reader(rest: Rest) -> Callable[[UpstreamResponse], ServiceError | None]:
    """Return the function that tells errors from answers, as the profile's connection describes them."""

    def error_of(answer: UpstreamResponse) -> ServiceError | None:
        action = action_of(rest, answer)
        if action == "ok":
            return None
        if action is not None:
            return _explained(_ACTIONS[action](f"the ERP answered {answer.status}"), answer, rest)
        error = error_of_status(answer)
        return _explained(error, answer, rest) if error is not None else None

    return error_of


def action_of(rest: Rest, answer: UpstreamResponse) -> str | None:
    """Return what the first of the profile's error rules that fits says of an answer; None if none fits."""
    return next((rule.action for rule in rest.errors if _fits(rule.when, answer)), None)


def _fits(when: ErrorWhen, answer: UpstreamResponse) -> bool:
    if when.status is not None and answer.status not in when.status:
        return False
    if when.method is not None and answer.method not in when.method:
        return False
    value = get_path(answer.body, when.path or "")
    if when.present is not None and (value is not None) != when.present:
        return False
    if when.equals is not UNSET and value != when.equals:
        return False
    return when.contains is None or (isinstance(value, str) and when.contains in value)


def _explained(error: ServiceError, answer: UpstreamResponse, rest: Rest) -> ServiceError:
    """Return the error with the ERP's own message, field and rule.

    The profile says where they are.
    """
    message = get_path(answer.body, rest.error_message) if answer.is_json else None
    if isinstance(message, str) and message:
        error.detail = f"{error.detail}: {message[:_MOST]}"
    field = get_path(answer.body, rest.error_field) if rest.error_field else None
    if isinstance(field, str) and field:
        error.field = pointer(field.split("."))
    rule = get_path(answer.body, rest.error_rule) if rest.error_rule else None
    if isinstance(rule, str | int):
        error.rule = str(rule)
    return error
