"""Wildcard patterns: `*` any run of characters, `?` one character; a pattern has to match the whole name."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

Matcher = Callable[[str], bool]


@lru_cache(maxsize=1024)
def wildcard(pattern: str) -> Matcher:
    """Return a function that tells whether a string matches `pattern`.

    It takes time linear in the string for each `*`.

    Every piece between two `*` is taken at its first possible place (an atomic group): for wildcards that is
    enough, and nothing is ever tried twice.
    """
    if "*" not in pattern and "?" not in pattern:
        return pattern.__eq__
    if pattern.strip("*") == "":
        return _anything
    pieces = ["".join("." if c == "?" else re.escape(c) for c in piece) for piece in pattern.split("*")]
    if len(pieces) == 1:
        return _matcher(pieces[0])
    middle = "".join(f"(?>.*?{piece})" for piece in pieces[1:-1] if piece)
    return _matcher(f"{pieces[0]}{middle}.*{pieces[-1]}")


def _anything(_name: str) -> bool:
    return True


def _matcher(expression: str) -> Matcher:
    search = re.compile(expression, re.DOTALL).fullmatch
    return lambda name: search(name) is not None
