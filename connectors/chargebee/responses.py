"""What Chargebee's answers mean, by `api_error_code` and `param`; its messages are for people.

https://apidocs.chargebee.com/docs/api/error-handling
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.chargebee.forms import pointer_of
from connectors.common.datatype import Record
from connectors.common.errors import (
    AlreadyExists,
    InvalidResponse,
    Locked,
    NotFound,
    Rejected,
    ServiceError,
    Unavailable,
    UpstreamRefused,
)
from connectors.common.upstream import UpstreamResponse
from core.jsonio import Json

REPLAYED = "chargebee-idempotency-replayed"

_NOT_OURS = ("lock_timeout", "third_party_api_request_limit_exceeded")
"""Codes of a 429 that say nothing about the number of our calls."""


class MissingReference(Rejected):
    """A record that the payload refers to is not in Chargebee (yet)."""


class StoredRefusal(ServiceError):
    """A refusal kept from an earlier call with the same idempotency key; it may be out of date."""


def is_replay(answer: UpstreamResponse) -> bool:
    """Return whether the answer is the stored one of an earlier call with the same idempotency key."""
    return answer.headers.get(REPLAYED, "").lower() == "true"


def error_of(answer: UpstreamResponse) -> ServiceError | None:
    """Return the error that an answer stands for, or None."""
    error = _error_of(answer)
    return StoredRefusal(error.detail) if error is not None and is_replay(answer) else error


def _error_of(answer: UpstreamResponse) -> ServiceError | None:
    status = answer.status
    if status < 300:
        return None
    if status < 400:
        return UpstreamRefused(f"Chargebee redirects elsewhere ({status})")
    if status == 429 and _code(answer) in _NOT_OURS:
        return Locked(f"Chargebee answered {status}{_said(answer)}")
    if status >= 500 or status in (408, 425, 429):
        return Unavailable(f"Chargebee answered {status}{_said(answer)}")
    if not isinstance(answer.body, dict) or "api_error_code" not in answer.body:
        return InvalidResponse(
            f"Chargebee answered {status} without an api_error_code; is the address right?"
        )
    return _by_code(status, answer.body)


def _by_code(status: int, body: dict[str, object]) -> ServiceError:
    code = str(body["api_error_code"])
    param = body.get("param")
    if code == "site_not_found":
        where = "CHARGEBEE_SITE or CHARGEBEE_BASE_URL"
        return UpstreamRefused(
            f"Chargebee has no such site ({code}); check {where}", rule=code, setting=where
        )
    if status in (401, 403):
        return UpstreamRefused(f"Chargebee answered {code}", rule=code)
    field = pointer_of(param) if isinstance(param, str) and param else None
    detail = str(body.get("error_msg") or body.get("message") or code)
    detail = f"Chargebee: {param}: {detail}" if field else f"Chargebee: {detail}"
    if code == "resource_not_found":
        if field is None:
            return NotFound("Chargebee has no such record")
        return MissingReference(detail, field=field, rule=code)
    if code == "duplicate_entry" and param == "id":
        return AlreadyExists(detail, field=field, rule=code)
    return Rejected(detail, field=field, rule=code)


def _said(answer: UpstreamResponse) -> str:
    code = _code(answer)
    return f" ({code})" if code else ""


def _code(answer: UpstreamResponse) -> str | None:
    code = answer.body.get("api_error_code") if isinstance(answer.body, dict) else None
    return str(code) if code else None


def object_of(answer: UpstreamResponse) -> Json:
    """Return the JSON object that Chargebee answered; `InvalidResponse` for anything else."""
    if not isinstance(answer.body, dict):
        raise InvalidResponse("the Chargebee answer is not a JSON object")
    return answer.body


def record_of(body: Mapping[str, object], kind: str) -> Record:
    """Return the record of that kind in an answer; `InvalidResponse` if there is none."""
    record = body.get(kind)
    if not isinstance(record, dict) or "id" not in record:
        raise InvalidResponse(f"the Chargebee answer has no {kind}")
    return record
