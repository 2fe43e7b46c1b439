"""`diff_datasets`: what differs between datasets, and what no longer does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localnode.pipes import Pipe

Build = Callable[..., Pipe]
Fill = Callable[..., None]
Live = Callable[[str], dict[str, dict[str, Any]]]
SOURCE = {"type": "diff_datasets", "datasets": ["p", "q"]}


def test_the_documented_example(pipe: Build, fill: Fill, live: Live) -> None:
    fill("p", {"_id": "some", "price": 1, "n": 1}, {"_id": "same", "price": 2})
    fill("q", {"_id": "some", "price": 2, "n": 1}, {"_id": "same", "price": 2}, {"_id": "only", "price": 3})
    pipe("d", SOURCE).run()
    found = live("d")
    assert {name: entity["$diff"] for name, entity in found.items()} == {
        "some": {"price": {"p": 1, "q": 2}},
        "only": {"price": {"q": 3}},
    }
    assert found["some"]["p"]["n"] == 1


def test_a_difference_that_goes_away_is_deleted(pipe: Build, fill: Fill, live: Live) -> None:
    fill("p", {"_id": "1", "x": 1})
    fill("q", {"_id": "1", "x": 2})
    d = pipe("d", SOURCE)
    d.run()
    fill("q", {"_id": "1", "x": 1})
    d.run()
    assert live("d") == {}


@pytest.mark.parametrize(
    ("settings", "p", "q", "expected"),
    [
        ({"whitelist": ["a", "b"]}, {"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 1, "c": 2}, ["a"]),
        ({"whitelist": ["a", "b"], "blacklist": ["a"]}, {"a": 1, "b": 1}, {"a": 2, "b": 2}, ["b"]),
        ({"blacklist": ["a"]}, {"a": 1, "b": 1}, {"a": 2, "b": 1}, None),
        ({"treat_lists_as_sets": True}, {"a": {"l": [1, 2, 2]}}, {"a": {"l": [2, 1]}}, None),
        ({}, {"a": [1, 2]}, {"a": [2, 1]}, ["a"]),
        ({}, {"a": 1}, {"a": 1.0}, ["a"]),
        ({}, {"a": 1, "_deleted": True}, {"a": 1}, ["_deleted"]),
        ({"ignore_deletes": True}, {"a": 1, "_deleted": True}, {"a": 1}, ["a"]),
        ({"ignore_deletes": True}, {"a": 1, "_deleted": True}, {"a": 2, "_deleted": True}, None),
    ],
)
def test_settings(pipe: Build, fill: Fill, live: Live, settings: Any, p: Any, q: Any, expected: Any) -> None:
    fill("p", {"_id": "1", **p})
    fill("q", {"_id": "1", **q})
    pipe("d", {**SOURCE, **settings}).run()
    found = live("d")
    assert (sorted(found["1"]["$diff"]) if found else None) == expected
