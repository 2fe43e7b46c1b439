"""Which of the ERP's fields is which of ours, by name and by what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.erp.init import words
from connectors.erp.init.answer import Record, form_of_days, form_of_stamps, key_of, leaves, plain
from core.dotted import get_path

Schema = Mapping[str, Any]
_TYPES = {"decimal": "decimal", "date": "date", "date-time": "datetime"}


class FieldGuesses:
    """The fields of one datatype, as a profile has them, and notes on what a person has to look at."""

    def __init__(self, schema: Schema, records: Sequence[Record], taken: Sequence[str]) -> None:
        """`taken`: fields of the ERP that are spoken for, such as the key."""
        self.fields: dict[str, Any] = {}
        self.notes: list[str] = []
        self.values: dict[str, Any] = {}
        self.line_key: str | None = None
        self._schema = schema
        self._records = records
        self._columns = _columns(records)
        self._free = [path for path in self._columns if path not in taken]
        # What is named exactly alike goes first, so that no likeness takes its place.
        wanted = sorted(_ours(schema), key=lambda one: not self._alike(one[0]))
        for name, rule in wanted:
            self._guess(name, rule)
        self._guess_lines(schema)

    @property
    def without_place(self) -> list[str]:
        """Our fields that nothing was found for, objects as a whole where none of their parts was."""
        names = [name for name, rule in _ours(self._schema) if not rule.get("readOnly")]
        own = [name for name, made in self.fields.items() if isinstance(made, dict) and made.get("read_only")]
        missing = [name for name in names if name not in self.fields.keys() - own and name != "lines"]
        found = {name.partition(".")[0] for name in self.fields}
        return list(
            dict.fromkeys(
                name if name.partition(".")[0] in found else name.partition(".")[0] for name in missing
            )
        )

    @property
    def left(self) -> list[str]:
        """Fields of the ERP that nothing was made of."""
        return self._free

    def _alike(self, name: str) -> bool:
        return any(plain(path) == plain(name) for path in self._free)

    def _guess(self, name: str, rule: Schema) -> None:
        for path in self._candidates(name):
            made = self._made(name, path, rule)
            if made is not None:
                self.fields[name] = made
                self._free.remove(path)
                return
        if name == "active":
            turned = next((one for one in self._free if plain(one) in words.UPSIDE_DOWN), None)
            if turned is not None and all(value in (True, False, None) for value in self._columns[turned]):
                is_number = any(type(value) is int for value in self._columns[turned])
                words_for = ("0", "1") if is_number else ("false", "true")
                self.fields[name] = {"from": turned, "map": dict(zip(words_for, (True, False), strict=True))}
                self.fields[name] |= {"as": "integer"} if is_number else {}
                self._free.remove(turned)

    def _candidates(self, name: str) -> list[str]:
        """Return fields of the ERP that may be ours of this name, the likeliest first."""
        above, _, last = name.rpartition(".")
        known = [plain(last), *words.FIELDS.get(last, ()), *_names_of_keys(last)]
        if not above:
            places = [""]
        else:
            places = [
                plain(above),
                *words.PATHS.get(above, ()),
                *([""] if above in words.PLAIN_PATHS else []),
            ]
        wished = [place + word for place in places for word in known]
        found = [(wished.index(plain(path)), path) for path in self._free if plain(path) in wished]
        return [path for _, path in sorted(found)]

    def _made(self, name: str, path: str, rule: Schema) -> object:
        """Return what a profile says of the field; None if what it holds cannot be ours."""
        values = [value for value in self._columns[path] if value is not None and value != ""]
        if any(isinstance(value, list) for value in values):
            return None
        read_only = {"read_only": True} if rule.get("readOnly") else {}
        if "enum" in rule:
            return self._mapped(name, path, rule, values, read_only)
        kind = _TYPES.get(str(rule.get("format"))) or _kind_of(rule)
        if kind == "boolean":
            return (read_only and {"from": path, **read_only}) or path if _all(values, bool) else None
        if kind == "date" and not self._is_day(values):
            return None
        if kind == "datetime" and not self._is_moment(values):
            return None
        if kind == "decimal":
            if any(not _is_number(value) for value in values):
                return None
            if any(isinstance(value, int | float) for value in values):
                self.values["decimal"] = {"form": "number"}
        if kind == "integer" and not _all(values, int):
            return None
        if kind == "string" and values and not _all(values, str):
            if not _all(values, int):
                return None
            if name.endswith("_number"):
                # A running number is the ERP's own to give.
                return {"from": path, "type": "string", "read_only": True}
            return {"from": path, "type": "string", "as": "integer", **read_only}
        if name.rpartition(".")[2] in words.CODES:
            return _code(path, values, rule)
        if kind == "string":
            return {"from": path, **read_only} if read_only else path
        return {"from": path, "type": kind, **read_only}

    def _is_day(self, values: Sequence[object]) -> bool:
        form = form_of_days(values)
        if values and form is None:
            return False
        if form not in (None, "iso"):
            self.values["date"] = {"form": form}
        return True

    def _is_moment(self, values: Sequence[object]) -> bool:
        form = form_of_stamps(values)
        if values and form in (None, "number"):
            return False
        if form not in (None, "iso"):
            self.values["datetime"] = {"form": form}
        return True

    def _mapped(
        self, name: str, path: str, rule: Schema, values: Sequence[object], read_only: Record
    ) -> object:
        if any(not isinstance(value, str | bool | int) for value in values):
            return None
        seen = list(
            dict.fromkeys(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
        )
        mapped = {word: ours for word in seen if (ours := _meaning(word, rule["enum"])) is not None}
        unknown = [word for word in seen if word not in mapped]
        if not mapped:
            return None
        silent = [str(ours) for ours in rule["enum"] if ours is not None and ours not in mapped.values()]
        if silent and not read_only:
            self.notes.append(
                f"fields.{name}: only the words that were seen are mapped; add those for {', '.join(silent)},"
                " as far as the ERP has them: what it has no word for is refused"
            )
        if not unknown:
            return {"from": path, "map": mapped, **read_only}
        self.notes.append(
            f"fields.{name}: map {', '.join(unknown)} of {path}; ours are {_listed(rule['enum'])}"
        )
        default = None if None in rule["enum"] else next(iter(mapped.values()))
        said = f"GUESSED: {', '.join(unknown)} are not understood, and become {default}"
        return {"$comment": said, "from": path, "map": mapped, "default": default, **read_only}

    def _guess_lines(self, schema: Schema) -> None:
        inner = schema.get("properties", {}).get("lines")
        if inner is None:
            return
        for path in self._free:
            if plain(path) not in words.FIELDS["lines"]:
                continue
            lines = [line for value in self._columns[path] if isinstance(value, list) for line in value]
            if not lines or not all(isinstance(line, dict) for line in lines):
                continue
            guesses = FieldGuesses(inner["items"], lines, ())
            self.fields["lines"] = {"from": path, "fields": guesses.fields}
            if guesses.without_place:
                self.fields["lines"]["ignore"] = guesses.without_place
            self._free.remove(path)
            key = guesses.fields.get("line_id") or key_of(lines, "line")
            if key is not None and "line_id" in guesses.fields:
                self.line_key = "line_id"
            self.values |= guesses.values
            self.notes += [f"lines: {note}" for note in guesses.notes]
            return


def _code(path: str, values: Sequence[object], rule: Schema) -> object:
    """Return what a profile says of a code in capital letters, such as a country's; None if it is no code."""
    codes = [str(value) for value in values]
    if not all(re.fullmatch(rule.get("pattern", ".*"), code.upper()) for code in codes):
        return None
    return {"from": path, "letters": "lower"} if codes and all(map(str.islower, codes)) else path


def _names_of_keys(name: str) -> list[str]:
    """Return how a field may be called that names a record of another list, such as clientUid."""
    datatype = name.removesuffix("_id")
    if datatype == name:
        return []
    things = words.DATATYPES.get(datatype, ())
    return [f"{thing}{end}" for thing in things for end in ("id", "uid", "uuid", "guid", "key", "ref")]


def _columns(records: Sequence[Record]) -> dict[str, list[object]]:
    names = dict.fromkeys(path for record in records for path, _ in leaves(record))
    return {name: [get_path(record, name) for record in records] for name in names}


def _ours(schema: Schema, above: str = "") -> Iterator[tuple[str, Schema]]:
    for name, rule in schema.get("properties", {}).items():
        if not above and name in words.OURS_ALONE:
            continue
        if "properties" in rule:
            yield from _ours(rule, f"{above}{name}.")
        elif "items" not in rule and "object" not in _kinds(rule):
            yield f"{above}{name}", rule


def _kinds(rule: Schema) -> list[str]:
    kinds = rule.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _kind_of(rule: Schema) -> str:
    return next((kind for kind in _kinds(rule) if kind != "null"), "string")


def _all(values: Sequence[object], kind: type) -> bool:
    return all(isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) for value in values)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _meaning(word: str, enum: Sequence[Any]) -> object:
    for ours in enum:
        if ours is not None and (
            plain(word) == plain(str(ours)) or plain(word) in words.VALUES.get(ours, ())
        ):
            return ours
    return None


def _listed(words_of_ours: Sequence[object]) -> str:
    return ", ".join(str(word) for word in words_of_ours if word is not None)
