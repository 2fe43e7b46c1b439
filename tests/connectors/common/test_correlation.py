"""The id that leads from an edit to the calls that carry it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.common.correlation import correlated, edit_behind
from connectors.common.logs import correlation_id

OLD = {"v": "a", "t": "2026-01-01T00:00:00.000000Z", "of": "~:customerp-contact:1"}
NEW = {"v": "b", "t": "2026-02-01T00:00:00.000000Z", "of": "~:customerp-contact:2"}


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        ({"$claims": {"a": OLD, "b": NEW}}, "customerp-contact:2@2026-02-01T00:00:00.000000Z"),
        ({"$claims": {"a": OLD}}, "customerp-contact:1@2026-01-01T00:00:00.000000Z"),
        ({"$claims": {"a": {**OLD, "t": ""}}}, None),
        ({"$claims": {"a": None, "b": 3}}, None),
        ({"$claims": "x"}, None),
        ({}, None),
    ],
)
def test_the_newest_edit_counts(entity: dict[str, Any], expected: str | None) -> None:
    assert edit_behind(entity) == expected


def test_it_holds_for_the_entity_and_no_longer() -> None:
    correlation_id.set("callers-own")
    with correlated({"$claims": {"a": OLD}}):
        assert correlation_id.get() == "customerp-contact:1@2026-01-01T00:00:00.000000Z"
    assert correlation_id.get() == "callers-own"
    with correlated({}):
        assert correlation_id.get() == "callers-own"
