"""What the answers tell of the site itself, besides the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.chargebee.check.conditions import MISSING, NotMade, Outcome, find

_LEGACY_STATUSES = {"new", "processing", "complete", "voided"}
LOOKED_AT = (
    "configurations",
    "currencies",
    "families",
    "prices",
    "orders",
    "invoices",
    "terms",
    "oldest-event",
)
"""The calls whose answers are read here."""

Outcomes = Mapping[str, Outcome]


def currencies(outcomes: Outcomes) -> tuple[str | None, set[str]]:
    """Return the base currency and all that are enabled.

    Guessed from a price where the site does not list them.
    """
    rows = [
        row for row in _got(outcomes, "currencies.body.list.*.currency") or [] if row.get("enabled", True)
    ]
    if rows:
        enabled = {str(row["currency_code"]) for row in rows}
        base = next((str(row["currency_code"]) for row in rows if row.get("is_base_currency")), min(enabled))
        return base, enabled
    code = _got(outcomes, "prices.body.list.0.item_price.currency_code")
    return (str(code), {str(code)}) if code else (None, set())


def domain(outcomes: Outcomes) -> str | None:
    """Return the site's name as it says itself."""
    found = _got(outcomes, "configurations.body.configurations.0.domain")
    return str(found) if found else None


def described(outcomes: Outcomes) -> Iterator[tuple[str, str]]:
    """Yield what was learned, as `(name, text)`; what was not asked is left out."""
    version = _got(outcomes, "configurations.body.configurations.0.product_catalog_version")
    yield "product catalog", str(version or "not said")
    base, enabled = currencies(outcomes)
    others = ", ".join(sorted(enabled - {base}))
    yield "currencies", f"{base} (base)" + (f", {others}" if others else "") if base else "not known"
    for name, call, kind in (("families", "families", "item_family"), ("prices", "prices", "item_price")):
        if call in outcomes and outcomes[call].is_taken:
            yield name, "there are some" if _got(outcomes, f"{call}.body.list.0.{kind}.id") else "none"
    yield from _terms(outcomes)
    yield from _orders(outcomes)
    zone = _got(outcomes, "invoices.body.list.0.invoice.site_details_at_creation.timezone")
    if zone:
        yield "time zone", str(zone)
    since = _got(outcomes, "oldest-event.body.list.0.event.occurred_at")
    if isinstance(since, int):
        yield "events", f"go back to {datetime.fromtimestamp(since, UTC):%Y-%m-%d}"
    headers = sorted(
        {name for outcome in outcomes.values() for name in outcome.headers if _tells_limits(name)}
    )
    yield "headers about limits", ", ".join(headers) or "none"


def _terms(outcomes: Outcomes) -> Iterator[tuple[str, str]]:
    customers = _got(outcomes, "terms.body.list.*.customer") or []
    days = sorted({one["net_term_days"] for one in customers if isinstance(one.get("net_term_days"), int)})
    if days:
        yield "payment terms", f"in use among {len(customers)} customers: {', '.join(map(str, days))} days"
    entities = {one["business_entity_id"] for one in customers if "business_entity_id" in one}
    if customers:
        yield "business entities", f"{len(entities)} in use" if entities else "records name none"


def _orders(outcomes: Outcomes) -> Iterator[tuple[str, str]]:
    if "orders" not in outcomes:
        return
    if not outcomes["orders"].is_taken:
        yield "orders", f"not available: {outcomes['orders'].told()}"
        return
    status = _got(outcomes, "orders.body.list.0.order.status")
    legacy = f"; legacy statuses ({status})" if status in _LEGACY_STATUSES else ""
    yield "orders", ("there are some" if status else "available, none yet") + legacy


def _tells_limits(header: str) -> bool:
    return "ratelimit" in header.replace("-", "") or header == "retry-after"


def _got(outcomes: Outcomes, path: str) -> Any:
    """Return what stands at a path, None if nothing does."""
    try:
        value = find(outcomes, path)
    except (KeyError, NotMade):
        return None
    return None if value is MISSING else value
