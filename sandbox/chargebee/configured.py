"""Values that a person has to configure on the site before a call may use them."""

from __future__ import annotations

from sandbox.chargebee.errors import configuration_incompatible, not_found, wrong_value
from sandbox.chargebee.facts import checks, holds, imitates
from sandbox.chargebee.records import Write
from sandbox.common.iso import CURRENCIES


def check_currency(write: Write, fact: str, param: str, code: str | None) -> None:
    """Refuse a currency that ISO 4217 does not know or that the site has not enabled, as `fact` says."""
    if code is None:
        return
    if code not in CURRENCIES:
        raise wrong_value(param, "invalid currency code, should be ISO 4217")
    if holds(fact) and not write.site.takes_currency(code):
        raise wrong_value(param, f"the currency {code} is not configured on this site")


@checks("payment-terms-are-a-site-list")
def check_payment_term(write: Write, days: int | None) -> None:
    """Refuse a number of days that is no payment term of the site; 0 is always one."""
    if days and days not in write.site.payment_terms:
        raise wrong_value("net_term_days", f"{days} days is not a configured payment term")


@checks("periods-are-configured")
def check_frequency(write: Write, period: int, unit: str) -> None:
    """Refuse a billing period that is no billing frequency of the site; the API adds none."""
    if f"{period} {unit}" not in write.site.billing_frequencies:
        raise wrong_value("period", f"{period} {unit} is not a configured billing frequency")


@imitates("no-feature-no-business-entity-parameter")
def chosen_business_entity(write: Write, entity_id: str | None) -> str | None:
    """Return the business entity that a call names; one that the site does not have is refused or ignored."""
    if entity_id is None:
        return None
    has_entities = write.site.multiple_business_entities
    if has_entities and write.tx.get("business_entity", entity_id) is not None:
        return entity_id
    if not holds("no-feature-no-business-entity-parameter"):
        return None
    if has_entities:
        raise not_found("Business entity", entity_id, "business_entity_id")
    raise configuration_incompatible("Multiple Business Entities is not enabled", "business_entity_id")
