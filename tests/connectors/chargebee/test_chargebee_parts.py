"""The service's pure parts: form encoding, tokens, derived ids, invoices, and reads against a model of the upstream."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.chargebee.feeds import Page
from connectors.chargebee.forms import fields, pointer_of
from connectors.chargebee.identity import derived_id, is_ours, linked, sanitised
from connectors.chargebee.imports import invoice_id, invoice_of
from connectors.chargebee.reading import OVERLAP, Reader
from connectors.chargebee.settings import read_settings
from connectors.chargebee.tokens import Token, Window, decode
from connectors.common.datatype import Entity, Insert, Record
from connectors.common.errors import BadRequest, Rejected, SettingsError


def test_fields_in_chargebees_notation() -> None:
    payload = {
        "first_name": "Åse",
        "company": None,
        "auto_close": True,
        "net_term_days": 0,
        "billing_address": {"city": "Oslo", "line2": None},
        "meta_data": {"a": {"b": [1]}},
        "ids": ["x", "y"],
        "lines": [{"id": "a", "sku": None}, {"id": "b", "status": "shipped"}],
    }
    assert fields(payload) == [
        ("first_name", "Åse"),
        ("company", ""),
        ("auto_close", "true"),
        ("net_term_days", "0"),
        ("billing_address[city]", "Oslo"),
        ("billing_address[line2]", ""),
        ("meta_data", '{"a":{"b":[1]}}'),
        ("ids[0]", "x"),
        ("ids[1]", "y"),
        ("lines[id][0]", "a"),
        ("lines[sku][0]", ""),
        ("lines[id][1]", "b"),
        ("lines[status][1]", "shipped"),
    ]


@pytest.mark.parametrize(
    ("param", "pointer"),
    [
        ("email", "/email"),
        ("billing_address[country]", "/billing_address/country"),
        ("lines[sku][1]", "/lines/1/sku"),
    ],
)
def test_params_become_pointers(param: str, pointer: str) -> None:
    assert pointer_of(param) == pointer


def origin(text: str, key: str | None = None, **payload: Any) -> Insert:
    return Insert(f"~:customerp-{text}", payload, key)


def test_ids_are_derived_from_the_origin() -> None:
    assert derived_id(origin("contact:CT-1"), 50) == "contact-CT-1"
    assert derived_id(origin("contact:CT-1", key="mine"), 50) == "mine"
    assert derived_id(origin("product:P-1"), 100, "-NOK") == "product-P-1-NOK"
    with pytest.raises(Rejected, match="at most 50"):
        derived_id(origin("contact:x", key="y" * 51), 50)


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200), st.integers(20, 100))
def test_two_texts_never_share_an_id(one: str, other: str, limit: int) -> None:
    first, second = sanitised(one, limit), sanitised(other, limit)
    assert len(first) <= limit
    assert (first == second) == (one == other)


def test_links() -> None:
    insert = origin("contact:CT-1")
    assert linked(insert, {"customerp": {"active": True}, "x": 1}) == {
        "customerp": {"contact_id": "CT-1", "active": True},
        "x": 1,
    }
    assert is_ours(insert, None)
    assert is_ours(insert, {"customerp": {"contact_id": "CT-1"}})
    assert is_ours(insert, {"customerp": {"employee_id": "E-1"}}), "one customer may stand for both"
    assert not is_ours(insert, {"customerp": {"contact_id": "CT-2"}})


@given(
    st.integers(0, 9_999_999_999),
    st.integers(0, 9_999_999),
    st.none() | st.integers(0, 9_999_999_999),
    st.text(max_size=300),
)
def test_tokens_come_back_as_they_were(moment: int, page: int, start: int | None, text: str) -> None:
    for token in (
        Token(moment, page),
        Token(moment, page, Window(start, moment), text),
        Token(moment, page, after=(page, text)),
    ):
        assert decode(token.encode()) == token


@given(st.text(max_size=60))
def test_other_texts_are_no_tokens(text: str) -> None:
    try:
        token = decode(text)
    except BadRequest:
        return
    assert token.encode() == text


def invoice(lines: list[tuple[int, int, int]], total: int | None) -> Record:
    rows = [
        {
            "description": "x",
            "unit_price": price,
            "fulfillment_quantity": number,
            "amount": price * number,
            "tax_amount": tax,
        }
        for price, number, tax in lines
    ]
    payload = {"customer_id": "c", "currency_code": "JPY", "order_line_items": rows, "total": total}
    return invoice_of("order-O-1", payload, "payment_due", 1_790_000_000)


@given(
    st.lists(
        st.tuples(st.integers(0, 10**12), st.integers(1, 1000), st.integers(0, 10**12)),
        min_size=1,
        max_size=5,
    ),
    st.integers(-(10**12), 10**12),
)
def test_invoices_add_up_exactly_or_are_refused(lines: list[tuple[int, int, int]], difference: int) -> None:
    total = sum(price * number + tax for price, number, tax in lines) + difference
    try:
        made = invoice(lines, total)
    except Rejected as refused:
        assert difference > 99
        assert refused.field == "/total"
        return
    net = sum(line["amount"] for line in made["line_items"])
    tax = sum(line.get("tax1_amount", 0) for line in made["line_items"])
    discount = sum(row["amount"] for row in made.get("discounts", []))
    assert net + tax - discount + made.get("round_off", 0) == made["total"] == total
    assert all(0 <= float(row["rate"]) <= 100 for row in made.get("taxes", []))


def test_invoice_ids_fit() -> None:
    assert invoice_id("x" * 40) == "inv-" + "x" * 40


BASE = {"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "key"}


def test_settings_have_defaults() -> None:
    found = read_settings(BASE)
    assert found.base_url == "https://acme-test.chargebee.com/api/v2"
    assert (found.list_lag, found.rate_per_minute, found.concurrency, found.item_family) == (
        300,
        120,
        4,
        "products",
    )


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"CHARGEBEE_API_KEY": ""}, "CHARGEBEE_API_KEY"),
        ({"CHARGEBEE_SITE": ""}, "CHARGEBEE_SITE"),
        ({"CHARGEBEE_SITE": "acme.chargebee.com"}, "CHARGEBEE_SITE"),
        ({"CHARGEBEE_BASE_URL": "ftp://x"}, "CHARGEBEE_BASE_URL"),
        ({"CHARGEBEE_LIST_LAG_SECONDS": "soon"}, "CHARGEBEE_LIST_LAG_SECONDS"),
        ({"CHARGEBEE_RATE_PER_MINUTE": "-1"}, "CHARGEBEE_RATE_PER_MINUTE"),
        ({"PAGE_SIZE": "101"}, "PAGE_SIZE"),
        ({"CHARGEBEE_INVOICE_STATUS": "draft"}, "CHARGEBEE_INVOICE_STATUS"),
    ],
)
def test_a_bad_setting_is_named(values: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings({**BASE, **values})
    assert error.value.name == name


class Model:
    """An upstream list whose changes show `lag` seconds late at most, paged by value as the real one is."""

    def __init__(self) -> None:
        self.now = 1_790_000_000
        self.records: dict[str, list[Record]] = {}

    def change(self, key: str, shows_after: int) -> None:
        history = self.records.setdefault(key, [])
        history.append(
            {"id": key, "updated_at": self.now, "version": len(history), "shown": self.now + shows_after}
        )

    def newest(self) -> dict[str, int]:
        return {key: history[-1]["version"] for key, history in self.records.items()}

    def page(self, window: Window, offset: str | None, limit: int) -> Page:
        shown = [
            [record for record in history if record["shown"] <= self.now][-1:]
            for history in self.records.values()
        ]
        rows = sorted((one[0]["updated_at"], one[0]["id"], one[0]) for one in shown if one)
        if window.start is not None:
            rows = [row for row in rows if window.start <= row[0] <= window.end]
        if offset:
            moment, _, key = offset.partition(" ")
            rows = [row for row in rows if (row[0], row[1]) > (int(moment), key)]
        page = rows[:limit]
        more = f"{page[-1][0]} {page[-1][1]}" if len(rows) > limit else None
        return Page([(moment, record) for moment, _, record in page], more)


LAG = 5
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.integers(0, 7), st.integers(0, LAG + OVERLAP + 1)),
        st.tuples(st.just("wait"), st.integers(0, 12), st.just(0)),
        st.tuples(st.just("read"), st.integers(1, 9), st.integers(1, 9)),
    ),
    max_size=40,
)


def _entity(record: Record, updated: str) -> Entity:
    return {"_id": record["id"], "_updated": updated, "version": record["version"]}


def check_history(actions: list[tuple[str, int, int]]) -> None:
    """Play a history; a reader that stops and goes on anywhere ends with every record's newest version."""
    model = Model()
    reader = Reader(LAG, 2, lambda record: True, _entity, clock=lambda: model.now)
    known: dict[str, int] = {}
    since: str | None = None

    def read(limit: int | None, stop_after: int) -> int:
        nonlocal since
        count = 0
        for entity in chain.from_iterable(reader.paged(model, since, limit)):  # type: ignore[arg-type]
            known[entity["_id"]] = entity["version"]
            assert since is None or entity["_updated"] >= since
            since = entity["_updated"]
            count += 1
            if count == stop_after:
                break
        return count

    for what, first, second in actions:
        if what == "change":
            model.change(f"r{first}", second)
        elif what == "wait":
            model.now += first
        else:
            read(first, second)
    model.now += 2 * LAG + 2 * OVERLAP
    while read(None, 99):
        model.now += LAG + 2 * OVERLAP
    assert known == model.newest()


@given(ACTIONS)
@settings(max_examples=150, deadline=None)
def test_no_history_loses_a_change(actions: list[tuple[str, int, int]]) -> None:
    check_history(actions)


@pytest.mark.slow
@given(ACTIONS)
@settings(max_examples=3000, deadline=None)
def test_no_history_of_thousands_loses_a_change(actions: list[tuple[str, int, int]]) -> None:
    check_history(actions)
