"""Find out whether a run of a pipe would find anything new, so that other runs can be skipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.clock import now_us
from localnode.pipes.sinks.dataset import DatasetSink
from localnode.pipes.sources.embedded import EmbeddedSource
from localnode.store import DatasetInfo

if TYPE_CHECKING:
    from localnode.pipes.pipe import Pipe

SETTLED_US = 600_000_000
"""How long a pipe with nothing new goes without a run that looks at everything."""


@dataclass(frozen=True)
class _GoodEnd:
    """What a pipe had seen when its last run began, and its state when that had ended well.

    `at`: when that was, in µs since the epoch.
    """

    seen: tuple[Any, ...]
    state: tuple[Any, ...]
    at: int


class Settled:
    """Compares what a pipe's last run saw with the present state."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._last: _GoodEnd | None = None
        self._hops = tuple(sorted(pipe.hop_datasets))
        policy = pipe.policy
        # Runs that find nothing new leave traces too: requests, log entries, counts.
        self._always_runs = (
            not pipe.sink.transactional
            or policy.log_events_noop_runs
            or policy.notification_granularity is not None
            or "partial_rescan_run_count" in (pipe.config.get("pump") or {})
        )

    def note(self, seen: tuple[object, ...] | None) -> None:
        """Note the end of a run: what it had seen if it was successful, otherwise None."""
        self._last = None if seen is None else _GoodEnd(seen, self._own_state(), now_us())

    def holds(self) -> bool:
        """Return whether a run would find nothing new, so that it only passes completeness on and compacts.

        Now and then such a pipe runs all the same, so that an error here cannot stop it forever.
        """
        last = self._last
        return (
            last is not None
            and not self._always_runs
            and 0 <= now_us() - last.at < SETTLED_US
            and self.seen() == last.seen
            and self._own_state() == last.state
        )

    def change_token(self) -> object:
        """Return a value that stays the same only if a run would find nothing new.

        Returns None if that cannot be known.
        """
        seen = self.seen()
        return None if seen is None else (seen, self._own_state(), self._completeness())

    def seen(self) -> tuple[object, ...] | None:
        """Return the state in which a run finds changes; None if that cannot be known."""
        pipe = self._pipe
        if pipe.state.retry_count():
            return None
        if not pipe.input_datasets:
            return self._seen_of_embedded()
        infos = self._inputs()
        if pipe.config.get("source", {}).get("completeness") and pipe.offset not in (
            info.max_updated for info in infos[:1] if info
        ):
            return None  # completeness may let it read what is there already
        return tuple((i.generation, i.max_updated, i.populated) if i else None for i in infos)

    def _seen_of_embedded(self) -> tuple[object, ...] | None:
        """Return the same where entities that stand in the config are there, and are not to be replaced."""
        source, sink = self._pipe.source, self._pipe.sink
        if not isinstance(source, EmbeddedSource) or not isinstance(sink, DatasetSink):
            return None
        info = self._infos([sink.dataset])[0]
        if info is None or not sink.keeps_first_versions or info.live != len(source.config["entities"]):
            return None
        hops = ((hop.generation, hop.populated) if hop else None for hop in self._infos(self._hops))
        return info.generation, info.live, *hops

    def _own_state(self) -> tuple[object, ...]:
        """Return the pipe's own state from which a run continues, and the state of its target."""
        pipe = self._pipe
        sink = self._infos([pipe.sink_dataset])[0] if pipe.sink_dataset else None
        return (
            str(pipe.offset),
            pipe.state.get("full") is None,
            (sink.generation, sink.populated, sink.breaker) if sink else None,
        )

    def _completeness(self) -> tuple[int | None, ...]:
        return tuple(info.completeness if info else None for info in self._inputs())

    def _inputs(self) -> list[DatasetInfo | None]:
        return self._infos((*self._pipe.input_datasets, *self._hops))

    def _infos(self, names: Iterable[str]) -> list[DatasetInfo | None]:
        found = map(self._pipe.store.find, names)
        return [dataset.info() if dataset else None for dataset in found]
