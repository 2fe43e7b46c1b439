"""Rules of Chargebee that a JSON Schema cannot say well, checked before any call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from connectors.common.datatype import Record
from connectors.common.errors import Rejected
from core import jsonio

_CODES = jsonio.loads((Path(__file__).parent / "schemas" / "codes.json").read_bytes())
COUNTRIES = frozenset(_CODES["countries"])
CURRENCIES = frozenset(_CODES["currencies"])
_ADDRESSES = ("billing_address", "shipping_address")
_CURRENCY_FIELDS = ("currency_code", "preferred_currency_code")
_EMAIL = re.compile(
    r"(?:[A-Za-z0-9_'+\-]+\.)*[A-Za-z0-9_'+\-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}"
)
"""What Chargebee takes for an e-mail address: ASCII only, as its official clients check it."""

_TAG = re.compile(r"<[A-Za-z/][^>]*>")
PLAIN_DESCRIPTION_LIMIT = 500


def check_texts(payload: Record) -> None:
    """E-mail addresses, ISO 3166-1 alpha-2 countries (or XI: Northern Ireland) and ISO 4217 currencies."""
    _check_email("email", payload.get("email"))
    for name in _ADDRESSES:
        address = payload.get(name)
        if not isinstance(address, dict):
            continue
        _check_email(f"{name}/email", address.get("email"))
        country = address.get("country")
        if country not in (None, "") and country not in COUNTRIES:
            raise refusal(f"{name}/country", "must be an ISO 3166-1 alpha-2 code in capitals", "iso-3166-1")
    for name in _CURRENCY_FIELDS:
        if payload.get(name) not in (None, "") and payload[name] not in CURRENCIES:
            raise refusal(name, "must be an ISO 4217 code in capitals", "iso-4217")


def _check_email(path: str, value: Any) -> None:
    if value not in (None, "") and not _EMAIL.fullmatch(value):
        raise refusal(path, "is not an e-mail address that Chargebee accepts", "format")


def check_description(payload: Record) -> None:
    """Refuse a longer description: an item's may have 500 characters besides its HTML tags."""
    text = payload.get("description")
    if isinstance(text, str) and len(text) > PLAIN_DESCRIPTION_LIMIT:
        length = len(_TAG.sub("", text))
        if length > PLAIN_DESCRIPTION_LIMIT:
            problem = f"has {length} characters besides tags; at most {PLAIN_DESCRIPTION_LIMIT} are allowed"
            raise refusal("description", problem, "maxLength", limit=PLAIN_DESCRIPTION_LIMIT)


def refusal(path: str, problem: str, rule: str, **more: Any) -> Rejected:
    """`Rejected` for the value at `path` (slashes between names), in one sentence."""
    return Rejected(f"/{path} {problem}", field=f"/{path}", rule=rule, **more)
