"""The facts about Chargebee that this sandbox imitates, and the switch that turns one of them round.

`facts.json` holds each fact once. The code says where it keeps to one:

    @imitates("deleted-item-frees-its-id")   a function that does as the fact says
    @checks("zip-length-by-country")         a check that is left out while the fact is turned round
    if holds("billing-info-is-assignment"):  what the fact says; the other branch is what would be otherwise

A fact is turned round to see whether a client stands under the other answer and whether the check of a real
site notices. What a site can configure is no fact; a fact that depends on it names it in `site_setting`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import orjson

FILE = Path(__file__).with_name("facts.json")
SETTING = "turned_facts"
"""Where the state keeps the ids of facts that are turned round."""

Fact = dict[str, Any]
P = ParamSpec("P")
R = TypeVar("R")
_turned_round: ContextVar[frozenset[str]] = ContextVar("facts that are turned round", default=frozenset())


class UnknownFact(LookupError):
    """An id that `facts.json` does not have."""


@cache
def all_facts() -> dict[str, Fact]:
    """Return every fact by its id."""
    return {fact["id"]: fact for fact in orjson.loads(FILE.read_bytes())["facts"]}


def _known(ids: Iterable[str]) -> None:
    for fact_id in ids:
        if fact_id not in all_facts():
            raise UnknownFact(f"{FILE.name} has no fact {fact_id!r}")


def holds(fact_id: str) -> bool:
    """Return whether the site is as the fact says; False while it is turned round.

    `UnknownFact` for a wrong id.
    """
    _known([fact_id])
    return fact_id not in _turned_round.get()


def turn_round(ids: Iterable[str]) -> None:
    """Turn these facts round, and no others, for what follows in this request."""
    ids = frozenset(ids)
    _known(ids)
    _turned_round.set(ids)


def imitates(*ids: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say which facts a function keeps to."""
    _known(ids)
    return lambda function: function


def checks(fact_id: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Say which fact a check enforces; while that is turned round, nothing is checked."""
    _known([fact_id])

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> None:
            if holds(fact_id):
                function(*args, **kwargs)

        return checked

    return decorate
