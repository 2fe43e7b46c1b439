"""What was born in Chargebee: about a third of it is also in the ERP, a little different."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.common.demodata.draw import WORDS, Draw, mailbox, seconds
from sandbox.common.demodata.parties import COUNTRIES
from sandbox.common.iso import decimals

Body = dict[str, Any]
MATCHING_ENTITIES = 7
ITEMS_BY_SKU, ITEMS_BY_NAME = 5, 2
CUSTOMERS, MATCHING_CONTACTS, MATCHING_EMPLOYEES = 42, 13, 2
ORDERS, MATCHING_ORDERS = 31, 11
PRICE_CURRENCIES = ("EUR", "NOK", "JPY", "KWD", "USD")
STATUSES = (
    "queued",
    "awaiting_shipment",
    "on_hold",
    "shipped",
    "partially_delivered",
    "delivered",
    "returned",
)
FROM_ERP_STATUS = {"confirmed": "queued", "in_progress": "awaiting_shipment", "completed": "delivered"}
OWN_DOMAIN = "@eget-erp.example"
"""The employees' own: an order in the ERP is for a contact, and an employee is none."""
FAMILIES = ("hardware", "software", "consulting", "cb-plans", "cb-merchandise")


def business_entities(seed: int, companies: list[Body]) -> list[Body]:
    """Return entities `{id, name, status, created_at, updated_at, default?}`; the first is the default."""
    draw = Draw(seed, "business entities")
    variants = (str.upper, str.strip, str, lambda name: f"{name} ")
    names = list(WORDS["entities"])
    names += [
        variants[place % 4](company["name"]) for place, company in enumerate(companies[:MATCHING_ENTITIES])
    ]
    result: list[Body] = []
    for number, name in enumerate(names, 1):
        status = "inactive" if number % 9 == 0 else "active"
        result.append({"id": f"be-{number}", "name": name, "status": status, **_times(draw)})
    result[0]["default"] = True
    return result


def customers(seed: int, people: list[Body], staff: list[Body], entities: list[Body]) -> list[Body]:
    """Parameters of `POST /customers`, with the stamps `created_at` and `updated_at`."""
    draw = Draw(seed, "chargebee customers")
    known = [person for person in people[44:] if person["email"] and person["last_name"]][:MATCHING_CONTACTS]
    known += [employee for employee in staff[15:] if employee["email"]][:MATCHING_EMPLOYEES]
    result = [_matching_customer(draw, person, number) for number, person in enumerate(known, 1)]
    result += [_customer(draw, number, entities) for number in range(len(result) + 1, CUSTOMERS + 1)]
    return result


def _matching_customer(draw: Draw, person: Body, number: int) -> Body:
    first = (person["first_name"] or "").strip()
    country = (person["address"] or {}).get("country") or "NO"
    return {
        "id": f"cb-cust-{number:03d}",
        **_present(first_name=first.title() if number % 3 else first, last_name=person["last_name"].strip()),
        "email": person["email"].lower() if number % 2 else person["email"].title(),
        "phone": draw.phone(country) if number % 4 else person["phone"] or draw.phone(country),
        **_present(locale=person["language"], billing_address=_address(person["address"])),
        **_times(draw),
    }


def _customer(draw: Draw, number: int, entities: list[Body]) -> Body:
    country = draw.one(COUNTRIES)
    first, last = draw.word("first_names"), draw.word("last_names")
    home = mailbox(draw.word("trades")) or "firma"
    email = f"{mailbox(first) or 'hello'}.cb{number}@{home}.example"
    names = (
        {"first_name": first, "last_name": last}
        if number % 13
        else {"company": f"Only A Company {number} Ltd"}
    )
    return {
        "id": f"cb-cust-{number:03d}",
        **names,
        **_present(email=draw.maybe(email.upper() if number % 8 == 0 else email, 0.93)),
        **_present(
            phone=draw.maybe(draw.phone(country)), company=draw.maybe(draw.word("companies").strip(), 0.4)
        ),
        **_present(locale=draw.maybe(WORDS["languages"][country], 0.6)),
        **_present(billing_address=_address(draw.maybe(draw.address(country), 0.7))),
        **_present(business_entity_id=draw.maybe(draw.one(entities)["id"], 0.4)),
        **_present(preferred_currency_code=draw.maybe(WORDS["currencies"][country], 0.6)),
        "net_term_days": draw.one([0, 14, 30]),
        **_times(draw),
    }


def item_families(seed: int) -> list[Body]:
    """Parameters of `POST /item_families`, with `updated_at`."""
    draw = Draw(seed, "item families")
    names = {family: f"{family} (CB)" for family in FAMILIES}
    return [
        {"id": family, "name": name, "updated_at": _times(draw)["updated_at"]}
        for family, name in names.items()
    ]


def items(seed: int, goods: list[Body]) -> list[Body]:
    """Parameters of `POST /items` plus `status` and `updated_at`; the first ones are products of the ERP."""
    draw = Draw(seed, "items")
    result = [_matching_item(draw, product, number) for number, product in enumerate(_known_goods(goods), 1)]
    for name in WORDS["items"]:
        number = len(result) + 1
        plan = "Plan" in name
        result.append(
            {
                "id": f"cb-item-{number:02d}",
                "name": name,
                "type": "plan" if plan else "addon" if number % 5 == 0 else "charge",
                "item_family_id": "cb-plans" if plan else draw.one(FAMILIES[:4]),
                "is_shippable": name in ("Sticker pack", 'T-shirt "Sync"', "Coffee mug", "Cable, 3 m"),
                **_present(
                    unit=draw.maybe(draw.word("units"), 0.5), description=draw.maybe(f"{name}: æøå", 0.6)
                ),
                "status": "archived" if number == 20 else "active",
                **_item_times(draw),
            }
        )
    return result


def _known_goods(goods: list[Body]) -> list[Body]:
    plain = [product for product in goods if product["unit_price"] and product["status"] == "active"]
    return [product for product in plain if product["type"] != "subscription"][: ITEMS_BY_SKU + ITEMS_BY_NAME]


def _matching_item(draw: Draw, product: Body, number: int) -> Body:
    by_name = number > ITEMS_BY_SKU
    return {
        "id": f"cb-item-{number:02d}",
        "name": f" {product['name'].upper()}" if by_name else f"{product['name']} (CB)",
        "type": "charge",
        "item_family_id": draw.one(FAMILIES[:3]),
        "is_shippable": product["is_shippable"],
        **_present(
            unit=product["unit"], description=draw.maybe(f"{product['name']}, beskrevet i Chargebee", 0.7)
        ),
        "status": "active",
        **_item_times(draw),
    }


def _item_times(draw: Draw) -> Body:
    return {"updated_at": _times(draw)["updated_at"]}


def item_prices(seed: int, catalogue: list[Body], goods: list[Body]) -> list[Body]:
    """Parameters of `POST /item_prices` with `created_at` and `updated_at`; some items have several."""
    draw = Draw(seed, "item prices")
    known = _known_goods(goods)
    result: list[Body] = []
    for place, item in enumerate(catalogue):
        if place < len(known):
            product = known[place]
            sku = product["sku"] if place < ITEMS_BY_SKU else None
            result.append(_price(draw, item, product["currency"], sku))
            continue
        sku = draw.maybe(f"CB-{place:03d}", 0.7)
        for currency in PRICE_CURRENCIES[: 1 + place % 4 * (place % 2)]:
            result.append(_price(draw, item, currency, sku))
    return result


def _price(draw: Draw, item: Body, currency: str, sku: str | None) -> Body:
    low, high = (500, 60000) if currency == "JPY" else (1, 300)
    price_id = f"{item['id']}-{currency}"
    return {
        "id": price_id,
        "name": price_id,
        "item_id": item["id"],
        "pricing_model": "per_unit",
        "currency_code": currency,
        "price": _minor(draw.amount(currency, low, high), currency),
        "is_taxable": draw.chance(0.9),
        **({} if item["type"] == "charge" else {"period": 1, "period_unit": "month"}),
        **_present(accounting_detail={"sku": sku} if sku else None),
        **_times(draw),
    }


def invoices_and_orders(
    seed: int, sales: list[Body], people: list[Body], buyers: list[Body], prices: list[Body]
) -> list[Body]:
    """Return pairs `{invoice, order, updated_at}`: parameters of `import_invoice` and `import_order`.

    Orders of the ERP carry its number in `reference_id`. No invoice is both paid and for shippable items, so
    that the site makes no orders of its own besides.
    """
    draw = Draw(seed, "chargebee orders")
    by_mail = {buyer["email"].casefold(): buyer["id"] for buyer in buyers if buyer.get("email")}
    mails = {person["id"]: (person["email"] or "").casefold() for person in people}
    known = [
        (sale, by_mail.get(mails.get(sale["contact_id"], ""))) for sale in sales if sale["quote_id"] is None
    ]
    chosen = [(sale, buyer) for sale, buyer in known if buyer and sale["status"] != "draft"][:MATCHING_ORDERS]
    result = [_matching_order(draw, sale, buyer, number) for number, (sale, buyer) in enumerate(chosen, 1)]
    outsiders = [buyer for buyer in buyers if not buyer.get("email", "").casefold().endswith(OWN_DOMAIN)]
    result += [_order(draw, number, outsiders, prices) for number in range(len(result) + 1, ORDERS + 1)]
    return result


def _matching_order(draw: Draw, sale: Body, buyer: str, number: int) -> Body:
    times = _times(draw)
    placed = seconds(datetime.fromisoformat(f"{sale['order_date']}T00:00:00+00:00"))
    currency = sale["currency"]
    lines = [_erp_line(line, currency) for line in sale["lines"]]
    order = {
        "id": f"cb-order-{number:03d}",
        "status": FROM_ERP_STATUS.get(sale["status"], sale["status"]) if number % 3 else "on_hold",
        "reference_id": sale["order_number"],
        "order_date": placed,
        "shipping_date": placed + 3 * 86400,
        "created_at": times["created_at"],
        **_present(
            note=sale["note"] if number % 2 else "Endret i Chargebee 📝", tracking_id=sale["tracking_number"]
        ),
        **_present(shipping_address=_address(sale["shipping_address"])),
    }
    if order["status"] == "cancelled":
        order["cancellation_reason"] = "others"
    return {"invoice": _invoice(number, buyer, currency, placed, lines), "order": order, **times}


def _erp_line(line: Body, currency: str) -> Body:
    price, quantity = _minor(line["unit_price"], currency), int(line["quantity"])
    amount = Decimal(price * quantity) * (1 - Decimal(line["discount_percent"] or 0) / 100)
    amount = amount.quantize(Decimal(1), ROUND_HALF_UP)
    if amount != price * quantity:
        price, quantity = int(amount), 1
    tax = int((amount * Decimal(line["tax_percent"]) / 100).quantize(Decimal(1), ROUND_HALF_UP))
    return _invoice_line(line["description"], price, quantity, tax)


def _order(draw: Draw, number: int, buyers: list[Body], prices: list[Body]) -> Body:
    buyer = draw.one(buyers)
    sold = [price for price in prices if "period" not in price]
    currency = draw.one([code for code in PRICE_CURRENCIES if any(p["currency_code"] == code for p in sold)])
    offered = [price for price in sold if price["currency_code"] == currency]
    placed = draw.moment()
    lines = []
    for price in draw.random.sample(offered, k=min(len(offered), draw.random.randrange(1, 4))):
        quantity = draw.random.randrange(1, 6)
        tax = price["price"] * quantity // 4 if price["is_taxable"] else 0
        line = _invoice_line(price["name"], price["price"], quantity, tax)
        lines.append(line | {"entity_type": "charge_item_price", "entity_id": price["id"]})
    invoice = _invoice(number, buyer["id"], currency, seconds(placed), lines, "payment_due")
    status = STATUSES[number % len(STATUSES)]
    order = {
        "id": f"cb-order-{number:03d}",
        "status": status,
        "order_date": seconds(placed),
        "shipping_date": seconds(placed + timedelta(days=2)),
        "created_at": seconds(placed),
        **_present(note=draw.maybe(draw.word("notes"), 0.5), shipping_address=buyer.get("billing_address")),
        **({"tracking_id": f"CB{number:05d}"} if status in ("shipped", "delivered") else {}),
    }
    return {
        "invoice": invoice,
        "order": order,
        "created_at": seconds(placed),
        "updated_at": seconds(placed) + 3600,
    }


def _invoice(
    number: int, buyer: str, currency: str, placed: int, lines: list[Body], status: str = "paid"
) -> Body:
    tax = sum(line.get("tax1_amount", 0) for line in lines)
    return {
        "id": f"cb-inv-{number:03d}",
        "customer_id": buyer,
        "currency_code": currency,
        "date": placed,
        "status": status,
        "total": sum(line["amount"] for line in lines) + tax,
        "line_items": lines,
        **({"taxes": [{"name": "VAT", "amount": tax}]} if tax else {}),
    }


def _invoice_line(description: str, price: int, quantity: int, tax: int) -> Body:
    line: Body = {
        "description": description,
        "unit_amount": price,
        "quantity": quantity,
        "amount": price * quantity,
    }
    return line | ({"tax1_name": "VAT", "tax1_amount": tax} if tax else {})


def _times(draw: Draw) -> Body:
    created = draw.moment()
    return {"created_at": seconds(created), "updated_at": seconds(draw.moment(created))}


def _minor(amount: str, currency: str) -> int:
    """Return an amount as Chargebee counts it: hundredths of every currency that has decimals."""
    return int(Decimal(amount).scaleb(min(decimals(currency), 2)))


def _address(address: Body | None) -> Body | None:
    if address is None:
        return None
    names = {"postal_code": "zip"}
    return {names.get(name, name): value for name, value in address.items() if value}


def _present(**values: object) -> Body:
    return {name: value for name, value in values.items() if value is not None and value != ""}
