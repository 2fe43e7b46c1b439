"""The demo data of a seed, stored through the same functions that API calls use."""

from __future__ import annotations

from sandbox.common.state import Transaction


def load_demo(tx: Transaction, seed: int) -> None:
    """Fill an empty site."""
