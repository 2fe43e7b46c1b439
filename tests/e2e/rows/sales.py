"""Order ↔ Order and Quote ↔ Order, property by property."""

from __future__ import annotations

from collections.abc import Generator

from tests.e2e.conftest import World
from tests.e2e.rows.steps import BACK, BORN, MOVED, STREET, Found, Record, Step, Story, billing, iso, unix

OneStep = Generator[None, None, Step]

LINE = {
    "description": "Roser",
    "quantity": "3",
    "unit_price": "10.50",
    "tax_percent": "25",
    "sku": "ROSE",
    "status": "confirmed",
}

NOT_YET = unix("2099-12-31")
"""When a quote that nobody has accepted is to be paid."""


def _buyer(world: World, name: str) -> Record:
    return world.erp.create("contacts", first_name=name, email=f"{name.lower()}@rows.example")


class _Sale:
    """An ERP order or quote, and its Chargebee order."""

    def __init__(self, world: World, kind: str, key: str, order: str) -> None:
        self.world, self.kind, self.key, self.order = world, kind, key, order

    def found(self) -> Found:
        yield
        order = self.world.chargebee.get("orders", self.order)
        sale = self.world.erp.get(f"{self.kind}s", self.key)
        invoice = self.world.chargebee.get("invoices", order["invoice_id"])
        order = {**order, "due_date": invoice.get("due_date")}
        return {**sale, "(the linked customer)": order["customer_id"]}, order

    def edit_erp(self, edit: Record, expected: Record) -> OneStep:
        self.world.erp.patch(f"{self.kind}s", self.key, **edit)
        return Step("erp", False, edit, expected, (yield from self.found()))

    def edit_chargebee(self, expected: Record, edit: Record) -> OneStep:
        self.world.chargebee.change_order(self.order, **edit)
        return Step("chargebee", False, expected, edit, (yield from self.found()))

    def lines(self) -> tuple[Record, Record]:
        """Return the one line here and there, as far as a line is named in an edit."""
        line = self.world.erp.get(f"{self.kind}s", self.key)["lines"][0]
        return line, {"id": self.world.chargebee.get("orders", self.order)["order_line_items"][0]["id"]}


def _placed(
    world: World, kind: str, made: Record, expected: Record
) -> Generator[None, None, tuple[_Sale, Step]]:
    buyer = _buyer(world, f"Rows{kind}")
    product = world.erp.create(
        "products", sku=f"ROWS-{kind}", name=f"Rose, {kind}", unit_price="10.50", currency="NOK"
    )
    yield
    price = next(
        each for each in world.chargebee.all("item_prices") if each["item_id"] == f"product-{product['id']}"
    )
    sold = {**LINE, "product_id": product["id"]}
    common = {
        "currency": "NOK",
        "billing_address": STREET,
        "shipping_address": STREET,
        "note": "Ring på",
        "contact_id": buyer["id"],
    }
    record = world.erp.create(f"{kind}s", lines=[sold], **common, **made)
    yield
    order = next(
        o for o in world.chargebee.all("orders") if o.get("reference_id") == record[f"{kind}_number"]
    )
    sale = _Sale(world, kind, record["id"], order["id"])
    line = {
        "description": "Roser",
        "sku": "ROSE",
        "unit_price": 1050,
        "amount": 3150,
        "tax_amount": 788,
        "fulfillment_quantity": 3,
        "status": "queued",
        "entity_id": price["id"],
    }
    totals = {"sub_total": 3150, "tax": 788, "total": 3938, "currency_code": "NOK", "note": "Ring på", "reference_id": record[f"{kind}_number"],
              "billing_address": billing(STREET), "shipping_address": billing(STREET), "customer_id": f"contact-{buyer['id']}"}  # fmt: skip
    links = {"external_refs": {"chargebee": order["id"]}, f"{kind}_number": record[f"{kind}_number"],
             "(the linked customer)": f"contact-{buyer['id']}"}  # fmt: skip
    sums = {
        "subtotal": "31.50",
        "tax_amount": "7.88",
        "total": "39.38",
        "lines": [{**sold, "amount": "31.50", "tax_amount": "7.88"}],
    }
    asked = {**common, **made, **links, **sums, "created_at": record["created_at"]}
    seconds = (
        int(record["created_at"][17:19])
        + 60 * int(record["created_at"][14:16])
        + 3600 * int(record["created_at"][11:13])
    )
    wished = {**totals, **expected, "id": order["id"], "order_line_items": [{**line, **expected.get("line", {})}],
              "created_at": unix(record["created_at"][:10]) + seconds}  # fmt: skip
    step = Step("erp", True, asked, wished, (yield from sale.found()))
    return sale, step


def order(world: World) -> Story:
    """Yield an order made in the ERP and followed on both sides; two more for what an order has only once.

    One born in Chargebee.
    """
    made = {"status": "confirmed", "order_date": "2026-03-01", "payment_terms_days": 14}
    sale, first = yield from _placed(
        world,
        "order",
        made,
        {
            "status": "queued",
            "order_date": unix("2026-03-01"),
            "shipping_date": unix("2026-03-01"),
            "due_date": unix("2026-03-15"),
        },
    )
    line, item = sale.lines()
    fulfilled = {
        "order_number": "ROWS-A", "status": "shipped", "order_date": "2026-03-02", "shipping_date": "2026-03-05", "shipped_at": iso("2026-03-05"),
        "delivered_at": iso("2026-03-06"), "shipment_carrier": "Posten", "tracking_number": "T-1", "tracking_url": "https://track.example/1",
        "note": "Sendt", "shipping_address": MOVED, "lines": [{**line, "sku": "TULIP", "status": "shipped"}],
    }  # fmt: skip
    seen = {
        "reference_id": "ROWS-A", "status": "shipped", "order_date": unix("2026-03-02"), "shipping_date": unix("2026-03-05"),
        "shipped_at": unix("2026-03-05"), "delivered_at": unix("2026-03-06"), "shipment_carrier": "Posten", "tracking_id": "T-1",
        "tracking_url": "https://track.example/1", "note": "Sendt", "shipping_address": billing(MOVED),
        "order_line_items": [{"sku": "TULIP", "status": "shipped"}],
    }  # fmt: skip
    there = {
        "reference_id": "ROWS-B", "status": "delivered", "order_date": unix("2026-03-03"), "shipping_date": unix("2026-03-06"),
        "shipped_at": unix("2026-03-06"), "delivered_at": unix("2026-03-08"), "shipment_carrier": "DHL", "tracking_id": "T-2",
        "tracking_url": "https://track.example/2", "note": "Levert", "shipping_address": billing(BACK),
        "order_line_items": [{**item, "sku": "LILY", "status": "delivered"}],
    }  # fmt: skip
    here = {
        "order_number": "ROWS-B", "status": "delivered", "order_date": "2026-03-03", "shipping_date": "2026-03-06", "shipped_at": iso("2026-03-06"),
        "delivered_at": iso("2026-03-08"), "shipment_carrier": "DHL", "tracking_number": "T-2", "tracking_url": "https://track.example/2",
        "note": "Levert", "shipping_address": BACK, "lines": [{"sku": "LILY", "status": "delivered"}],
    }  # fmt: skip
    edits = [(yield from sale.edit_erp(fulfilled, seen)), (yield from sale.edit_chargebee(here, there))]
    return [first, *edits, *(yield from _cancelled(world)), (yield from _born(world))]


def _cancelled(world: World) -> Story:
    days = {"erp": "2026-03-04", "chargebee": "2026-03-05"}
    steps = []
    for by, day in days.items():
        key = world.erp.create("orders", lines=[LINE], currency="NOK", order_date="2026-03-01", status="confirmed",
                               contact_id=_buyer(world, f"Rowscancel{by}")["id"])["id"]  # fmt: skip
        yield
        sale = _Sale(world, "order", key, f"order-{key}")
        steps.append((yield from _paid(sale, by)))
        erp = {
            "status": "cancelled",
            "cancelled_at": iso(day),
            "cancellation_reason": "fraudulent_transaction",
        }
        chargebee = {**erp, "cancelled_at": unix(day)}
        edit = sale.edit_erp(erp, chargebee) if by == "erp" else sale.edit_chargebee(erp, chargebee)
        steps.append((yield from edit))
    return steps


def _paid(sale: _Sale, by: str) -> OneStep:
    paid = {"payment_status": "paid"}
    if by == "erp":
        return (yield from sale.edit_erp(paid, paid))
    invoice = sale.world.chargebee.get("orders", sale.order)["invoice_id"]
    sale.world.chargebee.post(f"invoices/{invoice}/record_payment", transaction={"payment_method": "cash"})
    return Step("chargebee", False, paid, paid, (yield from sale.found()))


def _born(world: World) -> OneStep:
    company = world.erp.create("customers", name="Rows Buyers AS")
    buyer = world.erp.create(
        "contacts", first_name="Rowsborn", email="rowsborn@rows.example", customer_id=company["id"]
    )
    yield
    customer = f"contact-{buyer['id']}"
    item = {
        "description": "Bok",
        "unit_amount": 12500,
        "quantity": 2,
        "amount": 25000,
        "entity_type": "adhoc",
        "id": "li-rows",
    }
    reduced = {"line_item_id": "li-rows", "entity_type": "item_level_discount", "amount": 5000}
    invoice = world.chargebee.post(
        "invoices/import_invoice", id="rows-invoice", customer_id=customer, date=unix("2026-07-01"), total=20000, currency_code="NOK",
        line_items=[item], discounts=[reduced], billing_address=billing(BORN),
    )  # fmt: skip
    world.chargebee.post(
        "orders/import_order", id="rows-order", invoice_id=invoice["id"], customer_id=customer, status="queued", created_at=unix("2026-07-01"),
        order_date=unix("2026-07-01"), shipping_date=unix("2026-07-03"), billing_address=billing(BORN),
    )  # fmt: skip
    line = world.chargebee.get("orders", "rows-order")["order_line_items"][0]
    world.chargebee.post(
        "orders/rows-order", order_line_items=[{"id": line["id"], "sku": "BOOK", "status": "queued"}]
    )
    yield
    key = next(
        o["id"] for o in world.erp.all("orders") if o["external_refs"].get("chargebee") == "rows-order"
    )
    erp, order = yield from _Sale(world, "order", key, "rows-order").found()
    person = {"id": buyer["id"], "customer_id": company["id"]}
    wished = {
        "currency": "NOK", "billing_address": BORN, "contact_id": buyer["id"], "customer_id": company["id"], "invoice_reference": "rows-invoice",
        "external_refs": {"chargebee": "rows-order"}, "payment_status": order["payment_status"], "order_date": "2026-07-01",
        "lines": [{"description": "Bok", "quantity": "2", "unit_price": "125.00", "sku": "BOOK", "status": "confirmed", "tax_percent": "0",
                   "discount_percent": "20"}],
    }  # fmt: skip
    given = {
        "currency_code": "NOK", "billing_address": billing(BORN), "contact": person, "invoice_id": "rows-invoice", "id": "rows-order",
        "payment_status": order["payment_status"], "order_date": unix("2026-07-01"),
        "order_line_items": [{"description": "Bok", "fulfillment_quantity": 2, "unit_price": 12500, "sku": "BOOK", "status": "queued",
                              "amount": 25000, "tax_amount": 0, "discount_amount": 5000}],
    }  # fmt: skip
    return Step("chargebee", True, wished, given, (erp, {**order, "contact": person}))


def quote(world: World) -> Story:
    """Yield a quote made in the ERP and followed on both sides."""
    made = {"status": "sent", "quote_date": "2026-06-01", "payment_terms_days": 14}
    sale, first = yield from _placed(
        world,
        "quote",
        made,
        {
            "status": "on_hold",
            "order_date": unix("2026-06-01"),
            "shipping_date": unix("2026-06-01"),
            "due_date": NOT_YET,
        },
    )
    line, item = sale.lines()
    edit = {"quote_number": "ROWS-Q1", "status": "accepted", "quote_date": "2026-06-02", "note": "Ja",
            "shipping_address": MOVED, "lines": [{**line, "sku": "TULIP"}]}  # fmt: skip
    seen = {"reference_id": "ROWS-Q1", "status": "queued", "order_date": unix("2026-06-02"), "note": "Ja",
            "shipping_address": billing(MOVED), "order_line_items": [{"sku": "TULIP"}]}  # fmt: skip
    there = {"reference_id": "ROWS-Q2", "status": "cancelled", "order_date": unix("2026-06-03"), "note": "Nei",
             "shipping_address": billing(BACK), "order_line_items": [{**item, "sku": "LILY"}]}  # fmt: skip
    here = {"quote_number": "ROWS-Q2", "status": "rejected", "quote_date": "2026-06-03", "note": "Nei", "shipping_address": BACK,
            "lines": [{"sku": "LILY"}]}  # fmt: skip
    edits = [(yield from sale.edit_erp(edit, seen)), (yield from sale.edit_chargebee(here, there))]
    return [first, *edits]
