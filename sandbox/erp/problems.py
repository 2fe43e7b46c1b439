"""Refusals of the ERP, answered as `application/problem+json`.

ProblemResponse         a status with title and detail
└── Invalid             400, the fields that break a rule, each with `field`, `rule` and `message`
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from flask import Response

from core.problem import problem


@dataclass(frozen=True)
class FieldError:
    """One broken rule: `field` is a dotted path such as `address.country` or `lines.0.quantity`."""

    field: str
    rule: str
    message: str


class ProblemResponse(Exception):
    """A request that the ERP refuses; `extra` members are shown in the problem document."""

    def __init__(self, status: int, title: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.extra = extra

    def response(self) -> Response:
        """Return the problem document."""
        response = problem(self.status, self.title, self.detail, **self.extra)
        if self.status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="erp"'
        return response


class Invalid(ProblemResponse):
    """The record would break the rules of its type."""

    def __init__(self, errors: list[FieldError]) -> None:
        detail = "; ".join(f"{error.field}: {error.message}" for error in errors)
        super().__init__(400, "Validation failed", detail, errors=[asdict(error) for error in errors])


def conflict(field: str, rule: str, message: str, **extra: object) -> ProblemResponse:
    """409: the request is well-formed, but the present state of the records forbids it."""
    error = asdict(FieldError(field, rule, message))
    return ProblemResponse(409, "Conflict", f"{field}: {message}", errors=[error], **extra)
