"""The `since` protocol: whatever the list's order, ties and page ends, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.common.errors import BadRequest, FixSettings, InvalidResponse
from connectors.erp.mapping.stamps import is_stamp, lowest, parser, to_filter
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.read.since import Since, Token
from core.clock import to_text


def stamp(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000000Z"


def spec(order: str, param: str | None = "since", **more: Any) -> DatatypeProfile:
    incremental = {"order": order, **({"param": param} if param else {}), **more}
    return msgspec.convert(
        {"path": "/x", "paginator": {"type": "single"}, "modified": ["at"], "incremental": incremental},
        DatatypeProfile,
    )


NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Source:
    """Records in an ERP: id to second of the last change. Lists them as the profile says, from the filter on."""

    def __init__(self, order: str, filters: bool = True, page: int = 3) -> None:
        self.order = order
        self.filters = filters
        self.page = page
        self.records: dict[str, int] = {}
        self.since = Since("x", spec(order, "since" if filters else None), lambda: NOW)

    def read(self, text: str | None, limit: int | None = None) -> list[dict[str, Any]]:
        token = self.since.parse(text)
        start = self.since.values(token).get("since", "")
        pages = self.since.apply(self._pages(start), token, limit)
        return [dict(entity) for page in pages for entity in page]

    def _pages(self, start: str) -> Iterator[list[dict[str, Any]]]:
        rows = [(key, stamp(second)) for key, second in self.records.items() if stamp(second) >= start]
        if self.order == "modified_then_id":
            rows.sort(key=lambda row: (row[1], row[0]))
        elif self.order == "modified":
            rows.sort(key=lambda row: (row[1], hash(row[0])))
        entities = [{"_id": key, "_updated": when} for key, when in rows]
        yield from (entities[at : at + self.page] for at in range(0, len(entities), self.page))


changes = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.integers(0, 4)), max_size=12)


def test_what_the_overlap_brings_again_comes_no_more_once_it_is_long_ago() -> None:
    def reads(minutes_later: int) -> list[int]:
        """How many entities each of three reads gives, the last change so long before the second."""
        clock = [NOW]
        since = Since("x", spec("none", overlap_seconds=60), lambda: clock[0])
        changed, token, counts = to_text(NOW - timedelta(minutes=5)), None, []
        for _ in range(3):
            start = since.values(since.parse(token)).get("since", "")
            rows = [{"_id": "a", "_updated": changed}] if changed >= start else []
            page = next(iter(since.apply(iter([rows]), since.parse(token), None)), [])
            counts.append(len(page))
            token = page[-1]["_updated"] if page else token
            clock[0] = NOW + timedelta(minutes=minutes_later)
        return counts

    assert reads(1) == [1, 1, 1]
    assert reads(10) == [1, 1, 0]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(changes, min_size=1, max_size=5),
    st.sampled_from(["modified_then_id", "modified", "none"]),
    st.booleans(),
)
def test_a_reader_sees_every_change(
    histories: list[list[tuple[str, int]]], order: str, filters: bool
) -> None:
    source, seen, token, second = Source(order, filters), {}, None, 0
    for history in histories:
        for key, step in history:
            second += step
            source.records[key] = second
        page = source.read(token)
        for entity in page:
            seen[entity["_id"]] = source.records[entity["_id"]]
            assert entity["_updated"] >= (token or "")
            token = max(token or "", entity["_updated"])
        assert [entity["_updated"] for entity in page] == sorted(entity["_updated"] for entity in page)
        assert seen == source.records


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from([f"{a}{b}" for a in "abcd" for b in "xyz"]), st.integers(0, 2)),
    st.integers(1, 4),
)
def test_small_limits_get_through_equal_stamps(records: dict[str, int], limit: int) -> None:
    source = Source("modified_then_id")
    source.records = dict(records)
    seen: set[str] = set()
    token = None
    for _ in range(len(records) * 2 + 3):
        page = source.read(token, limit)
        assert len(page) <= limit
        seen |= {entity["_id"] for entity in page}
        token = page[-1]["_updated"] if page else token
    assert seen == set(records)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=1), st.integers(0, 8))
def test_a_read_that_breaks_off_loses_nothing(records: dict[str, int], upto: int) -> None:
    for order in ("modified_then_id", "modified", "none"):
        source = Source(order, page=2)
        source.records = dict(records)
        part = source.read(None)[: min(upto, len(records) - 1)]
        token = max((entity["_updated"] for entity in part), default=None)
        rest = source.read(token)
        assert {e["_id"] for e in part} | {e["_id"] for e in rest} == set(records), order


def test_tokens_of_an_unordered_list_move_only_at_its_end_and_not_beyond_its_start() -> None:
    source = Source("none", page=2)
    source.records = {"a": 5, "b": 1, "c": 3}
    assert [e["_updated"] for e in source.read(None)] == [lowest("iso"), lowest("iso"), stamp(5)]
    late = Since("x", spec("none"), lambda: datetime(2026, 1, 1, 0, 2, 3, tzinfo=UTC))
    [page] = late.apply(iter([[{"_id": "a", "_updated": stamp(30)}]]), None, None)
    assert page[0]["_updated"] == stamp(3)


def test_a_list_that_breaks_its_promise_of_order_is_found_out() -> None:
    pages = iter([[{"_id": "a", "_updated": stamp(2)}, {"_id": "b", "_updated": stamp(1)}]])
    with pytest.raises(FixSettings, match=r"incremental\.order"):
        list(Since("x", spec("modified")).apply(pages, None, None))


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-13-01T00:00:00.000000Z",
        "1234567890",
        "",
        "2026",
        "Z~a",
        "~",
        "2026-01-01T25:00:00Z",
    ],
)
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(BadRequest):
        Since("x", spec("modified")).parse(text)


def test_what_is_a_token() -> None:
    since = Since("x", spec("modified_then_id"))
    assert since.parse(stamp(1)) == Token(stamp(1))
    assert since.parse(stamp(1) + "~CT-1~x") == Token(stamp(1), "CT-1~x")
    assert since.parse("2026-01-01T02:00:01+02:00") == Token(stamp(1))
    assert str(Token(stamp(1), "CT-1")) == stamp(1) + "~CT-1"
    assert stamp(1) < str(Token(stamp(1), "CT-1")) < stamp(2)


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("iso", "2026-01-01T00:00:01.000000Z", stamp(1)),
        ("iso", "2026-01-01T01:00:01+01:00", stamp(1)),
        ("iso", "2026-01-01 00:00:01", stamp(1)),
        ("date", "2026-01-01", stamp(0)),
        ("epoch_s", 1767225601, stamp(1)),
        ("epoch_s", "1767225601.5", "2026-01-01T00:00:01.500000Z"),
        ("epoch_ms", 1767225601001, "2026-01-01T00:00:01.001000Z"),
        ("number", 42, "00000000000000000042"),
    ],
)
def test_stamps_are_brought_to_one_width(form: str, value: Any, expected: str) -> None:
    parsed = parser(form)(value)
    assert parsed == expected
    assert is_stamp(form, parsed)
    assert len(parsed) == len(lowest(form))


@pytest.mark.parametrize(
    ("form", "value"), [("iso", "soon"), ("iso", 5), ("epoch_s", "x"), ("number", "1.5"), ("iso", {})]
)
def test_stamps_that_are_none(form: str, value: Any) -> None:
    with pytest.raises(InvalidResponse):
        parser(form)(value)


@pytest.mark.parametrize(
    ("form", "overlap", "expected"),
    [
        ("iso", 0, stamp(5)),
        ("iso", 2, stamp(3)),
        ("iso", 0.000001, "2026-01-01T00:00:04.999999Z"),
        ("iso_seconds", 0, "2026-01-01T00:00:05Z"),
        ("date", 10, "2025-12-31"),
        ("epoch_s", 0, "1767225605"),
        ("epoch_ms", 0, "1767225605000"),
    ],
)
def test_filters(form: str, overlap: float, expected: str) -> None:
    assert to_filter(form, stamp(5), overlap) == expected


def test_filter_before_the_beginning_of_time() -> None:
    assert to_filter("iso", lowest("iso"), 3600) == lowest("iso")
    assert to_filter("number", "00000000000000000003", 10) == "0"


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_stamps_order_as_time_does(moment: datetime) -> None:
    text = to_text(moment)
    assert len(text) == 27
    assert datetime.fromisoformat(text).replace(tzinfo=None) == moment
    assert lowest("iso") < text
