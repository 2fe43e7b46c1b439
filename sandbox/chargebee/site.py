"""The configuration of the imitated site: what a person sets under Settings in Chargebee's console.

`GET|PUT /_sandbox/site`. What a `PUT` leaves out takes its default, as with the faults; a reset of the data
leaves the configuration as it is. The default site has what the mapping needs switched on; what Chargebee
does on every site is no setting but a fact (`sandbox.chargebee.facts`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from core.jsonio import Json
from sandbox.chargebee.facts import holds
from sandbox.common import rewriting
from sandbox.common.iso import COUNTRIES, CURRENCIES

SITE_SETTING = "_site"
_FREQUENCY = re.compile(r"[1-9]\d{0,2} (day|week|month|year)")
_MOST_DAYS = 180
_SANITISED = {f"{kind}/description": ("html",) for kind in ("item", "item_price")}
_SANITISED_TOO = {
    **{f"{kind}/name": ("html",) for kind in ("item", "item_price", "item_family")},
    "order/note": ("html",),
    "order/order_line_items/description": ("html",),
    "customer/first_name": ("html",),
}
"""Texts that a site might make safe as well; by what is documented it does not."""


class SiteError(ValueError):
    """A setting is unknown or breaks its rule; the message names it."""


@dataclass(frozen=True)
class SiteConfiguration:
    """One site's settings.

    `currencies`: what can be charged in besides `base_currency`. `payment_terms`: the days that
    `net_term_days` may be; empty: the feature is off. `billing_frequencies` such as `1 month`. `orders`:
    none (`off`), or made of invoices once these are `paid`, or at once (`any`). `legacy_orders`: the order
    management of before 2018-09-30. `location`: the country that IP and card tell of while
    `location_validation` is on. `is_live`: limits as on a live site. `customer_deletion_s`: how long until a
    deleted customer is gone, a sixtieth of the real time. `mails`: of what the site tells customers by
    e-mail. `accounting_integration`: imported invoices go to the books, too. `rewriting`: what else
    is stored otherwise than it was sent, see `sandbox.common.rewriting`. `product_catalog`: `v1` has neither
    items nor their prices. `consent_fields`: what customers consent to, shown as `cs_…`. `vat_validation`:
    VAT numbers are looked up some time after they were stored.
    """

    domain: str = "sandbox-test"
    product_catalog: str = "v2"
    consent_fields: tuple[str, ...] = ()
    vat_validation: bool = False
    base_currency: str = "EUR"
    currencies: tuple[str, ...] = (
        "NOK", "SEK", "DKK", "USD", "GBP", "CHF", "JPY", "ISK", "VND", "KWD", "BHD",
        "PLN", "CAD", "AUD", "INR", "AED",
    )  # fmt: skip
    payment_terms: tuple[int, ...] = (0, 7, 10, 14, 15, 30, 45, 60, 90)
    billing_frequencies: tuple[str, ...] = ("1 month", "3 month", "6 month", "1 year", "2 year")
    product_families: bool = True
    multi_decimal_pricing: bool = False
    multiple_business_entities: bool = True
    orders: str = "paid"
    legacy_orders: bool = False
    australian_gst: bool = False
    location_validation: bool = False
    location: str = "NO"
    time_zone: str = "UTC"
    is_live: bool = False
    customer_deletion_s: int = 1
    mails: tuple[str, ...] = ("invoice", "order")
    accounting_integration: bool = False
    rewriting: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> SiteConfiguration:
        """Return settings from a JSON object; `SiteError` for what is unknown or no value of its setting."""
        defaults = asdict(cls())
        given: dict[str, Any] = {}
        for name, value in values.items():
            if name not in defaults:
                raise SiteError(f"unknown site setting {name!r}; known are {', '.join(sorted(defaults))}")
            given[name] = tuple(value) if isinstance(value, list) else value
            if type(given[name]) is not type(defaults[name]) or not _RULES.get(name, _anything)(given[name]):
                raise SiteError(f"{name} must be like {defaults[name]!r}")
        return cls(**given)

    def as_json(self) -> Json:
        """Return the settings as `GET /_sandbox/site` shows them."""
        return asdict(self)

    def rewrite(self, kind: str, record: dict[str, object]) -> None:
        """Change the values of a record as the site stores them."""
        if holds("descriptions-are-sanitised"):
            rewriting.rewrite(kind, record, _SANITISED)
        if not holds("other-texts-are-not-sanitised"):
            rewriting.rewrite(kind, record, _SANITISED_TOO)
        rewriting.rewrite(kind, record, self.rewriting)

    def takes_currency(self, code: str) -> bool:
        """Return whether the site can charge in a currency."""
        return code == self.base_currency or code in self.currencies


def _anything(value: object) -> bool:
    del value
    return True


_RULES: dict[str, Callable[[Any], bool]] = {
    "base_currency": lambda code: code in CURRENCIES,
    "currencies": lambda codes: CURRENCIES.issuperset(codes),
    "payment_terms": lambda terms: all(type(days) is int and 0 <= days <= _MOST_DAYS for days in terms),
    "billing_frequencies": lambda texts: all(
        isinstance(text, str) and _FREQUENCY.fullmatch(text) for text in texts
    ),
    "product_catalog": lambda word: word in ("v1", "v2"),
    "orders": lambda word: word in ("off", "paid", "any"),
    "location": lambda code: code in COUNTRIES,
    "customer_deletion_s": lambda seconds: seconds >= 0,
    "rewriting": rewriting.is_known,
    "mails": lambda words: all(word in ("invoice", "order", "customer") for word in words),
}
