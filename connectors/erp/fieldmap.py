"""The profile's field map: the ERP's records to this project's field names, and changes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.common.datatype import Record
from connectors.common.errors import BrokenAnswer, Rejected
from connectors.erp.paths import bury, dig
from connectors.erp.stamps import parser

_TRUE = (True, 1, "1", "true", "True", "TRUE", "yes")
_FALSE = (False, 0, "0", "false", "False", "FALSE", "no")


@dataclass(frozen=True, slots=True)
class Field:
    """One mapped field: where it comes from and what becomes of its value."""

    name: str
    source: str
    convert: Callable[[Any], Any]
    words: Mapping[Any, str]
    default: Any
    read_only: bool

    def read(self, raw: Record) -> Any:
        """The field's value in an ERP record."""
        value = dig(raw, self.source)
        if value is None:
            return self.default
        if self.words:
            return self.words.get(str(value), self.default)
        try:
            return self.convert(value)
        except (ValueError, TypeError, InvalidOperation) as error:
            raise BrokenAnswer(
                f"the ERP's {self.source} is not what the profile says of {self.name}"
            ) from error

    def write(self, target: Record, value: Any) -> None:
        """Put a value of ours where the ERP has it."""
        if self.words and value is not None:
            back = {ours: theirs for theirs, ours in self.words.items()}
            if value not in back:
                raise Rejected(
                    f"{self.name}: the ERP has no word for this; it knows {', '.join(back)}",
                    field=f"/{self.name}",
                    rule="enum",
                )
            value = back[value]
        bury(target, self.source, value)


class FieldMap:
    """All mapped fields of one datatype."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._fields = {name: _field(name, value) for name, value in spec.items()}

    def read(self, raw: Record) -> Record:
        """An ERP record in our field names."""
        return {name: field.read(raw) for name, field in self._fields.items()}

    def write(self, changes: Record, target: Record | None = None) -> Record:
        """Our changes in the ERP's fields, put onto `target`; `Rejected` for a field that it does not
        have.
        """
        target = {} if target is None else target
        for name, value in changes.items():
            field = self._fields.get(name)
            if field is None or field.read_only:
                raise Rejected(f"{name} cannot be written to this ERP", field=f"/{name}", rule="readOnly")
            field.write(target, value)
        return target


def _field(name: str, spec: str | Mapping[str, Any]) -> Field:
    if isinstance(spec, str):
        return Field(name, spec, _CONVERSIONS["as_is"], {}, None, False)
    convert = _CONVERSIONS[spec.get("type", "as_is")]
    words = spec.get("map", {})
    return Field(name, spec["from"], convert, words, spec.get("default"), spec.get("read_only", False))


def _boolean(value: Any) -> bool:
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ValueError("neither true nor false")


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "as_is": lambda value: value,
    "string": str,
    "integer": int,
    "decimal": lambda value: format(Decimal(str(value)), "f"),
    "boolean": _boolean,
    "date": lambda value: str(value)[:10],
    "datetime": parser("iso"),
}
