"""How much a program may make of one entity: rules can double a value forty times, and no machine bears that.

Whatever makes texts, lists or dicts draws on one budget for each entity, and so does whatever goes through
all that is in a value: a dict that holds one dict twice, twenty times over, is small until it is copied,
compared or written out. Outside of programs nothing is counted.
"""

from __future__ import annotations

import threading
from typing import NoReturn

from localnode.dtl.api import Refusal

MAX_MADE = 64 * 1024 * 1024
"""Characters that may be made of one entity. Lists, dicts and what is in them count for some each."""

ITEM = 8
CONTAINER = 64
RESULT = 32
"""What an item of a list or dict counts for, a list or dict itself, and a result of a function of each."""

FREE = 128
"""Texts up to this length count for nothing but as items: most are that short."""

_IDLE = float("-inf")


class _Made(threading.local):
    amount: float = _IDLE


_made = _Made()


def begin() -> float:
    """Let a new entity begin; returns what `end` is to be given."""
    before = _made.amount
    _made.amount = 0
    return before


def end(before: float) -> None:
    """Let an entity end, and the one go on within which it began."""
    _made.amount = before


def spend(characters: int) -> None:
    """Count a text that is to be made; `Refusal` if it is too much."""
    if characters > FREE:
        _made.amount = made = _made.amount + characters
        if made > MAX_MADE:
            _refuse()


def spend_items(count: int) -> None:
    """Count a list or dict that is to be made or gone through; `Refusal` if it is too much."""
    _made.amount = made = _made.amount + CONTAINER + ITEM * count
    if made > MAX_MADE:
        _refuse()


def spend_results(count: int) -> None:
    """Count a list of what a function gives for each of `count` values; `Refusal` if it is too much."""
    _made.amount = made = _made.amount + CONTAINER + RESULT * count
    if made > MAX_MADE:
        _refuse()


def _refuse() -> NoReturn:
    raise Refusal(f"more than {MAX_MADE >> 20} MB of texts, lists and dicts from one entity")
