"""Read a boolean that is written as text: in a query parameter, an environment variable, a setting."""

from __future__ import annotations

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


def parse_flag(text: str) -> bool:
    """Return the boolean in `text`, in any case; ValueError ("must be true or false") for anything else."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("must be true or false")
