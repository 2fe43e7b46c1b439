"""A configured pipe, as the node uses it: run its pump, push to it, read from it, manage its state."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from core.jsonio import Json
from localnode.pipes import sinks, sources, transforms, unavailable
from localnode.pipes.base import DEFAULT_BATCH, Config, Engine, Entity
from localnode.pipes.batches import DEAD
from localnode.pipes.build import build
from localnode.pipes.compaction import READING
from localnode.pipes.context import RunContext
from localnode.pipes.errors import Refused
from localnode.pipes.execution_log import ExecutionLog
from localnode.pipes.publisher import Publisher
from localnode.pipes.receiver import Receiver
from localnode.pipes.run import SUCCESS, Run, RunResult
from localnode.pipes.settled import Settled
from localnode.pipes.sinks.endpoints import EndpointSink
from localnode.pipes.sources.dataset import DatasetSource
from localnode.pipes.sources.http_endpoint import HttpEndpointSource
from localnode.pipes.sources.offsets import check_offset
from localnode.pipes.tracking import PREFIX as TRACKING
from localnode.pipes.tracking import Tracker
from localnode.store import Store
from localnode.store.members import MergeMembers

COMPONENTS = (sources, transforms, sinks, unavailable)
SINK_STAGE = "sink"


class Pipe:
    """Built from an effective config; ConfigProblem if that is impossible. Thread-safe.

    State is stored under the pipe's id, so a rebuilt pipe continues where the last one stopped.
    """

    def __init__(self, config: Config, engine: Engine) -> None:
        self.config = config
        self.engine = engine
        self.id = str(config["_id"])
        built = build(config, engine)
        self.source, self.chain, self.sink = built.source, built.chain, built.sink
        self.policy = built.policy
        self.written_systems = built.written_systems
        self.content_hash = built.content_hash
        self.batch_size = int(config.get("batch_size", DEFAULT_BATCH))
        self.state = engine.store.pipe_state(self.id)
        self.log = ExecutionLog(engine.store, self.id)
        self._run: Run | None = None
        self._settled = Settled(self)
        self._receiving = threading.Lock()
        self._receiver = Receiver(self) if self.is_receiver else None
        self._publisher = Publisher(self)

    # -- what it is ----------------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The node's store."""
        return self.engine.store

    @property
    def has_pump(self) -> bool:
        """False for receivers and endpoints."""
        return self.source.has_pump and self.sink.has_pump

    @property
    def is_receiver(self) -> bool:
        """Return whether entities are pushed to it."""
        return isinstance(self.source, HttpEndpointSource)

    @property
    def sink_dataset(self) -> str | None:
        """The dataset it writes, None for other sinks."""
        return self.sink.dataset

    @property
    def input_datasets(self) -> list[str]:
        """The datasets its source reads."""
        return self.source.input_datasets()

    @property
    def hop_datasets(self) -> set[str]:
        """The datasets its transforms hop to or look up; they must be populated before it runs."""
        return self.chain.datasets

    @property
    def tracks(self) -> bool:
        """Return whether dependency tracking applies: a dataset source, and a hop that tracks."""
        return isinstance(self.source, DatasetSource) and any(join.track for join in self.chain.hop_joins)

    def tracker(self) -> Tracker:
        """Return the present dependency tracking."""
        return Tracker(self.store, self.state, self.chain.hop_joins if self.tracks else [])

    def context(self, tracking: bool = False, params: Mapping[str, object] | None = None) -> RunContext:
        """Return the transforms' access to the node."""
        dataset = self._source_dataset()
        return RunContext(self.engine, dataset, params, tracking)

    # -- life ----------------------------------------------------------------------------------------------

    def on_load(self) -> None:
        """Prepare populated flags and indexes, and drop stale dependency records.

        To be called once the pipe has been configured.
        """
        self.sink.on_load(self.source)
        if self.tracks:
            self.tracker().drop_stale_records()

    def drop(self) -> None:
        """Delete the state of a pipe that was removed from the config (its dataset stays)."""
        self.state.drop()

    # -- pump: one run at a time, no change of its state meanwhile; `localnode.scheduler.Pump` sees to that --

    def run(self, full: bool = False, stop: threading.Event | None = None) -> RunResult:
        """Run the pump once; `full` means a rescan. `stop` ends it after the current batch.

        Failures are in the result. Refused if the pipe has no pump.
        """
        if not self.has_pump:
            raise Refused(f"pipe {self.id!r} has no pump")
        if not full and (nothing_new := self._pass_on()):
            return nothing_new
        seen = self._settled.seen()
        self._run = Run(self, full, stop)
        try:
            result = self._run.execute()
            self._settled.note(seen if result.status == SUCCESS else None)
            return result
        finally:
            self._run = None

    def progress(self) -> dict[str, object] | None:
        """Return the progress of the current run, None if there is none.

        `{"started": Unix s, "read": source entities, "left": how many are still to come or None}`.
        """
        run = self._run
        if run is None:
            return None
        started, read = run.so_far
        return {"started": started, "read": read, "left": self.queues()["source"] if read else None}

    def change_token(self) -> object:
        """See Settled."""
        return self._settled.change_token()

    def is_settled(self) -> bool:
        """Return whether a run would find nothing new, see Settled."""
        return self._settled.holds()

    def _pass_on(self) -> RunResult | None:
        """Pass completeness on, if there is nothing else to do."""
        if not self.is_settled():
            return None
        run = Run(self)
        run.take_completeness()
        # What came in before completeness was looked at is still to be read.
        return run.pass_on() if self.is_settled() else None

    @property
    def offset(self) -> Any:
        """The since-token it continues from (`last-seen`); None = from the start."""
        return self.state.get("offset")

    def set_offset(self, offset: Any) -> None:
        """Continue from another token; None or "" resets the pipe.

        BadToken if its source never returns such a token.
        """
        resets = offset in (None, "")
        if resets:
            self.start_over()
        else:
            self.source.check_token(offset)
            self.state.put("offset", offset)
            self.state.put("full", None)
        self.log.write("pump-offset-set", "pump-offset-set", pipe_offset=offset, is_reset=resets)

    def reset(self) -> None:
        """Start over with the next run, which is a full one, and note it in the log."""
        self.set_offset(None)

    def start_over(self) -> None:
        """Drop offsets, an unfinished full run, dependency records, merge memory and retry queue."""
        with self.store.transaction():
            for key in ("offset", "full", "inputs", "out_of_sync", "sequence", "runs"):
                self.state.put(key, None)
            self.state.forget(TRACKING)
            self.state.forget(READING)
            self.state.drop_probes()
            self.state.drop_retries()
            MergeMembers(self.store, self.id).clear()

    def skip_to_end(self) -> None:
        """Continue after the present content of a dataset source. Refused for other sources."""
        dataset = self._source_dataset()
        if dataset is None:
            raise Refused(f"pipe {self.id!r} has no dataset source")
        self.set_offset(dataset.max_updated)

    def reset_tracking(self) -> None:
        """Treat all changes of the hopped datasets so far as processed."""
        self.tracker().store_positions()

    def reset_rescan(self) -> None:
        """Let the next rescan start from the beginning, even if the last one was interrupted."""
        with self.store.transaction():
            if self.state.get("full") is not None:
                self.state.put("full", None)
                self.state.put("offset", None)
            self.log.write("pump-reset-rescan", "pump-reset-rescan")

    def discard_inferred_schema(self) -> None:
        """Log the request; the schema is inferred from the entities each time it is requested."""
        name = "pump-discard-inferred-schema"
        self.log.write(name, name)

    def discard_retries(self) -> int:
        """Empty the retry queue; return how many entities were in it."""
        with self.store.transaction():
            count = self.state.retry_count()
            self.state.drop_retries()
            self.log.write("pump-discard-retries", "pump-discard-retries", entities=count)
        return count

    def retry_dead_letters(self, entity_id: str | None = None) -> int:
        """Put dead letters (or one) on the retry queue, in the source's present version if it is known.

        Returns how many.
        """
        name = self.policy.dead_letter_dataset
        dataset = self.store.find(name) if name else None
        if dataset is None:
            return 0
        with self.store.transaction():
            found = dataset.read(deleted=False, history=False)
            dead_letters = [dead_letter for dead_letter in found if entity_id in (None, dead_letter["_id"])]
            newest = self.source.latest([dead_letter["_id"] for dead_letter in dead_letters])
            for dead_letter in dead_letters:
                plain = {key: value for key, value in dead_letter.items() if key not in (DEAD, "_updated")}
                entity = newest.get(dead_letter["_id"], plain)
                self.state.put_retry(entity, 0, dead_letter[DEAD]["error"])
            dataset.write([{**dead_letter, "_deleted": True} for dead_letter in dead_letters])
        return len(dead_letters)

    def queues(self) -> Json:
        """Return the pending work.

        `{"source": entities to read or None, "dependencies": {dataset: changes to follow}, "retries": n}`.
        """
        dataset = self._source_dataset()
        return {
            "source": dataset.count_since(self.offset) if dataset else None,
            "dependencies": self.tracker().pending(),
            "retries": self.state.retry_count(),
        }

    @property
    def out_of_sync(self) -> str | None:
        """Return why the pipe should be reset (`reprocessing_policy` "continue"), None without a reason."""
        reason: str | None = self.state.get("out_of_sync")
        return reason

    def _source_dataset(self) -> Any:
        if not isinstance(self.source, DatasetSource):
            return None
        return self.store.find(self.input_datasets[0])

    # -- receiver ------------------------------------------------------------------------------------------

    def receive(
        self,
        body: bytes,
        params: Mapping[str, str] | None = None,
        completeness: int | None = None,
        url: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, object]:
        """Accept a JSON push; see `receiver.Receiver.receive`. Refused if the pipe is not a receiver."""
        if self._receiver is None:
            raise Refused(f"pipe {self.id!r} is not a receiver: its source is not http_endpoint")
        with self._receiving:
            return self._receiver.receive(body, params or {}, completeness, url, headers)

    # -- reading -------------------------------------------------------------------------------------------

    def preview(
        self, stage: str = SINK_STAGE, since: Any = None, limit: int | None = None
    ) -> Iterator[Entity]:
        """Yield entities at a stage, without side effects or traces.

        The stage is `source`, `before-transforms`, `after-transforms` or `sink`. `sink` is the sink dataset,
        or what would be sent if there is none.
        """
        if stage != SINK_STAGE:
            return self._publisher.stage(stage, since, limit)
        if self.sink_dataset is None:
            return self._publisher.stage("after-transforms", since, limit)
        check_offset(since, self.sink_dataset)
        dataset = self.store.find(self.sink_dataset)
        return dataset.read(since, limit) if dataset else iter(())

    def publish(
        self, since: object = None, limit: int | None = None, params: Mapping[str, object] | None = None
    ) -> Iterator[Entity]:
        """Return what an `http_endpoint` sink answers."""
        return self._publisher.entities(since, limit, params)

    def publish_file(
        self, since: object = None, limit: int | None = None, params: Mapping[str, object] | None = None
    ) -> Iterator[bytes]:
        """Return the file that a `csv_endpoint` or `xml_endpoint` sink answers. Refused for other sinks."""
        if not isinstance(self.sink, EndpointSink):
            raise Refused(f"pipe {self.id!r} has no endpoint sink")
        return self.sink.document(self._publisher.entities(since, limit, params))

    @property
    def is_filtered(self) -> bool:
        """Return whether there are transforms between source and reader (`X-Dataset-Filtered`)."""
        return self._publisher.filters
