"""What one answer of a list shows: where its records are, their key, their stamps, where to go on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.erp.check.suggestions import stamp_names
from core.dotted import get_path

Record = dict[str, Any]
_NOT_LETTERS = re.compile(r"[^a-z0-9]")
_KEYS = ("id", "uid", "uuid", "guid", "key", "systemid", "recordid", "code", "no", "number", "name")
_KEY_ENDS = ("id", "key", "number", "no")
_MODIFIED = re.compile(r"modif|chang|updat|writ|edit", re.I)
_CREATED = re.compile(r"creat|insert|added", re.I)
_DELETED_AT = re.compile(r"(deleted|archived|removed)_?(at|on|date)$", re.I)
_DELETED = re.compile(r"^(is_?)?(deleted|archived|removed)$", re.I)
_DEPTH = 3
_PATTERNS = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%Y/%m/%d %H:%M:%S",
)
_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d-%m-%Y", "%Y/%m/%d")
_EPOCH_S, _EPOCH_MS, _EPOCH_END = 10**9, 10**12, 10**13


def plain(name: str) -> str:
    """Return a name in lower case without anything but letters and digits."""
    return _NOT_LETTERS.sub("", name.lower())


def records_place(body: object) -> str | None:
    """Return where the longest list of objects is; "" for the whole answer, None for nowhere."""
    found = sorted(_lists(body, "", _DEPTH), key=lambda one: -one[1])
    return found[0][0] if found else None


def _lists(value: object, path: str, depth: int) -> Iterator[tuple[str, int]]:
    if isinstance(value, list):
        if value and all(isinstance(item, dict) for item in value):
            yield path, len(value)
    elif isinstance(value, dict) and depth:
        for name, inner in value.items():
            yield from _lists(inner, f"{path}.{name}" if path else name, depth - 1)


def leaves(record: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Yield the paths of all values of a record that are no objects, with the values."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def key_of(records: Sequence[Record], thing: str) -> str | None:
    """Return the field that most likely is the key, see `keys_of`; None if none tells all records apart."""
    return next(iter(keys_of(records, thing)), None)


def keys_of(records: Sequence[Record], thing: str) -> list[str]:
    """Return the fields that tell records apart: `id`, then what is named like a key, then what ends so."""
    names = [name for name in records[0] if _tells_apart(records, name)]
    wished = [
        *_KEYS,
        *(f"{word}{end}" for word in (plain(thing), plain(thing).removesuffix("s")) for end in _KEYS),
    ]
    ranked = sorted((wished.index(plain(name)), name) for name in names if plain(name) in wished)
    found = [name for _, name in ranked]
    return found + [name for name in names if name not in found and plain(name).endswith(_KEY_ENDS)]


def _tells_apart(records: Sequence[Record], name: str) -> bool:
    values = [record.get(name) for record in records]
    kinds = all(
        isinstance(value, str | int) and not isinstance(value, bool) and value != "" for value in values
    )
    return kinds and len(set(map(str, values))) == len(values)


def stamps_of(records: Sequence[Record]) -> list[str]:
    """Return where records say when they changed, the likeliest first, then when they were made."""
    names = list(dict.fromkeys(name for record in records for name in stamp_names(dict(leaves(record)))))
    changed = [name for name in names if _MODIFIED.search(name)]
    return [*changed[:1], *[name for name in names if _CREATED.search(name)][:1]]


def form_of_stamps(values: Sequence[object]) -> str | None:
    """Return the form, as `modified_format` names it; None if it is none of them."""
    value = next((value for value in values if value is not None and value != ""), None)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (
            "epoch_s"
            if _EPOCH_S <= value < _EPOCH_MS
            else "epoch_ms"
            if _EPOCH_MS <= value < _EPOCH_END
            else "number"
        )
    if not isinstance(value, str):
        return None
    if value.startswith("/Date("):
        return "dotnet"
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return "date"
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return form_of(values, _PATTERNS)
    if re.fullmatch(r"\d+", value):
        return form_of(values, _PATTERNS)
    if moment.tzinfo is None:
        return "iso_naive" if "T" in value else "%Y-%m-%d %H:%M:%S" + (".%f" if "." in value else "")
    return "iso" if "." in value else "iso_seconds"


def unit_of(values: Sequence[object]) -> int:
    """Return the seconds that such stamps cannot tell apart; 0 where they have fractions, or are numbers."""
    texts = [str(value) for value in values if value is not None and value != ""]
    match form_of_stamps(values):
        case None | "number" | "epoch_ms" | "dotnet":
            return 0
        case "date":
            return 24 * 3600
        case "epoch_s":
            return 0 if any("." in text for text in texts) else 1
        case pattern if "%M" in pattern and "%S" not in pattern:
            return 60
        case _:
            return 0 if any("." in text[-8:] for text in texts) else 1


def form_of_days(values: Sequence[object]) -> str | None:
    """Return the form of days, as `values.date` has it; None if they are none."""
    texts = [value for value in values if isinstance(value, str) and value]
    if form_of_stamps(values) in ("epoch_s", "epoch_ms", "dotnet"):
        return form_of_stamps(values)
    if texts and all(re.match(r"\d{4}-\d\d-\d\d", value) for value in texts):
        return "iso"
    return form_of(values, _DAYS)


def form_of(values: Sequence[object], patterns: Sequence[str]) -> str | None:
    """Return the first pattern that all values fit."""
    texts = [value for value in values if isinstance(value, str) and value]
    return next(
        (pattern for pattern in patterns if texts and all(_fits(text, pattern) for text in texts)), None
    )


def _fits(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern)  # noqa: DTZ007 - only its form counts
    except ValueError:
        return False
    return True


def deletion_of(records: Sequence[Record]) -> dict[str, object] | None:
    """Return how records say that they are deleted, as `deleted` has it."""
    for name in records[0]:
        values = [record.get(name) for record in records]
        if _DELETED_AT.search(name) and any(value is None for value in values):
            return {"strategy": "tombstones", "field": name}
        if _DELETED.search(name) and all(isinstance(value, bool) for value in values):
            return {"strategy": "soft_flag", "field": name, "value": True}
    return None


def around(body: object, records: str) -> dict[str, object]:
    """Return what an answer says besides its records, by path."""
    if not isinstance(body, dict) or not records:
        return {}
    return {
        path: value for path, value in leaves(body) if not path.startswith(f"{records}.") and path != records
    }


def named(said: Mapping[str, object], words: Sequence[str], kind: type | tuple[type, ...]) -> str | None:
    """Return the first of these paths whose last part is one of the words, with a value of that kind."""
    for path, value in said.items():
        if plain(path.rpartition(".")[2]) in words and isinstance(value, kind):
            return path
    return None


def keys(records: Sequence[Record], key: str | None) -> list[object]:
    """Return what records are told apart by."""
    return [get_path(record, key) if key else record for record in records]
