"""Check a payload against a datatype's JSON Schema and say what is wrong without repeating the value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from connectors.common.datatype import Record
from connectors.common.errors import Rejected
from core.jsonio import Json, pointer, type_name
from core.schema_messages import explain

_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_MOST = 10
"""Problems that are told of one entity."""

_LOOKED_AT = 100
"""Broken rules that are looked at to find them."""


formats = FormatChecker(formats=())


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or (len(value) == 10 and bool(date.fromisoformat(value)))


def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _is_email(value: object) -> bool:
    return not isinstance(value, str) or not value or _EMAIL.fullmatch(value.strip()) is not None


def _is_decimal(value: object) -> bool:
    return not isinstance(value, str) or _DECIMAL.fullmatch(value) is not None


formats.checks("date", raises=ValueError)(_is_date)
formats.checks("date-time", raises=ValueError)(_is_instant)
formats.checks("email")(_is_email)
formats.checks("decimal")(_is_decimal)


def _read_only(validator: object, value: bool, instance: object, schema: object) -> Iterator[ValidationError]:
    del validator, instance, schema
    if value:
        yield ValidationError("read-only")


_Validator = extend(Draft202012Validator, {"readOnly": _read_only})


class PayloadCheck:
    """The two forms of one schema: unchanged for an insert, without `required` for an update.

    The schemas are the services' own, so tests check them against the meta-schema, not every start.
    """

    def __init__(self, schema: Mapping[str, object]) -> None:
        self._by_operation = {
            "insert": _Validator(schema, format_checker=formats),
            "update": _Validator(_without_required(schema), format_checker=formats),
        }

    def __call__(self, operation: str, payload: Record) -> None:
        """Raise `Rejected` for the first broken rule; others are listed under `errors`.

        `operation` is insert or update. On insert a null counts as missing.
        """
        if operation == "insert":
            payload = {name: value for name, value in payload.items() if value is not None}
        # What is wrong 300,000 times is wrong: finding and wording each of them would take half a minute.
        errors = islice(self._by_operation[operation].iter_errors(payload), _LOOKED_AT)
        found = sorted(errors, key=lambda error: list(map(str, error.absolute_path)))
        problems: dict[tuple[str, str], dict[str, Any]] = {}
        for problem in islice((each for error in found for each in _explain(error)), _LOOKED_AT):
            problems.setdefault((problem["field"], problem["rule"]), problem)
        if problems:
            first, *others = list(problems.values())[:_MOST]
            raise Rejected(**first, errors=others or None)


def _without_required(schema: object) -> object:
    if isinstance(schema, Mapping):
        return {
            name: _without_required(value) for name, value in schema.items() if not _is_required(name, value)
        }
    if isinstance(schema, list):
        return [_without_required(item) for item in schema]
    return schema


def _is_required(name: str, value: object) -> bool:
    """Return the keyword, not a property with the name `required`."""
    return name == "required" and isinstance(value, list)


def _explain(error: ValidationError) -> Iterator[Json]:
    """Yield one problem per offending property: detail, field (JSON Pointer), rule, type of value, limit."""
    for finding in explain(error):
        where = pointer(finding.path)
        problem: dict[str, Any] = {
            "detail": f"{where or 'the entity'} {finding.text}",
            "field": where,
            "rule": finding.rule,
            "type": type_name(finding.value),
        }
        if type(error.validator_value) is int:
            problem["limit"] = error.validator_value
        yield problem
