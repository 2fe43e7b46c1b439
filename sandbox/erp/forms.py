"""Between a record and an HTML form, whose names are flat, such as `address.city` or `lines.0.sku`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson

from sandbox.erp.checks import Values
from sandbox.erp.fields import Field

BLANK_LINES = 2


@dataclass(frozen=True)
class Input:
    """One control of the form: its name, what is in it, and the field behind it."""

    name: str
    label: str
    value: str
    spec: Field


@dataclass(frozen=True)
class Group:
    """Controls that belong together: the plain fields, an address, or one order line."""

    title: str
    inputs: list[Input]


def groups(fields: Mapping[str, Field], record: Values) -> Iterator[Group]:
    """Yield the whole form of a record; order lines are followed by blank ones to fill in."""
    plain = {name: spec for name, spec in fields.items() if spec.nested is None and not spec.computed}
    yield Group("", list(_inputs(plain, record, "")))
    for name, spec in fields.items():
        if spec.nested is None:
            continue
        if spec.default is None:
            yield Group(name, list(_inputs(spec.nested, record.get(name) or {}, f"{name}.")))
            continue
        lines = [*record.get(name, []), *({} for _ in range(BLANK_LINES))]
        for place, line in enumerate(lines):
            inputs = list(_inputs(spec.nested, line, f"{name}.{place}."))
            yield Group(f"line {place + 1}" if line else "new line", inputs)


def _inputs(fields: Mapping[str, Field], values: Values, path: str) -> Iterator[Input]:
    for name, spec in fields.items():
        if not spec.computed:
            yield Input(path + name, name.replace("_", " "), _text(values.get(name), spec), spec)


def _text(value: object, spec: Field) -> str:
    if value is None:
        return ""
    if spec.control == "flag":
        return "true" if value else "false"
    if spec.control == "json":
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return str(value)


def read_form(fields: Mapping[str, Field], form: Mapping[str, str]) -> Values:
    """Return the body that a filled-in form stands for.

    An empty control clears, an empty address or line is none.

    A value of the wrong kind is passed on as it is, for the record's own checks to refuse.
    """
    body: Values = {}
    for name, spec in fields.items():
        if spec.computed:
            continue
        if spec.nested is None:
            if name in form:
                body[name] = _value(form[name], spec)
        elif spec.default is None:
            body[name] = _part(spec.nested, form, f"{name}.")
        else:
            body[name] = list(_lines(spec.nested, form, name))
    return body


def _lines(fields: Mapping[str, Field], form: Mapping[str, str], name: str) -> Iterator[Values]:
    places = {
        int(key.split(".")[1]) for key in form if key.startswith(f"{name}.") and key.split(".")[1].isdecimal()
    }
    for place in sorted(places):
        line = _part(fields, form, f"{name}.{place}.")
        if line and any(line.get(key) for key in ("sku", "description", "product_id")):
            yield {key: value for key, value in line.items() if value is not None or line.get("line_id")}


def _part(fields: Mapping[str, Field], form: Mapping[str, str], path: str) -> Values | None:
    part = {
        name: _value(form[path + name], spec)
        for name, spec in fields.items()
        if not spec.computed and path + name in form
    }
    return part if any(value is not None for value in part.values()) else None


def _value(text: str, spec: Field) -> object:
    text = text.replace("\r\n", "\n")
    if text == "":
        return None
    if spec.control == "flag":
        return {"true": True, "false": False}.get(text, text)
    if spec.control == "number":
        return int(text) if text.lstrip("-").isdecimal() else text
    if spec.control == "json":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return text
