"""The ERP's products: goods, services and subscriptions in several currencies."""

from __future__ import annotations

from typing import Any

from sandbox.common.demodata.draw import WORDS, Draw, stamps

Body = dict[str, Any]
PRODUCTS = 64
PERIODS = ((1, "month"), (1, "year"), (3, "month"), (6, "month"), (2, "year"))
CURRENCIES = ("NOK", "NOK", "NOK", "EUR", "USD", "JPY", "KWD", "DKK")
TAX = ("25", "25", "25", "15", "0")


def products(seed: int) -> list[Body]:
    """Products with their SKU and price; two have no price yet, some are archived."""
    draw = Draw(seed, "products")
    names = list(WORDS["products"])
    names += [f"{name} {form}" for form in WORDS["product_forms"] for name in WORDS["products"]]
    return [_product(draw, number, names[number - 1]) for number in range(1, PRODUCTS + 1)]


def _product(draw: Draw, number: int, name: str) -> Body:
    kind = "subscription" if number % 9 == 6 else "service" if number % 5 == 4 else "goods"
    currency = draw.one(CURRENCIES)
    has_price = number % 30 != 29
    is_archived = number % 16 == 0
    period, unit = draw.one(PERIODS) if kind == "subscription" else (None, None)
    return {
        "id": f"PR-{number}",
        "sku": f"{draw.one(['ab', 'KX', 'Ø', 'SKU '])}-{100 + number}",
        "name": name,
        "description": draw.maybe(f"{name} – {draw.word('notes')}", 0.7),
        "type": kind,
        "category": draw.maybe(draw.word("categories"), 0.9),
        "unit": "timer" if kind == "service" else draw.maybe(draw.word("units"), 0.8),
        "unit_price": draw.amount(currency, 1, 4000) if has_price else None,
        "currency": currency if has_price else None,
        "cost_price": draw.maybe(draw.amount(currency, 1, 900), 0.5) if has_price else None,
        "tax_code": draw.maybe("MVA-H", 0.4),
        "tax_percent": draw.one(TAX),
        "is_taxable": draw.chance(0.9),
        "is_shippable": kind == "goods",
        "is_sellable": not is_archived,
        "status": "archived" if is_archived else "active",
        "billing_period": period,
        "billing_period_unit": unit,
        "gtin": draw.maybe(f"70{draw.random.randrange(10**10, 10**11)}", 0.3),
        "metadata": draw.one([{}, {}, {"shelf": "Å-12"}, {"colour": "grønn", "weight_g": 250}]),
        **stamps(draw),
    }
