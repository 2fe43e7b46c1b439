"""The ERP's quotes and orders, some orders made from quotes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sandbox.common.demodata.draw import BASE, Draw, stamp, stamps

Body = dict[str, Any]
QUOTES = 84
ORDERS = 126
CONVERTED = 9
"""How many quotes have become orders: the last quotes and the last orders, in the same sequence."""
QUOTE_STATUSES = ("draft", "sent", "accepted", "rejected", "expired")
ORDER_STATUSES = (
    "confirmed",
    "in_progress",
    "shipped",
    "delivered",
    "completed",
    "draft",
    "on_hold",
    "partially_delivered",
    "returned",
    "cancelled",
)
REASONS = ("product_not_required", "delivery_date_missed", "others", "alternative_found")
KNOWN_BUYERS = slice(44, 60)
"""Contacts who buy more than others, among them those that Chargebee knows too."""
CARRIED_OVER = (
    "reference",
    "customer_id",
    "contact_id",
    "sales_employee_id",
    "currency",
    "billing_address",
    "shipping_address",
    "payment_terms_days",
    "note",
)
PRICES = {"JPY": (100, 90000, 1), "KWD": (2, 400, 200)}
"""Lowest and highest price and its step; two dinars, so that discounts and taxes need no third decimal."""


def quotes(seed: int, companies: list[Body], people: list[Body], goods: list[Body]) -> list[Body]:
    """Quotes in every status; the last ones are ordered."""
    draw = Draw(seed, "quotes")
    result = []
    for number in range(1, QUOTES + 1):
        ordered = number > QUOTES - CONVERTED
        status = "ordered" if ordered else QUOTE_STATUSES[number % len(QUOTE_STATUSES)]
        times = stamps(draw)
        day = _day(times["created_at"])
        result.append(
            {
                "id": f"QU-{number}",
                "quote_number": f"Q-{1000 + number}",
                "status": status,
                "quote_date": day.isoformat(),
                "valid_until": (day + timedelta(days=30)).isoformat(),
                "sent_at": None if status == "draft" else _later(times, 1),
                "accepted_at": _later(times, 5) if status in ("accepted", "ordered") else None,
                "order_id": f"OR-{number - QUOTES + ORDERS}" if ordered else None,
                **_sale(draw, companies, people, goods),
                **times,
            }
        )
    return result


def orders(
    seed: int, offers: list[Body], companies: list[Body], people: list[Body], goods: list[Body]
) -> list[Body]:
    """Orders in every status with the dates that go with it; the last ones carry on a quote's contents."""
    draw = Draw(seed, "orders")
    sources = {quote["order_id"]: quote for quote in offers if quote["order_id"]}
    result = []
    for number in range(1, ORDERS + 1):
        order_id = f"OR-{number}"
        quote = sources.get(order_id)
        status = "confirmed" if quote else ORDER_STATUSES[number % len(ORDER_STATUSES)]
        times = _after(quote) if quote else stamps(draw)
        result.append(
            {
                "id": order_id,
                "order_number": f"SO-{1000 + number}",
                "quote_id": quote["id"] if quote else None,
                "status": status,
                "payment_status": "paid" if status in ("completed", "returned") else "not_paid",
                "order_date": _day(times["created_at"]).isoformat(),
                **_fulfilment(draw, status, times, number),
                **(_contents(quote) if quote else _sale(draw, companies, people, goods)),
                **times,
            }
        )
        _part_delivered(result[-1])
    return result


def _sale(draw: Draw, companies: list[Body], people: list[Body], goods: list[Body]) -> Body:
    """Who buys what: a contact of a customer, or the customer alone, whose billing contact then counts."""
    person = draw.one(people[KNOWN_BUYERS] if draw.chance(0.2) else people)
    company = companies[int(person["customer_id"][3:]) - 1]
    address = company["billing_address"]
    return {
        "reference": draw.maybe(f'PO {draw.random.randrange(1000, 9999)}/"{draw.random.randrange(9)}"', 0.4),
        "customer_id": company["id"],
        "contact_id": draw.maybe(person["id"], 0.8),
        "sales_employee_id": f"EM-{draw.random.randrange(1, 11)}",
        "currency": company["currency"],
        "lines": [_line(draw, company["currency"], goods) for _ in range(draw.random.randrange(1, 5))],
        "billing_address": address,
        "shipping_address": company["shipping_address"] or address,
        "payment_terms_days": company["payment_terms_days"],
        "note": draw.maybe(draw.word("notes"), 0.4),
    }


def _line(draw: Draw, currency: str, goods: list[Body]) -> Body:
    product = draw.one(goods)
    low, high, step = PRICES.get(currency, (5, 4000, 1))
    return {
        "product_id": product["id"],
        "sku": product["sku"],
        "description": product["name"],
        "quantity": str(draw.random.randrange(1, 12)),
        "unit": product["unit"],
        "unit_price": draw.amount(currency, low, high, step),
        "discount_percent": draw.maybe("10", 0.15),
        "tax_percent": product["tax_percent"],
        "is_shippable": product["is_shippable"],
    }


def _fulfilment(draw: Draw, status: str, times: Body, number: int) -> Body:
    created = _day(times["created_at"])
    shipped = status in ("shipped", "partially_delivered", "delivered", "completed", "returned")
    delivered = status in ("delivered", "completed", "returned")
    return {
        "requested_delivery_date": draw.maybe((created + timedelta(days=14)).isoformat(), 0.5),
        "shipping_date": (created + timedelta(days=3)).isoformat() if shipped or draw.chance(0.7) else None,
        "shipped_at": _later(times, 3) if shipped else None,
        "delivered_at": _later(times, 6) if delivered else None,
        "cancelled_at": _later(times, 2) if status == "cancelled" else None,
        "cancellation_reason": draw.one(REASONS) if status == "cancelled" else None,
        "shipment_carrier": draw.word("carriers") if shipped else None,
        "tracking_number": f"JJ{number:06d}NO" if shipped else None,
        "tracking_url": draw.maybe(f"https://spor.example/?nr=JJ{number:06d}NO&lang=nø", 0.7)
        if shipped
        else None,
    }


def _part_delivered(order: Body) -> None:
    """Of a partially delivered order the first line has arrived, the others are under way."""
    if order["status"] == "partially_delivered":
        for place, line in enumerate(order["lines"]):
            line["status"] = "shipped" if place else "delivered"


def _contents(quote: Body) -> Body:
    return {name: quote[name] for name in CARRIED_OVER} | {"lines": [dict(line) for line in quote["lines"]]}


def _after(quote: Body) -> Body:
    """Return the stamps of an order made when its quote was last changed."""
    return {"created_at": quote["modified_at"], "modified_at": quote["modified_at"], "version": 1}


def _day(text: str) -> date:
    return _moment(text).date()


def _later(times: Body, days: int) -> str:
    return stamp(min(BASE, _moment(times["created_at"]) + timedelta(days=days)))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
