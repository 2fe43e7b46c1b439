"""Addresses to write: whole, and with the state code that fits country and state.

Where a country has state codes, the code decides the state (documented for US, CA and IN; AE is named beside
them, https://apidocs.chargebee.com/docs/api/customers). So a code that stayed behind would undo a move to
another state, or give a country without codes a state of the former one.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

from connectors.chargebee.datatype import overlay
from connectors.common.datatype import Record
from core import jsonio

_STATES: dict[str, dict[str, str]] = jsonio.loads(
    (Path(__file__).parent / "schemas" / "states.json").read_bytes()
)


def _plain(text: str) -> str:
    """Return `text` without case, marks and outer blanks: `Québec` is `quebec`."""
    letters = unicodedata.normalize("NFD", text.strip())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


_CODES = {
    country: {_plain(spelling): code for code, name in names.items() for spelling in (code, name)}
    for country, names in _STATES.items()
}


def address_to_write(present: object, merged: object) -> Record | None:
    """Return the parameters of an address: `merged`, what it dropped cleared, and its state code.

    The state code is left alone while country and state are, and where somebody has just set it.
    """
    want = merged if isinstance(merged, dict) else {}
    have = present if isinstance(present, dict) else {}
    moved = any((want.get(name) or None) != (have.get(name) or None) for name in ("country", "state"))
    is_told = (want.get("state_code") or None) != (have.get("state_code") or None)
    if moved and not is_told:
        code = state_code(want.get("country"), want.get("state"))
        want = {name: value for name, value in want.items() if name != "state_code"}
        want = {**want, "state_code": code} if code else want
    return overlay(present, want or None)


def state_code(country: Any, state: object) -> str | None:
    """`CA` for `California` in `US`; None where the country has no codes or no such state."""
    known = _CODES.get(country or "", {})
    return known.get(_plain(state)) if isinstance(state, str) else None
