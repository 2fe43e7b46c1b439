"""The official Python client drives every operation that the connector relies on."""

from __future__ import annotations

import json
import string
from types import ModuleType
from typing import Any

import pytest

from tests.support.systems import Chargebee

PLACED = 1_790_000_000


def test_customer_life(chargebee: ModuleType, sdk: Any, site: Chargebee) -> None:
    created = sdk.Customer.create(
        {
            "id": "c1",
            "first_name": "Åse",
            "email": "ase@firma.example",
            "net_term_days": 14,
            "allow_direct_debit": True,
            "meta_data": json.dumps({"customerp": {"contact_id": "CT-1"}}),
            "billing_address": {"line1": "Storgata 1", "city": "Tromsø", "country": "NO", "zip": "9008"},
            "vat_number": "NO123",
            "cf_region": "north",
        }
    ).customer
    assert created.id == "c1"
    assert created.billing_address.city == "Tromsø"
    assert created.raw_data["meta_data"] == {"customerp": {"contact_id": "CT-1"}}
    assert created.cf_region == "north"

    changed = sdk.Customer.update("c1", {"first_name": "Åse Marie", "company": None}).customer
    assert changed.first_name == "Åse Marie"
    assert changed.resource_version > created.resource_version

    billed = sdk.Customer.update_billing_info(
        "c1", {"billing_address": {"city": "Oslo", "country": "NO"}, "vat_number": ""}
    ).customer
    assert billed.billing_address.city == "Oslo"
    assert billed.billing_address.line1 is None, "an address replaces the whole former one"
    assert billed.vat_number is None

    contact = {"email": "boss@firma.example", "label": "boss"}
    kept = sdk.Customer.add_contact("c1", {"contact": contact}).customer.contacts[0]
    sdk.Customer.update_contact("c1", {"contact": {"id": kept.id, "label": "chief"}})
    assert [entry.contact.label for entry in sdk.Customer.contacts_for_customer("c1").list] == ["chief"]
    assert not sdk.Customer.delete_contact("c1", {"contact": {"id": kept.id}}).customer.contacts

    site.configure(customer_deletion_s=0)
    assert sdk.Customer.delete("c1").customer.deleted is True
    with pytest.raises(chargebee.InvalidRequestError) as gone:
        sdk.Customer.retrieve("c1")
    assert (gone.value.http_status_code, gone.value.api_error_code) == (404, "resource_not_found")
    listed = sdk.Customer.list({"include_deleted": True}).list
    assert [entry.customer.deleted for entry in listed] == [True]


def test_customer_lists_page_filter_and_sort(chargebee: ModuleType, sdk: Any) -> None:
    for number in range(5):
        sdk.Customer.create({"id": f"c{number}", "email": f"c{number}@firma.example"})
    seen: list[str] = []
    params: dict[str, object] = {"limit": 2, "sort_by": chargebee.Filters.SortFilter(ASC="updated_at")}
    while True:
        page = sdk.Customer.list(params)
        seen += [entry.customer.id for entry in page.list]
        if page.next_offset is None:
            break
        params["offset"] = page.next_offset
    assert seen == ["c0", "c1", "c2", "c3", "c4"]
    assert [
        e.customer.id for e in sdk.Customer.list({"id": chargebee.Filters.StringFilter(IN=["c1", "c3"])}).list
    ] == [
        "c1",
        "c3",
    ]
    mail = chargebee.Filters.StringFilter(IS="c2@firma.example")
    assert [e.customer.id for e in sdk.Customer.list({"email": mail}).list] == ["c2"]
    moment = sdk.Customer.retrieve("c4").customer.updated_at
    window = chargebee.Filters.TimestampFilter(BETWEEN=[moment - 60, moment])
    assert len(sdk.Customer.list({"updated_at": window, "include_deleted": True}).list) == 5
    early = chargebee.Filters.TimestampFilter(BETWEEN=[moment - 90, moment - 60])
    assert sdk.Customer.list({"updated_at": early}).list == []


def test_catalogue(chargebee: ModuleType, sdk: Any) -> None:
    sdk.ItemFamily.create({"id": "tools", "name": "Tools"})
    item = sdk.Item.create(
        {
            "id": "hammer",
            "name": "Hammer",
            "type": chargebee.Item.Type.CHARGE,
            "item_family_id": "tools",
            "is_shippable": True,
            "metadata": json.dumps({"color": "red"}),
        }
    ).item
    assert item.status == "active"
    price = sdk.ItemPrice.create(
        {
            "id": "hammer-JPY",
            "name": "Hammer JPY",
            "item_id": "hammer",
            "pricing_model": "per_unit",
            "price": 1250,
            "currency_code": "JPY",
            "accounting_detail": {"sku": "H-1"},
        }
    ).item_price
    assert (price.price, price.accounting_detail.sku, price.item_type) == (1250, "H-1", "charge")
    assert sdk.ItemPrice.update("hammer-JPY", {"price": 1300}).item_price.price == 1300
    with pytest.raises(chargebee.InvalidRequestError) as refused:
        sdk.Item.delete("hammer")
    assert (refused.value.http_status_code, refused.value.api_error_code) == (
        409,
        "invalid_state_for_request",
    )
    assert sdk.Item.update("hammer", {"status": chargebee.Item.Status.ARCHIVED}).item.archived_at
    sdk.ItemPrice.delete("hammer-JPY")
    assert sdk.Item.delete("hammer").item.status == "deleted"
    assert sdk.Item.list({}).list == []
    everything = chargebee.Filters.EnumFilter(IN=["active", "archived", "deleted"])
    assert [e.item.status for e in sdk.Item.list({"status": everything}).list] == ["deleted"]
    again = {"id": "hammer", "name": "Hammer", "type": chargebee.Item.Type.CHARGE, "item_family_id": "tools"}
    assert sdk.Item.create(again).item.status == "active", "id and name are free again"


def _invoice(chargebee: ModuleType, sdk: Any, invoice_id: str, **more: object) -> None:
    sdk.Invoice.import_invoice(
        {
            "id": invoice_id,
            "customer_id": "c1",
            "currency_code": "KWD",
            "date": PLACED,
            "total": 2625,
            "status": chargebee.Invoice.Status.PAYMENT_DUE,
            "line_items": [
                {
                    "description": "Kaffe",
                    "unit_amount": 1250,
                    "quantity": 2,
                    "amount": 2500,
                    "tax1_name": "VAT",
                    "tax1_amount": 125,
                }
            ],
            "taxes": [{"name": "VAT", "rate": 5, "amount": 125}],
            **more,
        }
    )


def test_an_order_is_imported_against_an_imported_invoice(chargebee: ModuleType, sdk: Any) -> None:
    sdk.Customer.create({"id": "c1"})
    _invoice(chargebee, sdk, "inv-1")
    order = sdk.Order.import_order(
        {
            "id": "o-1",
            "invoice_id": "inv-1",
            "status": chargebee.Order.Status.QUEUED,
            "created_at": PLACED,
            "order_date": PLACED,
            "shipping_date": PLACED,
            "reference_id": "1001",
        }
    ).order
    line = order.order_line_items[0]
    assert (order.total, order.tax, order.sub_total, order.currency_code) == (2625, 125, 2500, "KWD")
    assert (line.unit_price, line.fulfillment_quantity, line.amount, line.tax_amount) == (1250, 2, 2500, 125)
    changed = sdk.Order.update(
        "o-1",
        {
            "status": chargebee.Order.Status.SHIPPED,
            "tracking_id": "T1",
            "order_line_items": [
                {"id": line.id, "sku": "K-1", "status": chargebee.Order.OrderLineItemStatus.SHIPPED}
            ],
        },
    ).order
    assert (changed.status, changed.tracking_id, changed.order_line_items[0].sku) == ("shipped", "T1", "K-1")
    found = sdk.Order.list({"invoice_id": chargebee.Filters.StringFilter(IS="inv-1")}).list
    assert [entry.order.id for entry in found] == ["o-1"]
    cancelled = sdk.Order.cancel(
        "o-1", {"cancellation_reason": chargebee.Order.CancellationReason.OTHERS}
    ).order
    assert (cancelled.status, len(cancelled.linked_credit_notes)) == ("cancelled", 1)
    reopened = sdk.Order.reopen("o-1", {"void_cancellation_credit_notes": True}).order
    assert (reopened.status, reopened.cancellation_reason) == ("queued", None)
    assert sdk.Order.delete("o-1").order.deleted is True


def test_events_tell_of_business_entities(chargebee: ModuleType, sdk: Any, site: Chargebee) -> None:
    entity = site.business_entity("Nordlys AS")
    site.business_entity("Nordlys ASA", key=entity["id"])
    sdk.Customer.create({"id": "c1", "business_entity_id": entity["id"]})
    types = chargebee.Filters.EnumFilter(IN=["business_entity_created", "business_entity_updated"])
    events = sdk.Event.list(
        {"event_type": types, "sort_by": chargebee.Filters.SortFilter(ASC="occurred_at")}
    ).list
    snapshots = [entry.event.content["business_entity"] for entry in events]
    assert [one["name"] for one in snapshots] == ["Nordlys AS", "Nordlys ASA"]
    assert events[0].event.source == "admin_console"
    one = sdk.Event.retrieve(events[0].event.id).event
    assert one.event_type == "business_entity_created"
    mine = sdk.Customer.list({"business_entity_id": chargebee.Filters.StringFilter(IS=entity["id"])}).list
    assert [entry.customer.id for entry in mine] == ["c1"]


def test_a_transfer_leaves_a_deprecated_copy(sdk: Any, site: Chargebee) -> None:
    here, there = site.business_entity("Here")["id"], site.business_entity("There")["id"]
    sdk.Customer.create({"id": "c1", "business_entity_id": here})
    sdk.BusinessEntity.create_transfers(
        {
            "active_resource_ids": ["c1"],
            "destination_business_entity_ids": [there],
            "resource_types": ["customer"],
            "reason_codes": ["correction"],
        }
    )
    active = sdk.Customer.retrieve("c1").customer
    assert (active.business_entity_id, active.active_id) == (there, "c1")
    copies = [e.customer for e in sdk.Customer.list({}).list if e.customer.id != "c1"]
    assert [(copy.active_id, copy.business_entity_id) for copy in copies] == [("c1", here)]


def test_idempotency_key_replays_and_refuses(chargebee: ModuleType, sdk: Any) -> None:
    headers = {"chargebee-idempotency-key": "k-1"}
    first = sdk.Customer.create({"id": "c1", "first_name": "A"}, headers)
    again = sdk.Customer.create({"id": "c1", "first_name": "A"}, headers)
    assert again.is_idempotency_replayed
    assert again.customer.resource_version == first.customer.resource_version
    with pytest.raises(chargebee.APIError) as other:
        sdk.Customer.create({"id": "c1", "first_name": "B"}, headers)
    assert (other.value.http_status_code, other.value.api_error_code) == (422, "unable_to_process_request")


def test_site_configuration_says_product_catalog_2(sdk: Any) -> None:
    answer = sdk.Configuration.list().configurations
    assert [site.product_catalog_version for site in answer] == ["v2"]


@pytest.mark.parametrize("sign", [*string.punctuation, "ø", "株", "😀", " ", "//", "%2F"])
def test_an_id_with_any_character_is_found_again(chargebee: ModuleType, sdk: Any, sign: str) -> None:
    key = f"a{sign}b"
    sdk.ItemFamily.create({"id": "f", "name": "f"})
    sdk.Customer.create({"id": key})
    sdk.Item.create({"id": key, "name": "x", "type": "charge", "item_family_id": "f"})
    for calls, kind, changes in (
        (sdk.Customer, "customer", {"company": "x"}),
        (sdk.Item, "item", {"unit": "x"}),
    ):
        assert getattr(calls.retrieve(key), kind).id == key
        assert getattr(calls.update(key, changes), kind).id == key
        for wanted in (
            chargebee.Filters.StringFilter(IS=key),
            chargebee.Filters.StringFilter(IN=[key, "nobody"]),
        ):
            assert [getattr(row, kind).id for row in calls.list({"id": wanted}).list] == [key]
    assert sdk.Item.delete(key).item.status == "deleted"


def test_empty_metadata_is_shown(sdk: Any) -> None:
    sdk.ItemFamily.create({"id": "f", "name": "f"})
    made = sdk.Item.create({"id": "i", "name": "x", "type": "charge", "item_family_id": "f"}).item
    filled = sdk.Item.update("i", {"metadata": json.dumps({"a": 1})}).item
    cleared = sdk.Item.update("i", {"metadata": ""}).item
    assert [one.raw_data["metadata"] for one in (made, filled, cleared)] == [{}, {"a": 1}, {}]


def test_currencies_are_listed_and_shown(chargebee: ModuleType, sdk: Any, site: Chargebee) -> None:
    site.configure(base_currency="NOK", currencies=["KWD"])
    listed = [row.currency for row in sdk.Currency.list().list]
    assert [(one.currency_code, one.is_base_currency) for one in listed] == [("NOK", True), ("KWD", False)]
    assert sdk.Currency.retrieve(listed[1].id).currency.currency_code == "KWD"
    with pytest.raises(chargebee.InvalidRequestError):
        sdk.Currency.retrieve("cur_JPY")
