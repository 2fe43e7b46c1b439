"""Readings of open questions other than this node's."""

from __future__ import annotations

from localnode.readings import READINGS


def all_turned() -> dict[str, str]:
    """The other reading of every question."""
    return {name: reading.others[0] for name, reading in READINGS.items()}
