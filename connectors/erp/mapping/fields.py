"""The profile's field map: the ERP's records to this project's field names, and changes back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import UNSET

from connectors.common.datatype import Record
from connectors.common.errors import InvalidResponse, Rejected
from connectors.erp.mapping.conditions import fits
from connectors.erp.mapping.items import Commands, Item
from connectors.erp.mapping.values import reader, writer
from connectors.erp.profile.model import mapping as model
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.mapping import Values, spelt_out
from core.dotted import get_all, get_path, is_shown, set_path
from core.jsonio import pointer

MODIFIED = "@modified"
POSITION = "@position"
"""Sources that no record holds: the record's change stamp, a line's place in its list from 1 on."""

_LINES = 3
_SHORTENED = re.compile(r"~[0-9a-f]{8}$")

Decode = Callable[[Any], Any]
"""From the ERP's key to the value of ours that stands for it."""


Resolve = Callable[[str, Any], Any]
"""(name of a look-up, our value) to the ERP's key of it."""


class Field:
    """One mapped field: where it comes from and what becomes of its value, both ways."""

    def __init__(
        self,
        name: str,
        spec: model.FieldSpec,
        values: Values,
        nulls: Sequence[object] = (),
        decode: Decode | None = None,
        must: bool = False,
    ) -> None:
        """Prepare a field.

        `nulls`: what the ERP has for none; `decode`: the way back of its look-up; `must`: whether a record
        always has the field, if only as null.
        """
        self.name = name
        self.source = spec.source or ""
        self.target = spec.to or self.source
        self.part = spec.part or ""
        self.item = spec.item
        self.lookup = spec.lookup
        self.also = spec.also
        self.piece = spec.words or spec.line
        self.fixed = spec.const is not UNSET
        self.constant: Any = spec.const if self.fixed else None
        self.read_only = spec.read_only or spec.sum or bool(spec.cases) or self.source in (MODIFIED, POSITION)
        self._cases = spec.cases
        self.create_only = spec.create_only
        self.decode = decode
        self._sum = spec.sum
        self._nulls = nulls
        self._shorten = spec.shorten
        self._letters = spec.letters
        self._written_as = spec.written_as
        self._when = spec.when
        self._strict = spec.default is UNSET
        self._default = None if self._strict else spec.default
        self._must = must and self._strict and not (self.item or self.part or self.fixed or self._when)
        self._prefix = spec.prefix
        self._convert = reader(spec.type, values)
        self._encode = writer(spec.written_as or spec.type, values)
        self._map = spec.map
        self._back: dict[Any, Any] = {ours: theirs for theirs, ours in reversed(list(self._map.items()))}
        self._back |= spec.back

    def read(self, holder: object, raw: object) -> Any:
        """Return the field's value; `holder` is the record or the item in it that the source starts from."""
        if self._when and not fits(self._when, raw):
            return self._default
        if self._cases:
            return next((case.value for case in self._cases if fits(case.when, raw)), self._default)
        value = self._raw_value(holder)
        if value is None:
            if self._must and not self._sum and not is_shown(holder, self.source):
                raise InvalidResponse(f"the ERP's record has no {self.source}, which is {self.name} here")
            return self._default
        if self._prefix:
            if not isinstance(value, str) or not value.startswith(self._prefix):
                return self._default
            value = value.removeprefix(self._prefix)
        if self._shorten is not None and _SHORTENED.search(str(value)):
            return self._default
        if self.decode is not None:
            value = self.decode(value)
            if value is None:
                return self._default
        if self._letters is not None and isinstance(value, str):
            value = value.upper() if self._letters == "lower" else value.lower()
        if self.piece:
            return _piece(value, self.piece)
        if self._map:
            return self._ours(value)
        try:
            return self._convert(value)
        except (ValueError, TypeError, KeyError, InvalidOperation) as error:
            raise InvalidResponse(
                f"the ERP's {self.source} is not what the profile says of {self.name}",
                field=pointer(self.name.split(".")),
            ) from error

    def key(self, holder: object) -> object:
        """Return the ERP's value, for look-ups of many at once."""
        return self._raw_value(holder)

    def holds(self, holder: object, value: str) -> bool:
        """Return whether the ERP has this text of ours here, be it shortened."""
        return bool(get_path(holder, self.source) == self.encode(value))

    def kept(self, value: str) -> str:
        """Return a text of ours without its prefix, as the ERP keeps it."""
        if self._shorten is None or len(self._prefix + value) <= self._shorten:
            return value
        digest = hashlib.sha256(value.encode()).hexdigest()[:8]
        return f"{value[: self._shorten - len(self._prefix) - 9]}~{digest}"

    def lettered(self, value: object) -> object:
        """Our value in the ERP's letters."""
        if self._letters is None or not isinstance(value, str):
            return value
        return value.lower() if self._letters == "lower" else value.upper()

    def encode(self, value: Any) -> object:
        """Our value as the ERP writes it."""
        value = self.lettered(value)
        if value is None:
            return self._nulls[0] if self._nulls and self.item is None else None
        if self._map:
            return self._theirs(value)
        try:
            text = self.kept(value) if self._shorten is not None else value
            return self._prefix + text if self._prefix else self._encode(text)
        except (ValueError, TypeError, KeyError, InvalidOperation):
            raise Rejected(
                f"{self.name} is not in the form that this ERP expects", field=_place(self.name), rule="type"
            ) from None

    def _raw_value(self, holder: object) -> object:
        """Return the ERP's value; None for what means none there."""
        if self.fixed:
            return self.constant
        if self._sum:
            found = get_all(holder, self.source)
            return str(sum((Decimal(str(one)) for one in found), Decimal(0))) if found else None
        value = get_path(holder, self.source)
        is_null = any(type(value) is type(null) and value == null for null in self._nulls)
        return None if is_null else value

    def _ours(self, value: object) -> object:
        word = _word(value)
        if word not in self._map and self._strict:
            raise InvalidResponse(
                f"the ERP's {self.source} is {word}, which the profile's map for {self.name} lacks"
            )
        return self._map.get(word, self._default)

    def _theirs(self, value: object) -> object:
        if value not in self._back:
            known = ", ".join(str(word) for word in self._back)
            raise Rejected(
                f"{self.name}: the ERP has no word for {value}; it knows {known}",
                field=_place(self.name),
                rule="enum",
            )
        word = self._back[value]
        known = {"true": True, "false": False, "null": None}.get(word, word)
        return self._encode(known) if self._written_as is not None and known is not None else known


@dataclass(frozen=True, slots=True)
class LineWrite:
    """A call for one line: `key` None makes a new one; `raw` is the line as the ERP has it."""

    call: model.LineCall
    key: str | None
    body: Record
    raw: Record


class FieldMap:
    """All mapped fields of one datatype, or of one kind of line in it."""

    def __init__(
        self,
        fields: model.Fields,
        entity: DatatypeProfile,
        items: Mapping[str, model.ItemSpec],
        ignore: Collection[str],
        codes: Callable[[str], Decode | None] = lambda name: None,
        line_key: str | None = None,
    ) -> None:
        """`entity` is the profile's, around the fields.

        `items` and `ignore` are what counts for them, `codes` gives the way back of a look-up.
        """
        self._commands = Commands(entity.commands)
        self._items = {name: Item(item, self._commands) for name, item in items.items()}
        self._ignored = frozenset(ignore)
        self._line_key = line_key
        self._fields: dict[str, Field] = {}
        self._lines: dict[str, tuple[Item, FieldMap]] = {}
        self._line_calls: dict[str, model.LineCalls] = {}
        for name, spec in spelt_out(fields).items():
            if spec.fields is None:
                self._fields[name] = Field(
                    name,
                    spec,
                    entity.values,
                    null_values(spec, entity),
                    codes(spec.lookup) if spec.lookup is not None else None,
                    entity.absent == "refuse",
                )
                continue
            key = entity.line_keys.get(name)
            lines = model.ItemSpec(
                held_in=spec.source or "", to=spec.to, where=spec.where, id=_id_of(spec, key), new=spec.new
            )
            if spec.calls is not None:
                self._line_calls[name] = spec.calls
            inner = FieldMap(spec.fields, entity, {}, spec.ignore, codes, key)
            self._lines[name] = (Item(lines, self._commands), inner)
        self.decoded = {name: field for name, field in self._fields.items() if field.decode is not None}
        self.has_codes: bool = bool(self.decoded) or any(lines.has_codes for _, lines in self._lines.values())
        """Whether reading takes look-ups."""

        self._nested = {name.partition(".")[0] for name in self._fields if "." in name}

    def read(self, raw: Record, stamp: str | None = None, position: int = 0) -> Record:
        """Return an ERP record in our field names; `stamp` is its change stamp, if it has one."""
        given = {MODIFIED: stamp, POSITION: position}
        record: Record = dict.fromkeys(self._nested)
        for name, field in self._fields.items():
            if field.source in given:
                value = given[field.source]
            else:
                holder = self._items[field.item].find(raw) if field.item else raw
                value = field.read(holder, raw)
            if "." not in name:
                record[name] = value
            elif value is not None:
                set_path(record, name, value)
        for name, (item, lines) in self._lines.items():
            record[name] = [lines.read(line, None, at) for at, line in enumerate(item.all(raw), 1)]
        return record

    def keys(self, records: Iterable[Record]) -> Iterator[tuple[str, object]]:
        """Yield the keys in records that are turned into values of ours, with the names of their look-ups."""
        for raw in records:
            for field in self.decoded.values():
                holder = self._items[field.item].find(raw) if field.item else raw
                yield str(field.lookup), field.key(holder)
            for item, lines in self._lines.values():
                if lines.has_codes:
                    yield from lines.keys(item.all(raw))

    def field(self, name: str) -> Field | None:
        """Return the mapped field of that name."""
        return self._fields.get(name)

    def write(
        self,
        changes: Record,
        resolve: Resolve,
        present: Record | None = None,
        raw: Record | None = None,
    ) -> dict[str, Record]:
        """Our changes as the bodies to send, by the part of the record they go to ("" is the record itself).

        `present` and `raw` are the record as it is, ours and the ERP's. `Rejected` for a field that the ERP
        has no place for, unless the profile says that it is to be ignored.
        """
        bodies: dict[str, Record] = {}
        grouped: dict[str, Record] = {}
        order = {name: at for at, name in enumerate(self._fields)}
        leaves = sorted(
            self._leaves(changes, present or {}, present is not None),
            key=lambda leaf: order.get(leaf[0], len(order)),
        )
        for name, value in leaves:
            if name in self._lines:
                if self._is_called_for(name, present):
                    continue
                item, lines = self._lines[name]
                have = (present or {}).get(name) or []
                written = lines._line_commands(item, value or [], resolve, have, raw)
                if written:
                    set_path(bodies.setdefault("", {}), item.place, written)
                continue
            field = self._fields[name]
            text = self._joined(field, changes, present or {}) if field.piece else value
            body = grouped.setdefault(field.item, {}) if field.item else bodies.setdefault(field.part, {})
            _put(body, field, text, resolve)
        for name, values in grouped.items():
            item = self._items[name]
            body = bodies.setdefault(item.part, {})
            written = item.change(values, raw, get_path(body, item.place))
            if written is not None:
                set_path(body, item.place, written)
        return {part: body for part, body in bodies.items() if body}

    def _leaves(
        self, changes: Record, present: Record, updating: bool, above: str = ""
    ) -> Iterator[tuple[str, Any]]:
        """Yield the mapped fields that change, nested ones by their dotted names."""
        for key, value in changes.items():
            name = f"{above}{key}"
            if name in self._ignored:
                continue
            if name not in self._fields and name not in self._lines and self._inside(name):
                was = present.get(key)
                was = was if isinstance(was, dict) else {}
                now = value if isinstance(value, dict) else dict.fromkeys(was)
                yield from self._leaves(
                    {**{gone: None for gone in was if gone not in now}, **now}, was, updating, f"{name}."
                )
            elif value == present.get(key) or (value is None and key not in present):
                continue
            else:
                self._check(name, value)
                if not (updating and name in self._fields and self._fields[name].create_only):
                    yield name, value

    def _inside(self, name: str) -> bool:
        return any(known.startswith(f"{name}.") for known in self._fields)

    def _check(self, name: str, value: object) -> None:
        field = self._fields.get(name)
        if name in self._lines or (field is not None and not field.read_only and not field.fixed):
            return
        if field is not None and field.fixed and field.constant == value:
            return
        reason = (
            f"it is always {field.constant}" if field is not None and field.fixed else "it has no place there"
        )
        raise Rejected(f"{name} cannot be written to this ERP: {reason}", field=_place(name), rule="readOnly")

    def _joined(self, field: Field, changes: Record, present: Record) -> str | None:
        """Return the text that several fields are pieces of."""
        parts = [
            other
            for other in self._fields.values()
            if other.piece and (other.item, other.source) == (field.item, field.source)
        ]
        parts.sort(key=lambda part: part.piece if isinstance(part.piece, int) else part.piece == "last")
        given = [
            get_path(changes if part.name.partition(".")[0] in changes else present, part.name)
            for part in parts
        ]
        pieces = [text.strip() for text in given if isinstance(text, str) and text.strip()]
        return ("\n" if isinstance(field.piece, int) else " ").join(pieces) or None

    def _line_commands(
        self, item: Item, wanted: list[object], resolve: Resolve, have: list[object], raw: Record | None
    ) -> object:
        """Return what to write for a list of lines; `have` are the present ones in our names."""
        return item.changes(self._changed_lines(wanted, resolve, have), raw)

    def _changed_lines(
        self, wanted: list[Any], resolve: Resolve, have: list[Any]
    ) -> list[tuple[object, Record]]:
        """Return the lines that are new or differ.

        Their keys, None for new ones, and what is written of them.
        """
        by_key = {line.get(self._line_key or ""): line for line in have}
        changed: list[tuple[Any, Record]] = []
        for line in wanted:
            key = line.get(self._line_key or "") if self._line_key else None
            was = by_key.get(key) if key is not None else None
            fresh = {name: value for name, value in line.items() if name != self._line_key}
            body = self.write(fresh, resolve, was, None).get("", {})
            if body or was is None:
                changed.append((key if was is not None else None, body))
        return changed

    def _is_called_for(self, name: str, present: Record | None) -> bool:
        """Return whether the lines of that name are written by calls of their own."""
        calls = self._line_calls.get(name)
        return calls is not None and not (present is None and calls.with_record)

    def line_writes(
        self,
        changes: Record,
        resolve: Resolve,
        present: Record | None = None,
        raw: Record | None = None,
    ) -> list[LineWrite]:
        """Return the calls that write the lines of a change; arguments as of `write`."""
        found = []
        for name in [name for name in changes if self._is_called_for(name, present)]:
            item, lines = self._lines[name]
            held = {str(get_path(line, item.id)): line for line in item.all(raw)}
            have = (present or {}).get(name) or []
            calls = self._line_calls[name]
            for key, body in lines._changed_lines(changes[name] or [], resolve, have):
                call = calls.create if key is None else calls.update
                found.append(LineWrite(call, None if key is None else str(key), body, held.get(str(key), {})))
        return found

    def in_parts(self, parts: Iterable[str]) -> list[str]:
        """Return the fields, none of them nested, that are written to these parts of the record."""
        wanted = set(parts)
        return [name for name, field in self._fields.items() if field.part in wanted and "." not in name]

    def lines_called_for(self) -> list[str]:
        """Return the fields whose lines are written by calls after a record was made."""
        return [name for name in self._line_calls if self._is_called_for(name, None)]


def _id_of(spec: model.FieldSpec, key: str | None) -> str:
    """Return where a line holds its key: what the profile says, or where the field comes from that is it."""
    field = spelt_out(spec.fields or {}).get(key or "")
    source = None if field is None or field.source == POSITION else field.source
    return spec.id or source or "id"


def null_values(spec: model.FieldSpec, entity: DatatypeProfile) -> Sequence[object]:
    """Return what means none in a field: its own values, or the entity's for its type.

    A truth value is none of them.
    """
    if spec.null_values is not None:
        return spec.null_values
    if isinstance(entity.null_values, dict):
        return entity.null_values.get(spec.type or "*", ())
    known = set(spec.map)
    return [] if spec.type == "boolean" else [one for one in entity.null_values if _word(one) not in known]


def _put(body: Record, field: Field, value: object, resolve: Resolve) -> None:
    if field.fixed:
        return
    if field.lookup and value is not None:
        found = resolve(field.lookup, field.lettered(value))
        if found is None:
            return
        set_path(body, field.target, found)
    else:
        set_path(body, field.target, field.encode(value))
    for other in field.also:
        found = None if value is None else resolve(other.lookup, value)
        if found is not None:
            set_path(body, other.to, found)


def _piece(value: object, which: str | int) -> str | None:
    """Return the last word of a text, all before it, or one of its lines.

    The third line has all that follow.
    """
    text = str(value).strip()
    if isinstance(which, int):
        lines = [line.strip() for line in text.splitlines()]
        return (", ".join(lines[2:]) if which == _LINES else "".join(lines[which - 1 : which])) or None
    first, _, last = text.rpartition(" ")
    return (last if which == "last" else first.strip()) or None


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _place(name: str) -> str:
    return "/" + name.replace(".", "/")
