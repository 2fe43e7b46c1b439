"""Values that people type: always new, so that every one found later says which edit it came from."""

from __future__ import annotations

import random
from typing import Any

COUNTRIES = ("NO", "DK", "CH", "AT", "BE", "HU", "NZ", "ZA", "TW", "PH")
"""Countries whose postal codes may all have four characters: people change country and code at different times,
and an address whose code does not fit its country is refused."""
PAYMENT_TERMS = (0, 7, 10, 14, 15, 30, 45, 60, 90)
"""The days that the site has as payment terms."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
STATUSES = ("queued", "awaiting_shipment", "on_hold", "shipped", "partially_delivered", "delivered", "returned",
            "cancelled")  # fmt: skip
REASONS = ("shipping_cut_off_passed", "product_unsatisfactory", "alternative_found", "others")
CATEGORIES = ("Lights", "Belysning & lys/ute", "Ærlig", "Tea")
SPICES = ("", "", " ", "Øst", "株式", "<b>", "O'Neil", "😀", '"', "&amp;", "\\")
NEVER_EMPTY = {"first_name", "name", "sku", "number", "status", "order_date", "shipping_date", "is_shippable", "is_taxable",
               "unit_price", "line_sku", "line_status", "active"}  # fmt: skip
LIMITS = {"phone": 50, "unit": 30, "tracking_number": 50, "shipment_carrier": 50, "address_city": 50, "address_state": 50, "language": 50, "vat_number": 20}  # fmt: skip


class Typist:
    """Types values for the properties of the model; the same seed types the same."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._count = 0

    def number(self) -> int:
        """A number that was not given before."""
        self._count += 1
        return self._count

    def value(self, name: str, lines: int = 0) -> Any:
        """A value for a property, never empty; `lines` is how many lines an order has."""
        rng, n = self._rng, self.number()
        simple: dict[str, Any] = {
            "email": f"{rng.choice(['', 'X.'])}p{n}@Example.com",
            "address_country": rng.choice(COUNTRIES),
            "status": rng.choice(STATUSES),
            "is_shippable": rng.random() < 0.5,
            "is_taxable": rng.random() < 0.5,
            "active": rng.random() < 0.7,
            "category": rng.choice(CATEGORIES),
            "metadata": {"n": n, rng.choice("ab"): "x"},
            "unit_price": n * 100 + rng.randrange(100),
            "order_date": self._day(n),
            "shipping_date": self._day(n),
            "shipped_at": 1_700_000_000 + n,
            "delivered_at": 1_700_000_000 + n,
            "cancellation_reason": rng.choice(REASONS),
            "tracking_url": f"https://track.example/{n}?a=b&c=%20",
            "payment_terms_days": PAYMENT_TERMS[n % len(PAYMENT_TERMS)],
            "address_postal_code": self._code(n),
            "shipping_address": {"line1": f"Street {n}", "city": "Ærø", "country": rng.choice(COUNTRIES)},
            "line_sku": [f"L{n}-{place}" for place in range(lines)],
            "line_status": [rng.choice(STATUSES) for _ in range(lines)],
            "number": f"N-{n}",
            "sku": f"S-{n}",
        }
        if name in simple:
            return simple[name]
        text = f"{rng.choice(SPICES)}{name[:6]} {n}{rng.choice(SPICES)}"
        return text[-LIMITS.get(name, 100) :]

    def maybe_empty(self, name: str, lines: int = 0) -> Any:
        """A value, or now and then the deliberate clearing of one."""
        if name not in NEVER_EMPTY and self._rng.random() < 0.15:
            return None
        return self.value(name, lines)

    @staticmethod
    def _code(n: int) -> str:
        """Four characters, another for each number below 1.6 million."""
        return "".join(_DIGITS[n // 36**place % 36] for place in (3, 2, 1, 0))

    @staticmethod
    def _day(n: int) -> str:
        return f"{2020 + n // 336 % 20}-{n // 28 % 12 + 1:02d}-{n % 28 + 1:02d}"
