"""The time zone in which the dates of orders begin: the setting, else the Chargebee site's own.

No call of Chargebee tells a site's time zone, but each invoice does: `site_details_at_creation.timezone`,
https://apidocs.chargebee.com/docs/api/invoices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

import requests

from core.dotted import get_path

VARIABLE = "chargebee-time-zone"
_TIMEOUT = (5, 30)


def time_zone_of(address: str, api_key: str) -> str | None:
    """Return the IANA name that a site's latest invoice tells; None where there is none, or no answer."""
    params = {"limit": "1", "sort_by[desc]": "date"}
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.auth = (api_key, "")
            answer = session.get(f"{address.rstrip('/')}/invoices", params=params, timeout=_TIMEOUT)
            answer.raise_for_status()
            rows = answer.json()["list"]
    except (requests.RequestException, ValueError, KeyError):
        return None  # that the site cannot be reached, the service says when it starts
    zone = get_path(rows[0], "invoice.site_details_at_creation.timezone") if rows else None
    return zone if zone in available_timezones() else None


def chosen(present: Mapping[str, Any], address: str, api_key: str) -> tuple[str | None, str]:
    """Return the time zone for a node whose variables are `present`, and what to tell about it.

    A node keeps the one that it began with: with another one, all dates would seem to have been edited.
    """
    kept = present.get(VARIABLE)
    if isinstance(kept, str):
        return kept, f"dates are those of {kept}, as in the first run"
    zone = time_zone_of(address, api_key)
    if zone is None:
        return None, "no invoice tells the site's time zone: dates are those of UTC (CHARGEBEE_TIME_ZONE)"
    return zone, f"dates are those of {zone}, the site's own time zone"
