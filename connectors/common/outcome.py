"""Describe the result of one share request."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.common.datatype import Record
from connectors.common.errors import ServiceError


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one request.

    `operation` as carried out, `record` as now stored upstream (None if unknown). `refused`: properties that
    were left out, each `{field, value, rule, detail}`; `kept`: values that upstream stored differently, each
    `{field, sent, kept}`.
    """

    operation: str
    status: str = "ok"
    key: str | None = None
    record: Record | None = None
    error: ServiceError | None = None
    refused: tuple[Record, ...] = ()
    kept: tuple[Record, ...] = ()
