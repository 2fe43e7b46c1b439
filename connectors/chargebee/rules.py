"""Rules of Chargebee that a JSON Schema cannot say well, checked before any call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from connectors.common import jsonio
from connectors.common.datatype import Record
from connectors.common.errors import Rejected

_CODES = jsonio.loads((Path(__file__).parent / "schemas" / "codes.json").read_bytes())
COUNTRIES = frozenset(_CODES["countries"])
CURRENCIES = frozenset(_CODES["currencies"])
_ADDRESSES = ("billing_address", "shipping_address")
_CURRENCY_FIELDS = ("currency_code", "preferred_currency_code")
_TAG = re.compile(r"<[A-Za-z/][^>]*>")
PLAIN_DESCRIPTION_LIMIT = 500


def check_codes(payload: Record) -> None:
    """Countries must be ISO 3166-1 alpha-2 (or XI: Northern Ireland), currencies ISO 4217."""
    for name in _ADDRESSES:
        address = payload.get(name)
        country = address.get("country") if isinstance(address, dict) else None
        if country not in (None, "") and country not in COUNTRIES:
            raise refusal(f"{name}/country", "must be an ISO 3166-1 alpha-2 code in capitals", "iso-3166-1")
    for name in _CURRENCY_FIELDS:
        if payload.get(name) not in (None, "") and payload[name] not in CURRENCIES:
            raise refusal(name, "must be an ISO 4217 code in capitals", "iso-4217")


def check_description(payload: Record) -> None:
    """An item's description may have 500 characters besides its HTML tags."""
    text = payload.get("description")
    if isinstance(text, str) and len(text) > PLAIN_DESCRIPTION_LIMIT:
        length = len(_TAG.sub("", text))
        if length > PLAIN_DESCRIPTION_LIMIT:
            problem = f"has {length} characters besides tags; at most {PLAIN_DESCRIPTION_LIMIT} are allowed"
            raise refusal("description", problem, "maxLength", limit=PLAIN_DESCRIPTION_LIMIT)


def refusal(path: str, problem: str, rule: str, **more: Any) -> Rejected:
    """`Rejected` for the value at `path` (slashes between names), in one sentence."""
    return Rejected(f"/{path} {problem}", field=f"/{path}", rule=rule, **more)
