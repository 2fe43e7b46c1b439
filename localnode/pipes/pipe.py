"""A configured pipe, as the node sees it: run its pump, push to it, read from it, look after its state."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.clock import now_us
from core.jsonio import Json
from localnode.pipes import sinks, sources, transforms, unavailable
from localnode.pipes.base import Config, Engine, Entity
from localnode.pipes.batches import DEAD
from localnode.pipes.errors import Refused
from localnode.pipes.parts import Parts, assemble
from localnode.pipes.publisher import Publisher
from localnode.pipes.pump import SUCCESS, PumpRun, RunResult
from localnode.pipes.receiver import Receiver
from localnode.pipes.sinks.endpoints import XmlEndpointSink
from localnode.pipes.sources.dataset import DatasetSource
from localnode.pipes.sources.http_endpoint import HttpEndpointSource
from localnode.pipes.sources.offsets import check_offset
from localnode.store import DatasetInfo

COMPONENTS = (sources, transforms, sinks, unavailable)
SINK_STAGE = "sink"
SETTLED_US = 600_000_000
"""How long a pipe with nothing new goes without a run that looks at everything."""


@dataclass(frozen=True)
class Settled:
    """What a pipe had seen when its last run began, and its state when that had ended well.

    `at`: when that was, in µs since the epoch.
    """

    seen: tuple[Any, ...]
    state: tuple[Any, ...]
    at: int


class Pipe:
    """Built from an effective config; ConfigProblem when that cannot be carried out. Thread-safe.

    State lives in the store under the pipe's id, so a pipe built again carries on where the last one stopped.
    """

    def __init__(self, config: Config, engine: Engine) -> None:
        self.config = config
        self._parts: Parts = assemble(config, engine)
        self._running = threading.Lock()
        self._run: PumpRun | None = None
        self._settled: Settled | None = None
        self._receiving = threading.Lock()
        self._receiver = Receiver(self._parts) if self.is_receiver else None
        self._publisher = Publisher(self._parts)

    # -- what it is ----------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Its `_id`."""
        return self._parts.id

    @property
    def has_pump(self) -> bool:
        """False for receivers and endpoints."""
        return self._parts.source.has_pump and self._parts.sink.has_pump

    @property
    def is_receiver(self) -> bool:
        """Whether entities are pushed to it."""
        return isinstance(self._parts.source, HttpEndpointSource)

    @property
    def sink_dataset(self) -> str | None:
        """The dataset it writes, None for other sinks."""
        return self._parts.sink.dataset

    @property
    def input_datasets(self) -> list[str]:
        """The datasets its source reads."""
        return self._parts.source.input_datasets()

    @property
    def hop_datasets(self) -> set[str]:
        """The datasets its transforms hop to or look up; they must be populated before it runs."""
        return self._parts.chain.datasets

    @property
    def tracked_datasets(self) -> list[str]:
        """The hopped datasets whose changes it follows by itself."""
        return self._parts.tracker().datasets

    @property
    def log_dataset(self) -> str:
        """The dataset of its execution log; it exists once something was logged."""
        return self._parts.log.dataset

    # -- life ----------------------------------------------------------------------------------------------

    def on_load(self) -> None:
        """To be called once when the pipe has been configured.

        Populated flags, indexes, stale dependency records.
        """
        self._parts.sink.on_load(self._parts.source)
        if self._parts.tracks:
            self._parts.tracker().drop_stale_records()

    def drop(self) -> None:
        """Forget the state of a pipe that has been removed from the config (its dataset stays)."""
        self._parts.state.drop()

    # -- pump ----------------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self._running.locked()

    def run(self, full: bool = False, stop: threading.Event | None = None) -> RunResult:
        """One run of the pump; `full` = rescan. `stop` ends it after the batch at hand.

        Failures are in the result. Refused when the pipe has no pump, or runs already.
        """
        if not self.has_pump:
            raise Refused(f"pipe {self.id!r} has no pump")
        if not self._running.acquire(blocking=False):
            raise Refused(f"the pump of pipe {self.id!r} is already running")
        try:
            if not full and (nothing_new := self._pass_on()):
                return nothing_new
            seen = self._seen()
            run = self._run = PumpRun(self._parts, full, stop)
            result = run.execute()
            self._settled = None
            if seen is not None and result.status == SUCCESS:
                self._settled = Settled(seen, self._own_state(), now_us())
            return result
        finally:
            self._run = None
            self._running.release()

    def progress(self) -> dict[str, object] | None:
        """Return how far the run under way has come, None while there is none.

        `{"started": Unix s, "read": source entities, "left": how many are still to come or None}`.
        """
        run = self._run
        if run is None:
            return None
        started, read = run.so_far
        return {"started": started, "read": read, "left": self.queues()["source"] if read else None}

    def change_token(self) -> object:
        """Return a value that is the same again only if a run would find nothing new.

        None when that cannot be known.
        """
        seen = self._seen()
        return None if seen is None else (seen, self._own_state(), self._completeness())

    def is_settled(self) -> bool:
        """Return whether a run would find nothing new, so that it hands completeness on and compacts at most.

        Every now and then such a pipe runs all the same, so that nothing hangs on this for good.
        """
        settled = self._settled
        return (
            settled is not None
            and not self._always_runs
            and 0 <= now_us() - settled.at < SETTLED_US
            and self._seen() == settled.seen
            and self._own_state() == settled.state
        )

    def _pass_on(self) -> RunResult | None:
        """Hand completeness on, if there is nothing else to do."""
        if not self.is_settled():
            return None
        run = PumpRun(self._parts)
        run.take_completeness()
        # What came in before completeness was looked at is still to be read.
        return run.pass_on() if self.is_settled() else None

    @cached_property
    def _always_runs(self) -> bool:
        """Whether runs that find nothing new leave traces too: requests, log entries, counts."""
        policy = self._parts.policy
        return (
            not self._parts.sink.transactional
            or policy.log_events_noop_runs
            or policy.notification_granularity is not None
            or "partial_rescan_run_count" in (self.config.get("pump") or {})
        )

    def _seen(self) -> tuple[object, ...] | None:
        """Return what a run finds something new by; None if that cannot be known."""
        if not self.input_datasets or self._parts.state.retry_count():
            return None
        infos = self._infos((*self.input_datasets, *self._hops))
        if self.config.get("source", {}).get("completeness") and self.offset not in (
            info.max_updated for info in infos[:1] if info
        ):
            return None  # completeness may let it read what is there already
        return tuple((i.generation, i.max_updated, i.populated) if i else None for i in infos)

    def _own_state(self) -> tuple[object, ...]:
        """Return what a run goes on from, and what it writes to."""
        sink = self._infos([self.sink_dataset])[0] if self.sink_dataset else None
        state = self._parts.state
        return (
            str(state.get("offset")),
            state.get("full") is None,
            (sink.generation, sink.populated, sink.breaker) if sink else None,
        )

    def _completeness(self) -> tuple[int | None, ...]:
        infos = self._infos((*self.input_datasets, *self._hops))
        return tuple(info.completeness if info else None for info in infos)

    def _infos(self, names: Iterable[str]) -> list[DatasetInfo | None]:
        found = map(self._parts.store.find, names)
        return [dataset.info() if dataset else None for dataset in found]

    @cached_property
    def _hops(self) -> tuple[str, ...]:
        return tuple(sorted(self.hop_datasets))

    @property
    def offset(self) -> Any:
        """The since-token it continues from (`last-seen`); None = from the start."""
        return self._parts.state.get("offset")

    def set_offset(self, offset: Any) -> None:
        """Continue from another token; None or "" resets the pipe.

        Refused while it runs, BadToken for what is none of its source's.
        """
        if offset not in (None, ""):
            self._parts.source.check_token(offset)
        with self._standing_still():
            if offset in (None, ""):
                self._parts.reset()
            else:
                self._parts.state.put("offset", offset)
                self._parts.state.put("full", None)
            self._parts.log.write(
                "pump-offset-set", "pump-offset-set", pipe_offset=offset, is_reset=offset in (None, "")
            )

    def reset(self) -> None:
        """Start over with the next run, which is a full one. Refused while it runs."""
        self.set_offset(None)

    def skip_to_end(self) -> None:
        """Continue after what a dataset source holds now. Refused for other sources and while it runs."""
        dataset = self._source_dataset()
        if dataset is None:
            raise Refused(f"pipe {self.id!r} has no dataset source")
        self.set_offset(dataset.max_updated)

    def reset_tracking(self) -> None:
        """Take every change of the hopped datasets so far as followed up. Refused while it runs."""
        with self._standing_still():
            self._parts.tracker().store_positions()

    def reset_rescan(self) -> None:
        """Let the next rescan start from the beginning, even if the last one was interrupted.

        Refused while it runs.
        """
        with self._standing_still(), self._parts.store.transaction():
            if self._parts.state.get("full") is not None:
                self._parts.state.put("full", None)
                self._parts.state.put("offset", None)
            self._parts.log.write("pump-reset-rescan", "pump-reset-rescan")

    def discard_inferred_schema(self) -> None:
        """Note it in the log; the schema is inferred from the entities whenever it is asked for.

        Refused while it runs.
        """
        with self._standing_still():
            name = "pump-discard-inferred-schema"
            self._parts.log.write(name, name)

    def discard_retries(self) -> int:
        """Empty the retry queue; returns how many entities were in it."""
        with self._parts.store.transaction():
            count = self._parts.state.retry_count()
            self._parts.state.drop_retries()
            self._parts.log.write("pump-discard-retries", "pump-discard-retries", entities=count)
        return count

    def retry_dead_letters(self, entity_id: str | None = None) -> int:
        """Put dead letters (or one) on the retry queue, as the source has them now where it can say.

        Answers how many. Refused while it runs.
        """
        name = self._parts.policy.dead_letter_dataset
        dataset = self._parts.store.find(name) if name else None
        if dataset is None:
            return 0
        with self._standing_still(), self._parts.store.transaction():
            found = dataset.read(deleted=False, history=False)
            dead_letters = [dead_letter for dead_letter in found if entity_id in (None, dead_letter["_id"])]
            newest = self._parts.source.latest([dead_letter["_id"] for dead_letter in dead_letters])
            for dead_letter in dead_letters:
                plain = {key: value for key, value in dead_letter.items() if key not in (DEAD, "_updated")}
                entity = newest.get(dead_letter["_id"], plain)
                self._parts.state.put_retry(entity, 0, dead_letter[DEAD]["error"])
            dataset.write([{**dead_letter, "_deleted": True} for dead_letter in dead_letters])
        return len(dead_letters)

    def queues(self) -> Json:
        """Return what is still to be done.

        `{"source": entities to read or None, "dependencies": {dataset: changes to follow}, "retries": n}`.
        """
        dataset = self._source_dataset()
        return {
            "source": dataset.count_since(self.offset) if dataset else None,
            "dependencies": self._parts.tracker().pending(),
            "retries": self._parts.state.retry_count(),
        }

    @property
    def out_of_sync(self) -> str | None:
        """Why the pipe should be reset (`reprocessing_policy` "continue"), None when there is no reason."""
        reason: str | None = self._parts.state.get("out_of_sync")
        return reason

    def _source_dataset(self) -> Any:
        if not isinstance(self._parts.source, DatasetSource):
            return None
        return self._parts.store.find(self.input_datasets[0])

    def _standing_still(self) -> _Claim:
        return _Claim(self._running, f"the pump of pipe {self.id!r} is running")

    # -- receiver ------------------------------------------------------------------------------------------

    def receive(
        self,
        body: bytes,
        params: Mapping[str, str] | None = None,
        completeness: int | None = None,
        url: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, object]:
        """Take in a JSON push; see `receiver.Receiver.receive`. Refused when the pipe is no receiver."""
        if self._receiver is None:
            raise Refused(f"pipe {self.id!r} is no receiver: its source is not http_endpoint")
        with self._receiving:
            return self._receiver.receive(body, params or {}, completeness, url, headers)

    # -- reading -------------------------------------------------------------------------------------------

    def preview(
        self, stage: str = SINK_STAGE, since: Any = None, limit: int | None = None
    ) -> Iterator[Entity]:
        """Yield entities at a stage, without side effects or traces.

        It is `source`, `before-transforms`, `after-transforms` or `sink`.

        `sink` is the sink dataset, or what would be sent where there is none.
        """
        if stage != SINK_STAGE:
            return self._publisher.stage(stage, since, limit)
        if self.sink_dataset is None:
            return self._publisher.stage("after-transforms", since, limit)
        check_offset(since, self.sink_dataset)
        dataset = self._parts.store.find(self.sink_dataset)
        return dataset.read(since, limit) if dataset else iter(())

    def publish(
        self, since: object = None, limit: int | None = None, params: Mapping[str, object] | None = None
    ) -> Iterator[Entity]:
        """Return what an `http_endpoint` sink answers."""
        return self._publisher.entities(since, limit, params)

    def publish_csv(self, params: Mapping[str, object] | None = None) -> Iterator[bytes]:
        """Return what a `csv_endpoint` sink answers. Refused for other sinks."""
        if self._parts.sink.config.get("type") != "csv_endpoint":
            raise Refused(f"pipe {self.id!r} has no csv_endpoint sink")
        return self._publisher.csv(params)

    def publish_xml(
        self, since: object = None, limit: int | None = None, params: Mapping[str, object] | None = None
    ) -> Iterator[bytes]:
        """Return what an `xml_endpoint` sink answers. Refused for other sinks."""
        sink = self._parts.sink
        if not isinstance(sink, XmlEndpointSink):
            raise Refused(f"pipe {self.id!r} has no xml_endpoint sink")
        return self._publisher.xml(since, limit, params, sink.writer)

    @property
    def is_filtered(self) -> bool:
        """Whether transforms stand between source and reader (`X-Dataset-Filtered`)."""
        return self._publisher.filters


class _Claim:
    """Holds a pump's lock for the time of a change to its state."""

    def __init__(self, lock: threading.Lock, message: str) -> None:
        self._lock = lock
        self._message = message

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise Refused(self._message)

    def __exit__(self, *_: object) -> None:
        self._lock.release()
