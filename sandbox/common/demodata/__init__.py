"""Demo data for both systems from one seed, so that about a third of the records match.

Everything follows from the seed and a fixed base date; nothing depends on the clock or the machine.
"""

from __future__ import annotations

from typing import Any

from sandbox.common.demodata import born_in_chargebee, parties, products, sales

Bodies = dict[str, list[dict[str, Any]]]


def erp_demo(seed: int) -> Bodies:
    """Return the ERP's records by type, in an order in which every reference is known when it is used.

    Each is an API body with `id`, `created_at`, `modified_at` and `version` besides.
    """
    staff = parties.employees(seed)
    companies = parties.customers(seed)
    people = parties.contacts(seed, companies, staff)
    goods = products.products(seed)
    offers = sales.quotes(seed, companies, people, goods)
    return {
        "employee": staff,
        "customer": companies,
        "contact": people,
        "product": goods,
        "quote": offers,
        "order": sales.orders(seed, offers, companies, people, goods),
    }


def chargebee_demo(seed: int) -> Bodies:
    """Return what was born in Chargebee, as the parameters that its own calls would take.

    Keys: `business_entities`, `customers`, `item_families`, `items`, `item_prices` and `invoices_and_orders`;
    the last are pairs `{invoice, order}`. All carry `updated_at` and, where the type has it, `created_at`, in
    seconds; an item also its `status`.
    """
    erp = erp_demo(seed)
    entities = born_in_chargebee.business_entities(seed, erp["customer"])
    buyers = born_in_chargebee.customers(seed, erp["contact"], erp["employee"], entities)
    catalogue = born_in_chargebee.items(seed, erp["product"])
    prices = born_in_chargebee.item_prices(seed, catalogue, erp["product"])
    return {
        "business_entities": entities,
        "customers": buyers,
        "item_families": born_in_chargebee.item_families(seed),
        "items": catalogue,
        "item_prices": prices,
        "invoices_and_orders": born_in_chargebee.invoices_and_orders(
            seed, erp["order"], erp["contact"], buyers, prices
        ),
    }
