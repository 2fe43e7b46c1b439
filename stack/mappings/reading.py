"""Read a mapping file: JSON that says nothing twice, keeps to its schema and names only what there is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from core.jsonio import pointer
from core.schema_messages import explain
from core.suggestions import advice, did_you_mean

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Refusal:
    """One thing that is wrong: the file, the place in it, and a sentence about it."""

    file: Path
    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.file} {pointer(self.place) or '/'}: {self.text}"


class MappingsRefused(ValueError):
    """The mapping files can not be used; `refusals` says why, one a line."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__("\n".join(str(each) for each in refusals))
        self.refusals = refusals


def read_json(root: Path, path: Path) -> Any:
    """Read the JSON of a file; raise MappingsRefused if it is none, says a key twice, or is not there."""
    file = path.relative_to(root)
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_doubles)
    except FileNotFoundError:
        raise MappingsRefused([Refusal(file, (), "is missing")]) from None
    except _Doubled as error:
        raise MappingsRefused([Refusal(file, (), f"the key {error}")]) from None
    except json.JSONDecodeError as error:
        text = f"line {error.lineno}, column {error.colno} is not JSON: {error.msg}"
        raise MappingsRefused([Refusal(file, (), text)]) from None


class _Doubled(ValueError):
    """The key that an object has twice, and which object that is."""


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    counts = Counter(name for name, _ in pairs)
    for name, count in counts.items():
        if count > 1:
            row = dict(pairs).get("name")
            where = "one object" if row is None or name == "name" else f"the row {row!r}"
            raise _Doubled(f"{name!r} is there twice in {where}")
    return dict(pairs)


def read_checked(root: Path, path: Path, schema: Path) -> Any:
    """Read a JSON file that keeps to its schema; raise MappingsRefused with everything that does not."""
    given, rules, file = read_json(root, path), read_json(root, schema), path.relative_to(root)
    refused = list(_unknown_keys(root, path, given, rules)) or list(_broken_rules(file, given, rules))
    if refused:
        raise MappingsRefused(refused)
    return given


def _broken_rules(file: Path, given: Any, schema: Mapping[str, Any]) -> Iterator[Refusal]:
    for error in Draft202012Validator(schema).iter_errors(given):
        for found in explain(error, show=repr):
            yield Refusal(file, found.path, found.text)


def _unknown_keys(
    root: Path, path: Path, given: Mapping[str, Any], schema: Mapping[str, Any]
) -> Iterator[Refusal]:
    """Keys of rows and match keys that are neither one of theirs nor a record, which no schema can tell."""
    file, records = path.relative_to(root), list(given.get("records", {}))
    words = [*schema.get("$defs", {}).get("row", {}).get("properties", {}), *records]
    for at, row in enumerate(given.get("properties", [])):
        for key in row if isinstance(row, dict) else ():
            if key not in words:
                text = f"is neither a record of this file ({', '.join(records)}) nor what a row may say"
                hint = did_you_mean(key, words) or _elsewhere(root, path, key)
                yield Refusal(file, ("properties", at, key), f"{text}{hint}")
    for at, match in enumerate(given.get("match", [])):
        for key in match:
            if key not in records:
                text = f"is no record of this file; {advice(key, records)}"
                yield Refusal(file, ("match", at, key), text)


def _elsewhere(root: Path, path: Path, record: str) -> str:
    """Return "; it is one of FILE", the mapping file beside this one that has such a record, or ""."""
    for other in sorted(path.parent.glob("*.json")):
        if other != path and record in read_json(root, other).get("records", {}):
            return f"; it is one of {other.relative_to(root)}"
    return ""
