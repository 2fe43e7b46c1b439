"""The service's pure parts.

Form encoding, tokens, derived ids, invoices, and reads against a model of the upstream.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.chargebee.forms import fields, in_path, pointer_of
from connectors.chargebee.identity import derived_id, is_ours, linked, sanitised
from connectors.chargebee.imports import invoice_ids, invoice_of
from connectors.chargebee.settings import read_settings
from connectors.chargebee.tokens import Token, Window, decode
from connectors.common.datatype import Insert, Record
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


@pytest.mark.parametrize(
    ("record_id", "written"),
    [
        ("a b#?%ø", "a%20b%23%3F%25%C3%B8"),
        ("auth0|7c", "auth0%7C7c"),
        ("a/b", "a/b"),
        ("a/delete", "a%2Fdelete"),
        ("../items/i1", "..%2Fitems%2Fi1"),
        ("a//b", "a%2F%2Fb"),
    ],
)
def test_an_id_is_written_into_a_path_and_is_no_other_call(record_id: str, written: str) -> None:
    assert in_path(record_id) == written


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
        Token(moment, page, after=(page, text), end=page),
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
        assert difference > 99 or total < 0
        assert refused.field == "/total"
        return
    net = sum(line["amount"] for line in made["line_items"])
    tax = sum(line.get("tax1_amount", 0) for line in made["line_items"])
    discount = sum(row["amount"] for row in made.get("discounts", []))
    assert net + tax - discount + made.get("round_off", 0) == made["total"] == total
    assert all(0 <= float(row["rate"]) <= 100 for row in made.get("taxes", []))


def test_invoice_ids_fit() -> None:
    assert max(map(len, invoice_ids("x" * 40))) <= 50


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
