"""JSON Schemas of configs stay within themselves, and their patterns within their time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localnode.extras import json_schema
from localnode.extras.json_schema import Schema
from localnode.pipes import ConfigProblem, Pipe
from localnode.pipes.base import Item
from localnode.pipes.errors import EntityUnfit
from localnode.pipes.transforms.trigger import Trigger

Build = Callable[..., Pipe]


def test_errors_have_their_place() -> None:
    schema = Schema(
        {
            "properties": {"a": {"$ref": "#/$defs/word"}, "n": {"items": {"type": "integer"}}},
            "patternProperties": {"^x": {"type": "string"}},
            "$defs": {"word": {"type": "string", "pattern": "^[a-z]+$"}},
        }
    )
    assert schema.errors({"a": "ok", "x1": "y"}) == []
    assert schema.errors({"a": "NO", "n": [1, "2"], "xy": 1}) == [
        "a: 'NO' does not match '^[a-z]+$'",
        "n/1: '2' is not of type 'integer'",
        "xy: 1 is not of type 'string'",
    ]


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:1/x.json", "file:///etc/hostname", "urn:x:y", "https://a#/b"]
)
def test_a_schema_leads_nowhere_else(target: str) -> None:
    with pytest.raises(ConfigProblem, match="leads out of the schema"):
        Schema({"properties": {"a": {"$ref": target}}})


def test_a_relative_reference_is_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.json").write_text('{"type": "string"}')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EntityUnfit, match="which it does not have"):
        Schema({"$ref": "other.json"}).errors(1)


def test_known_specifications_are_at_hand() -> None:
    meta = Schema({"$ref": "https://json-schema.org/draft/2020-12/schema"})
    assert meta.errors({"type": "string"}) == [] and meta.errors({"type": 5})


@pytest.mark.parametrize(
    "schema", [{"pattern": "("}, {"patternProperties": {"(": {}}}, {"type": "strin"}, {"properties": 5}]
)
def test_wrong_schemas_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ConfigProblem):
        Schema(schema)


def test_a_pattern_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_schema, "PATTERN_SECONDS", 0.1)
    started = time.monotonic()
    with pytest.raises(EntityUnfit, match="took longer"):
        Schema({"pattern": r"^(a|aa)+$"}).errors("a" * 60 + "!")
    assert time.monotonic() - started < 60


def test_a_schema_that_never_ends() -> None:
    with pytest.raises(EntityUnfit, match="without end"):
        Schema({"$ref": "#"}).errors({})


def test_wildcards_are_linear() -> None:
    trigger = Trigger({"trigger_on": {"key": "k", "value": "*a" * 30 + "b"}})
    started = time.process_time()
    assert not trigger.matches({"k": "a" * 20_000})
    assert time.process_time() - started < 2


def test_only_a_config_problem_reaches_the_upload(pipe: Build) -> None:
    transform = {"type": "json_schema", "schema": {"$ref": "file:///etc/passwd"}}
    with pytest.raises(ConfigProblem) as caught:
        pipe("b", {"type": "dataset", "dataset": "a"}, transform=transform)
    assert caught.value.path == ("transform", "schema", "$ref")


ITEMS = [
    Item(name, {"_id": name, "go": go}) for name, go in (("a", 1), ("b", 0), ("c", 1), ("d", 0), ("e", 1))
]


def marked(items: list[Item]) -> list[Item]:
    return [Item(item.source_id, {**item.entity, "done": True}) for item in items]


@pytest.mark.parametrize(
    ("transform", "ids"),
    [
        (marked, ["a", "b", "c", "d", "e"]),
        (lambda items: marked(items)[::-1], ["a", "b", "c", "d", "e"]),
        (lambda items: marked(items)[:1], ["a", "b", "d"]),
        (lambda items: [*marked(items), *marked(items)[1:]], ["a", "b", "c", "c", "d", "e", "e"]),
        (lambda items: [Item("x", {"_id": "x"})], ["b", "d", "x"]),
        (lambda items: [], ["b", "d"]),
    ],
)
def test_what_a_transform_is_not_for_stays_in_its_place(transform: Any, ids: list[str]) -> None:
    trigger = Trigger({"trigger_on": {"key": "go", "value": "1"}})
    found = trigger.apply(ITEMS, transform)
    assert [item.entity["_id"] for item in found] == ids
    assert all(item.entity.get("done") is not True for item in found if item.entity.get("go") == 0)


def test_several_entities_of_one_source_keep_their_order_too() -> None:
    trigger = Trigger({"trigger_on": {"key": "go", "value": "1"}})
    items = [Item("s", {"_id": name, "go": go}) for name, go in (("a", 1), ("b", 0), ("c", 1))]
    assert [item.entity["_id"] for item in trigger.apply(items, marked)] == ["a", "b", "c"]
