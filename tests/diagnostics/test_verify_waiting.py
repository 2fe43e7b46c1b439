"""What the node wants the other way round, and waits for a person to do, is no fault that `verify` finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.jsonio import Json
from localnode.diagnostics.verify import _the_other_way
from localnode.store import Store

PIPE, COMPANY, ENTITY = (
    "chargebee-business_entity-share",
    "~:customerp-customer:CU-4",
    "~:chargebee-business_entity:be-18",
)
CASE: Json = {"pipe": PIPE, "_id": "be-18", "rule": "console-only", "records": [COMPANY, ENTITY]}


def claim(of: str, value: str) -> Json:
    return {"of": of, "v": value, "t": "2026-08-13T11:16:42.160170Z"}


@pytest.mark.parametrize(
    ("field", "is_it"),
    [
        pytest.param(
            {"field": "status", "is": "active", "should": "inactive"}, True, id="the same two values"
        ),
        pytest.param(
            {"field": "status", "is": "active", "should": "blocked"}, False, id="another value is newer"
        ),
        pytest.param({"field": "status", "is": "blocked", "should": "inactive"}, False, id="edited since"),
        pytest.param({"field": "name", "is": "A", "should": "B"}, False, id="another property"),
    ],
)
def test_only_the_very_values_that_wait_are_no_fault(tmp_path: Path, field: Json, is_it: bool) -> None:
    store = Store.open(tmp_path / "store.db", "OFF")
    try:
        waiting = {
            "_id": "be-18",
            "$lost": {"status": claim(ENTITY, "inactive")},
            "$why": {"status": claim(COMPANY, "active")},
        }
        store.dataset(PIPE, create=True).write([waiting])
        fault = {"ni": COMPANY, "fields": [field]}
        assert _the_other_way(store, fault, [CASE]) == (CASE if is_it else None)
        assert _the_other_way(store, fault, []) is None
    finally:
        store.close()
