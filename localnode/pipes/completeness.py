"""Track completeness: the time up to which everything that a sink depends on has been processed."""

from __future__ import annotations

from collections.abc import Iterable

from localnode.pipes.base import Config
from localnode.store import Store


class Completeness:
    """What the sink of a run may claim, taken from its inputs before the run reads them.

    `value` is µs since the epoch, or None while one input has none; `inherited` maps upstream datasets to
    theirs. `of_input`: it hangs on nothing but what is read from outside.
    """

    def __init__(self, store: Store, pipe: Config, inputs: Iterable[str], external: bool, now: int) -> None:
        excluded = set(pipe.get("exclude_completeness") or ())
        names = set(pipe.get("include_completeness") or inputs) - excluded
        self.of_input = external and not names
        values: list[int | None] = [now] if external or not names else []
        self.inherited: dict[str, int] = {}
        for name in sorted(names):
            dataset = store.find(name)
            info = dataset.info() if dataset else None
            values.append(info.completeness if info else None)
            if info is None or info.completeness is None:
                continue
            for upstream, seen in {**info.inherited, name: info.completeness}.items():
                self.inherited[upstream] = min(seen, self.inherited.get(upstream, seen))
        known = [value for value in values if value is not None]
        self.value = min(known) if len(known) == len(values) else None
