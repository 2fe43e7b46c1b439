"""Checks the parameters of a POST against its spec and turns them into typed values.

Unknown names are refused, except custom fields (`cf_…`) where the operation takes them. An empty text means
"clear this attribute" and becomes None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import orjson

from core.jsonio import Json
from sandbox.chargebee import specs
from sandbox.chargebee.errors import ApiError, blank, invalid_request, wrong_value
from sandbox.chargebee.facts import holds, imitates
from sandbox.chargebee.forms import Field

EMAIL = re.compile(
    r"^(?:[A-Za-z0-9_'+\-]+\.)*[A-Za-z0-9_'+\-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$"
)
_INTEGER = re.compile(r"^-?\d{1,19}$")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
_TIMESTAMP = re.compile(r"^\d{10}$")
_CUSTOM_FIELD_LIMIT = 250
_JSON_LIMIT = 65_535
_CUSTOM_FIELD_OPERATIONS = frozenset(
    f"POST /{resource}{suffix}"
    for resource in ("customers", "items", "item_families", "item_prices")
    for suffix in ("", "/{id}")
) | {"POST /invoices/import_invoice"}


_ELSEWHERE = {
    "POST /customers/{id}": {
        **dict.fromkeys(
            ("billing_address", "vat_number", "business_entity_id"), "plain-update-takes-no-address"
        ),
        "relationship": "hierarchy-has-its-own-calls",
    },
    "POST /items/{id}": dict.fromkeys(("id", "type"), "item-id-and-type-are-fixed"),
    "POST /orders/{id}": dict.fromkeys(("customer_id", "billing_address"), "order-update-is-for-fulfilment"),
}
"""What an update does not take, and the fact that says so; while that is turned round, it is ignored."""

_REQUIRED_BY = {
    "POST /orders/import_order": "import-order-needs-dates",
    "POST /invoices/import_invoice": "invoice-line-needs-a-description",
}
"""Which fact says what an operation cannot do without; while that is turned round, nothing is required."""


@imitates("values-are-checked", "empty-value-clears")
def check(operation: str, fields: Iterable[Field]) -> dict[str, object]:
    """Return the typed parameters of `operation`.

    Scalars, dicts for nested ones, lists (of dicts) for arrays.

    Raises ApiError (`param_wrong_value`) naming the parameter as the client wrote it.
    """
    spec = specs.operation(operation)
    values: dict[str, Any] = {}
    columns: dict[str, dict[int, Any]] = {}
    for field in fields:
        if field.text == "" and not holds("empty-value-clears"):
            continue
        elsewhere = _ELSEWHERE.get(operation, {}).get(field.path[0])
        if elsewhere and not holds(elsewhere):
            continue
        if field.path[0].startswith("cf_") and len(field.path) == 1:
            values[field.path[0]] = _custom_field(operation, field)
            continue
        try:
            _place(spec["parameters"], field, values, columns)
        except ApiError:
            if holds("values-are-checked"):
                raise
    for name, rows in columns.items():
        values[name] = [rows[index] for index in sorted(rows)]
    if holds(_REQUIRED_BY.get(operation, "values-are-checked")):
        _require(spec["required"], values)
    return values


@imitates("unknown-parameter-is-refused")
def _place(known: Json, field: Field, values: Json, columns: dict[str, dict[int, object]]) -> None:
    """Put one field where its path says: scalar, `a[b]`, `a[0]` or column-wise `a[b][0]`."""
    head, rest = field.path[0], field.path[1:]
    if not rest and head in known and isinstance(known[head], str) and known[head] != "@address":
        values[head] = convert(known[head], field)
    elif (
        len(rest) == 1
        and _nested(known.get(head)) is not None
        and rest[0] in (_nested(known.get(head)) or {})
    ):
        values.setdefault(head, {})[rest[0]] = convert((_nested(known[head]) or {})[rest[0]], field)
    elif f"{head}[]" in known:
        _place_in_array(known[f"{head}[]"], field, columns.setdefault(head, {}))
    elif holds("unknown-parameter-is-refused"):
        raise wrong_value(field.name, "is not a parameter of this operation")


@imitates("unknown-parameter-is-refused")
def _place_in_array(kinds: str | dict[str, str], field: Field, rows: dict[int, Any]) -> None:
    rest = field.path[1:]
    index = rest[-1] if rest else ""
    if not index.isdigit():
        raise wrong_value(field.name, "an array needs an index, such as name[0]")
    if isinstance(kinds, str) and len(rest) == 1:
        rows[int(index)] = convert(kinds, field)
    elif isinstance(kinds, dict) and len(rest) == 2 and rest[0] in kinds:
        rows.setdefault(int(index), {})[rest[0]] = convert(kinds[rest[0]], field)
    else:
        raise wrong_value(field.name, "is not a parameter of this operation")


def _nested(kind: object) -> dict[str, str] | None:
    if kind == "@address":
        return specs.address_parameters()
    return kind if isinstance(kind, dict) else None


@imitates("custom-fields-by-resource")
def _custom_field(operation: str, field: Field) -> str | None:
    if operation not in _CUSTOM_FIELD_OPERATIONS:
        if not holds("custom-fields-by-resource"):
            return None
        raise wrong_value(field.name, "custom fields are not supported by this operation")
    if len(field.text) > _CUSTOM_FIELD_LIMIT:
        raise wrong_value(field.name, f"cannot be more than {_CUSTOM_FIELD_LIMIT} characters")
    return field.text or None


@imitates("required-parameters")
def _require(required: list[str], values: dict[str, object]) -> None:
    """Refuse what is missing: `id`, `contact[email]`, or `line_items[][description]` in a row."""
    for name in required:
        head, *rest = name.replace("]", "").split("[")
        present: Any = values.get(head)
        if rest and rest[0] == "":
            for index, row in enumerate(present or []):
                if row.get(rest[1]) is None:
                    raise blank(f"{head}[{rest[1]}][{index}]")
        elif present in (None, []) or (rest and present.get(rest[0]) is None):
            if not holds("required-parameters"):
                raise invalid_request(f"{name} cannot be blank")
            raise blank(name)


@imitates("empty-value-clears", "empty-text-clears-other-types")
def convert(kind: str, field: Field) -> Any:
    """Return the typed value of one field by its kind; None for an empty text.

    ApiError if it breaks the rules.
    """
    word, _, rest = kind.partition(" ")
    if field.text == "":
        if word in ("email", "timestamp", "boolean") and not holds("empty-text-clears-other-types"):
            raise wrong_value(field.name, "cannot be empty")
        return None
    return _CONVERTERS[word](rest, field.name, field.text)


@imitates("values-are-checked")
def _string(limit: str, name: str, text: str) -> str:
    length = len(text) if holds("lengths-count-characters") else len(text.encode())
    if limit and length > int(limit):
        raise wrong_value(name, f"cannot be more than {limit} characters")
    return text


@imitates("values-are-checked")
def _email(limit: str, name: str, text: str) -> str:
    if not EMAIL.match(_string(limit, name, text)):
        raise wrong_value(name, "invalid email address")
    return text


@imitates("values-are-checked")
def _enum(allowed: str, name: str, text: str) -> str:
    if text not in allowed.split():
        raise wrong_value(name, f"should be one of {', '.join(allowed.split())}")
    return text


@imitates("values-are-checked")
def _boolean(_: str, name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise wrong_value(name, "should be true or false")
    return text == "true"


@imitates("values-are-checked")
def _bounded(bounds: str, name: str, value: int | float) -> None:
    low, _, high = bounds.partition("..")
    if low and value < float(low):
        raise wrong_value(name, f"should be at least {low}")
    if high and value > float(high):
        raise wrong_value(name, f"should be at most {high}")


@imitates("values-are-checked")
def _integer(bounds: str, name: str, text: str) -> int:
    if not _INTEGER.match(text):
        raise wrong_value(name, "should be a whole number")
    _bounded(bounds, name, int(text))
    return int(text)


@imitates("values-are-checked")
def _number(bounds: str, name: str, text: str) -> float:
    if not _NUMBER.match(text):
        raise wrong_value(name, "should be a number")
    _bounded(bounds, name, float(text))
    return float(text)


@imitates("values-are-checked")
def _timestamp(_: str, name: str, text: str) -> int:
    if not _TIMESTAMP.match(text):
        raise wrong_value(name, "should be a timestamp in seconds (10 digits)")
    return int(text)


@imitates("values-are-checked")
def _json(_: str, name: str, text: str) -> Any:
    if len(text) > _JSON_LIMIT:
        raise wrong_value(name, f"cannot be more than {_JSON_LIMIT} characters")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise wrong_value(name, "should be JSON") from None
    wanted = list if name == "exemption_details" else dict
    if not isinstance(value, wanted):
        raise wrong_value(name, f"should be a JSON {'array' if wanted is list else 'object'}")
    return value


_CONVERTERS = {
    "string": _string,
    "email": _email,
    "enum": _enum,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "timestamp": _timestamp,
    "json": _json,
}
