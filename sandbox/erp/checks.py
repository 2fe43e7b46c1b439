"""Checking what a caller sends against the fields of its type, and merging it onto the present record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from sandbox.erp.fields import Field
from sandbox.erp.kinds import BrokenRule
from sandbox.erp.problems import FieldError

Values = dict[str, Any]
_LINE_ID = re.compile(r"L(\d{1,9})")


@dataclass
class Draft:
    """A record in the making.

    `values` as they would be stored, what is wrong, and which computed values the caller claims (path to
    value), to be compared once they have been computed.
    """

    values: Values
    errors: list[FieldError] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)

    def refuse(self, path: str, rule: str, message: str) -> None:
        """Note a broken rule."""
        self.errors.append(FieldError(path, rule, message))


def draft_record(fields: Mapping[str, Field], body: Values, present: Values | None) -> Draft:
    """Merge `body` onto `present` (None when creating), field by field, noting every broken rule."""
    draft = Draft({})
    draft.values = _merge(draft, fields, body, present, "")
    return draft


def _merge(
    draft: Draft, fields: Mapping[str, Field], body: Values, present: Values | None, path: str
) -> Values:
    values = {name: deepcopy((present or {}).get(name, spec.default)) for name, spec in fields.items()}
    for name, value in body.items():
        spec = fields.get(name)
        if spec is None:
            draft.refuse(path + name, "unknown", "is not a field of this type")
        elif spec.computed:
            if value != values[name]:
                draft.claims[path + name] = value
        else:
            values[name] = _value(draft, spec, value, values[name], path + name)
    for name, spec in fields.items():
        if spec.required and _is_empty(values[name]) and path + name not in {e.field for e in draft.errors}:
            draft.refuse(path + name, "required", "is required")
    return values


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _value(draft: Draft, spec: Field, value: object, present: Any, path: str) -> object:
    if value is None:
        return deepcopy(spec.default)
    try:
        checked = spec.check(value)
    except BrokenRule as error:
        draft.refuse(path + error.path, error.rule, error.message)
        return present
    if spec.nested is None:
        return checked
    if isinstance(checked, list):
        return _lines(draft, spec.nested, checked, present or [], path)
    address = _merge(draft, spec.nested, checked, None, path + ".")
    return address if any(part is not None for part in address.values()) else None


def _lines(
    draft: Draft, fields: Mapping[str, Field], sent: list[Values], present: list[Values], path: str
) -> list[Values]:
    """Return the lines as sent; one that names a present `line_id` keeps the fields it does not mention."""
    known = {line["line_id"]: line for line in present}
    lines: list[Values] = []
    for place, body in enumerate(sent):
        before = known.get(body.get("line_id", ""))
        line = _merge(draft, fields, body, before, f"{path}.{place}.")
        line["position"] = body.get("position") or place + 1
        lines.append(line)
    _assign_line_ids(draft, lines, present, path)
    return lines


def _assign_line_ids(draft: Draft, lines: list[Values], present: list[Values], path: str) -> None:
    """Give new lines ids after the last one: that of a line that is gone is not given again."""
    numbers = [_LINE_ID.fullmatch(line["line_id"] or "") for line in (*present, *lines)]
    number = max((int(found[1]) for found in numbers if found), default=0)
    seen: set[str] = set()
    for place, line in enumerate(lines):
        if not line["line_id"]:
            number += 1
            line["line_id"] = f"L{number}"
        elif line["line_id"] in seen:
            draft.refuse(f"{path}.{place}.line_id", "unique", "occurs twice in this record")
        seen.add(line["line_id"])
