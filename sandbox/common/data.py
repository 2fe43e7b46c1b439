"""Loading a data set into a state in one transaction, so that a kill leaves the old set or the new one."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.common.state import State, Transaction

DATA_SETS = ("demo", "empty")
LoadData = Callable[[Transaction, int], None]
"""Puts the demo data of a seed into an empty state."""


def load(state: State, load_demo: LoadData, data: str, seed: int) -> None:
    """Replace all records by the `demo` data of `seed`, or by none for `empty`."""
    with state.write() as tx:
        tx.clear()
        if data == "demo":
            load_demo(tx, seed)
        tx.set_setting("loaded", {"data": data, "seed": seed})
