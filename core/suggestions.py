"""Suggest what somebody may have meant by an unknown name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that is most similar to `name`, in any case, by at least `cutoff` (0 to 1)."""
    names = {each.casefold(): each for each in sorted(known, reverse=True)}
    close = get_close_matches(name.casefold(), sorted(names), n=1, cutoff=cutoff)
    return names[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return `; did you mean "x"?` to append to a message about `name`, or nothing."""
    found = nearest(name, known, cutoff)
    return f'; did you mean "{found}"?' if found is not None else ""


def advice(name: str, known: Iterable[str]) -> str:
    """Return a sentence that says what to write instead: the nearest name, or else all names."""
    names = list(known)
    found = nearest(name, names)
    if found is not None:
        return f'did you mean "{found}"?'
    return f"there are {', '.join(names)}" if names else "there are none"
