"""What the node wants the other way round, and waits for a person to do, is no fault that `verify` finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.jsonio import Json
from localnode.diagnostics import faults
from localnode.diagnostics.verify import _meant, _the_other_way
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


@pytest.mark.parametrize(
    ("value", "said", "is_it"),
    [(1769904000, None, True), (1769904001, None, False), (1769904000, 1769900000, False)],
    ids=["the value that waits", "another value", "edited since"],
)
def test_values_are_compared_as_the_shared_model_holds_them(
    tmp_path: Path, value: int, said: int | None, is_it: bool
) -> None:
    """An instant is seconds in one system and a text in the other."""
    known, fresh = (Store.open(tmp_path / f"{name}.db", "OFF") for name in ("known", "fresh"))
    pipe, ours, theirs = "chargebee-order-share", "~:customerp-order:OR-1", "~:chargebee-order:order-OR-1"
    case = {"pipe": pipe, "_id": "order-OR-1", "rule": "notEmpty", "records": [ours, theirs]}
    try:
        waiting = {
            "_id": "order-OR-1",
            "$lost": {"shipped_at": {"of": theirs, "v": 1769904000}},
            "$why": {"shipped_at": {"of": ours, "v": None}},
        }
        known.dataset(pipe, create=True).write([waiting])
        would = {
            "_id": "OR-1",
            "$wanted": {"shipped_at": value},
            "$lost": {"shipped_at": {"of": ours, "v": said}},
        }
        fresh.dataset("customerp-order-transform", create=True).write([would])
        meant = _meant(fresh, {"system": "customerp", "datatype": "order", "id": "OR-1"})
        fields = [{"field": "shipped_at", "is": None, "should": "2026-02-01T00:00:00.000000Z"}]
        found = _the_other_way(known, {"ni": ours, "fields": fields}, [case], meant)
        assert found == (case if is_it else None)
    finally:
        known.close()
        fresh.close()


@pytest.mark.parametrize(
    ("claims", "meant", "is_it"),
    [
        ({"v": None, "as": "others"}, ("others", None), True),
        ({"v": None, "as": "others"}, ("fraudulent_transaction", None), False),
        ({"v": None, "as": "others"}, ("others", "order_resent"), False),
        ({"v": "others"}, ("others", None), False),
        ({"v": "A  B", "as": "A B"}, ("A B", "A  B"), True),
    ],
    ids=[
        "filled in there",
        "another value there",
        "edited here",
        "a value of its own",
        "spelt otherwise there",
    ],
)
def test_what_a_counterpart_keeps_otherwise_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, claims: Json, meant: tuple[object, object], is_it: bool
) -> None:
    ours, theirs = "~:customerp-order:OR-1", "~:chargebee-order:cb-1"
    golden = {"members": [{"of": ours, "claims": {}}, {"of": theirs, "claims": {"reason": claims}}]}
    monkeypatch.setattr(faults, "golden_of", lambda *_: ("global-order", golden))
    fault = {"fault": "differing", "ni": ours, "fields": []}
    nothing: Any = None
    assert faults.kept_otherwise(nothing, nothing, fault, {"reason": meant}) is is_it
    assert not faults.kept_otherwise(nothing, nothing, fault, {"reason": meant, "note": ("here", "there")})
