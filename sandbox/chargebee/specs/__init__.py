"""The documented parameters of every operation and list, as data.

`operations.json` gives each POST its required parameters (`line_items[][description]`: in every row) and the
kinds of all of them: `string 50`, `email 70`, `enum a b`, `boolean`, `integer 0..`, `timestamp`, `json`. A
key ending in `[]` is an array, an object a nested parameter, `@address` the shape all addresses share.
`lists.json` gives each list its filters with operators and values, and the attributes it can be sorted by.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson

from core.jsonio import Json

_FOLDER = Path(__file__).parent


@cache
def _load(name: str) -> Json:
    content: dict[str, Any] = orjson.loads((_FOLDER / name).read_bytes())
    return content


def operation(name: str) -> Json:
    """Return the spec `{required, parameters}` of an operation; KeyError for an unknown one.

    An operation is called such as `POST /customers/{id}`.
    """
    spec: dict[str, Any] = _load("operations.json")["operations"][name]
    return spec


def address_parameters() -> dict[str, str]:
    """Return the parameters that every address has."""
    shape: dict[str, str] = _load("operations.json")["address"]
    return shape


def zip_lengths() -> dict[str, list[int]]:
    """By country: the fewest and the most characters of a postal code."""
    lengths: dict[str, list[int]] = _load("places.json")["zip_lengths"]
    return lengths


def states() -> dict[str, dict[str, str]]:
    """By country: the states by the codes that Chargebee knows them by."""
    names: dict[str, dict[str, str]] = _load("places.json")["states"]
    return names


def listing(name: str) -> Json:
    """Return the spec `{plain, sort_by, filters}` of a list such as `GET /customers`.

    KeyError if there is none.
    """
    spec: dict[str, Any] = _load("lists.json")[name]
    return spec
