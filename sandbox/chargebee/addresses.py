"""Addresses: which Chargebee takes, and what it makes of them.

Lengths of postal codes and names of states are those of Google's address data
(https://chromium-i18n.appspot.com/ssl-address), as the documentation of `billing_address.zip` says.
"""

from __future__ import annotations

from sandbox.chargebee import specs
from sandbox.chargebee.errors import invalid_request, wrong_value
from sandbox.chargebee.facts import checks, holds, imitates
from sandbox.chargebee.records import Write
from sandbox.common.iso import COUNTRIES
from sandbox.common.state import Record

NORTHERN_IRELAND = "XI"


def check_address(write: Write, prefix: str, address: Record | None) -> None:
    """Refuse an address that breaks a rule; `prefix` is the parameter's name."""
    if not address:
        return
    _check_country(prefix, address.get("country"))
    _check_zip(prefix, address.get("country"), address.get("zip"))
    _check_state_code(prefix, address.get("country"), address.get("state_code"))
    _check_location(write, address.get("country"))


@checks("country-is-alpha-2")
def _check_country(prefix: str, country: str | None) -> None:
    if country is not None and country not in COUNTRIES | {NORTHERN_IRELAND}:
        raise wrong_value(f"{prefix}[country]", "invalid country code, should be ISO 3166-1 alpha-2")


@checks("zip-length-by-country")
def _check_zip(prefix: str, country: str | None, code: str | None) -> None:
    shortest, longest = specs.zip_lengths().get(country or "", (0, 20))
    if code is not None and not shortest <= len(code) <= longest:
        raise wrong_value(
            f"{prefix}[zip]", f"should have {shortest} to {longest} characters in {country}, has {len(code)}"
        )


@checks("state-codes-are-known")
def _check_state_code(prefix: str, country: str | None, code: str | None) -> None:
    known = specs.states().get(country or "")
    if known and code is not None and code not in known:
        raise wrong_value(f"{prefix}[state_code]", f"is no state of {country}")


@checks("location-validation-refuses")
def _check_location(write: Write, country: str | None) -> None:
    site = write.site
    if site.location_validation and country is not None and country != site.location:
        raise invalid_request("The country fits neither the IP address nor the card")


@imitates("state-follows-state-code")
def address(parts: Record | None, kind: str) -> Record | None:
    """Return a stored address: without cleared parts, with its `object`; None when nothing is left.

    The state code decides the state where the country has codes.
    """
    kept = {name: value for name, value in (parts or {}).items() if value is not None}
    if not kept.keys() - {"object", "validation_status"}:
        return None
    name = specs.states().get(kept.get("country", ""), {}).get(kept.get("state_code", ""))
    if name is not None and holds("state-follows-state-code"):
        kept["state"] = name
    return {**kept, "validation_status": kept.get("validation_status", "not_validated"), "object": kind}
