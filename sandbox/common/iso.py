"""ISO 3166-1 country codes and ISO 4217 currencies with the number of decimals each of them has."""

from __future__ import annotations

import json
from pathlib import Path

_CODES = json.loads((Path(__file__).parent / "iso.json").read_text(encoding="utf-8"))
_DECIMALS = {
    code: decimals
    for name, decimals in (("no_decimals", 0), ("two_decimals", 2), ("three_decimals", 3))
    for code in _CODES[name]
}
COUNTRIES = frozenset(_CODES["countries"])
CURRENCIES = frozenset(_DECIMALS)


def decimals(currency: str) -> int:
    """Return how many decimals amounts in `currency` have: JPY 0, NOK 2, KWD 3.

    Raises KeyError when unknown.
    """
    return _DECIMALS[currency]
