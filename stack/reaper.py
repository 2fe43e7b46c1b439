"""Ends the process groups it was told of as soon as its parent is gone, however that happened.

It reads `+<group>` and `-<group>` lines from standard input, which ends when the parent does, by kill -9 too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

PATIENCE_S = 8.0


def groups_left(lines: Iterable[str]) -> set[int]:
    """Read all lines; answers the groups that were not taken back."""
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def end_groups(groups: set[int]) -> None:
    """SIGTERM to each group, SIGKILL to those still there after PATIENCE_S."""
    _signal(groups, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    while any(_exists(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(groups, signal.SIGKILL)


def _signal(groups: set[int], number: signal.Signals) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_groups(groups_left(sys.stdin))
