"""Carry out one run of a pipe, from the checks before it to the offset after it."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.clock import now_us
from core.jsonio import Json
from localnode.dtl import DtlTrip
from localnode.pipes import partial
from localnode.pipes.base import CHRONOLOGICAL, NONE, Batch, RunScope, Sink, Source, Transform, position
from localnode.pipes.batches import BatchRunner, Counts, RunFailed, TooSlow
from localnode.pipes.compaction import compact, remember_positions
from localnode.pipes.completeness import Completeness
from localnode.pipes.errors import BadToken, NotReady, PipeError, Refused, SourceFailed
from localnode.pipes.execution_log import FULL, INCREMENTAL, PARTIAL
from localnode.pipes.reprocessing import check_inputs, remember_inputs
from localnode.readings import reads
from localnode.store import BreakerTripped, DiskFull, StoreError
from localnode.store.state import Probe

if TYPE_CHECKING:
    from localnode.pipes.pipe import Pipe

log = logging.getLogger(__name__)

SUCCESS, FAILED, NOT_READY, STOPPED = "success", "failed", "not-ready", "stopped"
MAX_REPROCESSED = 50_000


class RunStopped(PipeError):
    """Somebody asked the run to end."""

    REASON = "the run was stopped"

    def __init__(self) -> None:
        super().__init__(self.REASON)


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    `status` success|failed|not-ready|stopped, `sync_type` full|incremental, seconds, figures.

    `waits_for` names the datasets that a run which is not ready waits for, `wrote_to` the systems that were
    sent something to keep. `disk_full`: it failed since nothing more can be stored, by whatever pipe.
    """

    pipe: str
    status: str
    sync_type: str
    started: float
    duration: float
    counts: Counts = field(default_factory=Counts)
    reason: str = ""
    waits_for: tuple[str, ...] = ()
    wrote_to: frozenset[str] = frozenset()
    disk_full: bool = False

    @property
    def changed(self) -> int:
        """Versions written, or entities sent out."""
        return self.counts.changed

    @property
    def got_on(self) -> bool:
        """Whether entities went through, other than failing once more."""
        return self.changed > 0 or (self.status == SUCCESS and self.counts.read > self.counts.failed)


class Run:
    """One run. `stop` is checked between batches."""

    def __init__(self, pipe: Pipe, full: bool = False, stop: threading.Event | None = None) -> None:
        self._pipe = pipe
        self._store = pipe.store
        self._state = pipe.state
        self._log = pipe.log
        self._forced_full = full
        self._stop = stop or threading.Event()
        self._scope = RunScope()
        self._sync_type = INCREMENTAL
        self._logged_start = False
        self._started = time.time()
        self._counts = Counts()
        self._context = pipe.context()

    def execute(self) -> RunResult:
        """Carry the run out. Never raises for what data, settings or systems do."""
        try:
            self.check_ready()
            self._begin()
            self._run()
            self._log_end()
            self._compact()
        except NotReady as error:
            return self._result(NOT_READY, str(error), error.waits_for)
        except RunStopped as error:
            return self._failed(error, STOPPED)
        except DtlTrip as error:
            self._pipe.sink.trip(error.message)
            return self._failed(error, FAILED)
        except BreakerTripped as error:
            self._pipe.sink.trip(str(error))
            return self._failed(error, FAILED)
        except DiskFull as error:
            return replace(self._failed(error, FAILED), disk_full=True)
        except Exception as error:
            if not isinstance(error, (PipeError, StoreError)):
                log.exception("pipe %s: unexpected error", self._pipe.id)
            return self._failed(error, FAILED)
        return self._result(SUCCESS)

    @property
    def so_far(self) -> tuple[float, int]:
        """Return when it started (Unix seconds), and how many source entities it has processed."""
        return self._started, self._counts.read

    # -- before --------------------------------------------------------------------------------------------

    def check_ready(self) -> None:
        """Raise Refused or NotReady if the run cannot start."""
        if (self._pipe.config.get("pump") or {}).get("mode") == "off":
            raise Refused(f"the pump of pipe {self._pipe.id!r} is off")
        self._pipe.sink.check_ready()
        self._pipe.source.check_ready()
        missing = []
        for name in sorted(self._pipe.chain.datasets):
            dataset = self._store.find(name)
            if dataset is None or not dataset.populated:
                missing.append(name)
        if missing:
            names = ", ".join(f'"{name}"' for name in missing)
            raise NotReady(f"waits for {names}, which its hops need, to exist and be populated", missing)

    def _offset_of(self, source: Source) -> Any:
        """Return where the source was left, None for the start.

        An upload may have given the pipe a source of another kind, to which the old place means nothing.
        """
        offset = self._state.get("offset")
        try:
            source.check_token(offset)
        except BadToken as error:
            log.warning("pipe %s: reads from the start: %s", self._pipe.id, error)
            self._state.put("offset", None)
            return None
        return offset

    def _begin(self) -> None:
        check_inputs(self._pipe)
        source, sink, scope = self._pipe.source, self._pipe.sink, self._scope
        unfinished = self._state.get("full")
        offset = self._offset_of(source)
        # A full run that was cut short goes on where it stood, if its source hands out entities in order.
        resumes = unfinished is not None and offset is not None and source.strategy == CHRONOLOGICAL
        scope.full = self._forced_full or resumes or offset is None or source.strategy == NONE
        self._sync_type = FULL if scope.full else INCREMENTAL
        self._pipe.written_systems.clear()
        sink.begin(scope)
        for transform in self._pipe.chain.transforms:
            transform.begin()
        self._take_trace()
        if resumes and not self._forced_full and not sink.holds_back(scope):
            scope.base = unfinished["base"]
        elif scope.full:
            with self._store.transaction():
                scope.base = sink.start_full()
                self._state.put("full", {"base": scope.base})
                self._state.put("offset", None)
        self.take_completeness()
        self._tracker = self._pipe.tracker()
        context = self._context = self._pipe.context(tracking=self._pipe.tracks)
        self._batches = BatchRunner(
            self._store,
            self._pipe.chain,
            sink,
            scope,
            context,
            self._state,
            self._log,
            self._pipe.policy,
            self._stop,
        )
        self._counts = self._batches.counts

    # -- the run -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        incremental = not self._scope.full
        self._retry_queue()
        if incremental and self._pipe.tracks:
            self._reprocess()
        read = self._read_source()
        empty = self._scope.full and read == 0 and self._pipe.source.config.get("if_source_empty") == "fail"
        if empty:
            raise RunFailed('the source is empty and if_source_empty is "fail"; nothing was deleted')
        for transform in self._pipe.chain.transforms:
            transform.finish()
        self._counts.add(self._pipe.sink.finish(self._scope, self._pipe.source))
        self._pipe.sink.check_limit(self._scope)
        self._commit()

    def _retry_queue(self) -> None:
        """Retry queued entities, unless the source will still deliver a newer version."""
        entries = self._state.retries()
        newest = self._pipe.source.latest([entry.id for entry in entries]) if entries else {}
        for entry in entries:
            self._check_stop()
            now = newest.get(entry.id)
            # A newer version comes with the source itself; writing the queued one now would go back in time.
            if now is None or now.get("_updated") == entry.entity.get("_updated"):
                self._batches.retry(entry)
                self._note_progress()

    def _reprocess(self) -> None:
        """Process tracked dependencies, without moving the offset.

        Entities that the source will deliver anyway are left to it.
        """
        done: set[str] = set()
        offset = self._state.get("offset")
        for portion in self._tracker.affected():
            wanted = {name: probes for name, probes in portion.items() if name not in done}
            done.update(wanted)
            if len(done) > MAX_REPROCESSED:
                self._reprocess_all(offset)
                return
            names = sorted(wanted)
            size = self._pipe.batch_size
            for start in range(0, len(names), size):
                self._reprocess_some(names[start : start + size], wanted, offset)
        self._tracker.store_positions()

    def _reprocess_some(self, names: list[str], wanted: dict[str, set[Probe]], offset: object) -> None:
        self._check_stop()
        found = self._pipe.source.latest(names)
        due = [entity for name in names if (entity := found.get(name)) and entity["_updated"] <= offset]
        fresh = self._batches.collected = set()
        failed = self._counts.failed
        if due:
            self._batches.process(Batch(due, None), _ignore)
            self._note_progress()
        self._batches.collected = None
        self._counts.reprocessed += len(due)
        # Look-ups that the transforms did not make again: these entities depend on them no longer.
        if self._counts.failed == failed:
            looked = {entity["_id"] for entity in due} | (set(names) - set(found))
            stale = [(probe, name) for name in looked for probe in wanted[name] if (probe, name) not in fresh]
            self._state.drop_records(stale)

    def _reprocess_all(self, offset: Any) -> None:
        """Read the whole source, if so much has changed that this is faster than selecting entities."""
        log.warning(
            "pipe %s: more than %d entities to reprocess, reading all", self._pipe.id, MAX_REPROCESSED
        )
        for batch in self._pipe.source.batches(None, self._pipe.batch_size):
            self._check_stop()
            known = [entity for entity in batch.entities if position(entity) <= offset]
            if not known:
                break
            self._batches.process(Batch(known, None), _ignore)
            self._note_progress()
            self._counts.reprocessed += len(known)
        self._tracker.store_positions()

    def _read_source(self) -> int:
        """Read from the offset on, with the pump's retries; return the number of entities read."""
        attempts = self._pipe.policy.max_read_retries
        while True:
            try:
                return self._read_once()
            except SourceFailed as error:
                self._log.read_error(error)
                if attempts <= 0:
                    raise
                attempts -= 1
                if self._stop.wait(self._pipe.policy.read_retry_delay):
                    raise RunStopped() from error

    def _read_once(self) -> int:
        source, read = self._pipe.source, 0
        # An offset stored in mid-run is a promise that all before it is written and visible.
        as_you_go = source.strategy == CHRONOLOGICAL and not self._pipe.sink.holds_back(self._scope)
        save = self._save_offset if as_you_go else _ignore
        self._last_offset = self._state.get("offset")
        for batch in source.batches(self._start_offset(), self._pipe.batch_size):
            self._check_stop()
            self._batches.process(batch, save)
            self._last_offset = batch.offset
            read += len(batch.entities)
            self._note_progress()
        return read

    def _start_offset(self) -> object:
        """Return where to continue: the offset, or somewhat before it in a partial rescan."""
        pump = self._pipe.config.get("pump") or {}
        if self._scope.full or not partial.is_due(pump, self._state.get("runs", 0) + 1):
            return self._last_offset
        self._sync_type = PARTIAL
        return partial.moved_back(self._last_offset, pump.get("partial_rescan_delta", 0))

    def _save_offset(self, offset: object) -> None:
        self._state.put("offset", offset)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise RunStopped()

    # -- completeness --------------------------------------------------------------------------------------

    def take_completeness(self) -> None:
        """Take the completeness of the inputs, before they are read."""
        source, chain, sink = self._pipe.source, self._pipe.chain, self._pipe.sink
        names = {*source.input_datasets(), *chain.datasets} - {sink.dataset}
        external = not source.input_datasets()
        self._completeness = Completeness(self._store, self._pipe.config, names, external, now_us())

    def _hand_completeness_on(self) -> None:
        sink, found = self._pipe.sink, self._completeness
        if not sink.dataset or found.value is None:
            return
        at_end = found.of_input and reads("completeness-of-input", "end")
        dataset = self._store.dataset(sink.dataset, create=True)
        dataset.set_completeness(now_us() if at_end else found.value, found.inherited)

    def pass_on(self) -> RunResult:
        """Pass on the completeness that was taken, and compact: all that a run without new input does."""
        self._pipe.written_systems.clear()
        self._hand_completeness_on()
        self._compact()
        return self._result(SUCCESS)

    # -- after ---------------------------------------------------------------------------------------------

    def _commit(self) -> None:
        """Do everything that makes the run a finished one, in one transaction."""
        source, sink = self._pipe.source, self._pipe.sink
        with self._store.transaction():
            sink.commit(self._scope, source)
            if source.strategy != NONE:
                self._state.put("offset", self._last_offset)
                remember_positions(self._pipe, self._last_offset)
            self._state.put("full", None)
            if "partial_rescan_run_count" in (self._pipe.config.get("pump") or {}):
                self._state.put("runs", self._state.get("runs", 0) + 1)
            if self._scope.full:
                self._tracker.store_positions()
            remember_inputs(self._pipe)
            self._hand_completeness_on()

    def _compact(self) -> None:
        """Compact; a failure never fails the run, and the next run continues."""
        try:
            compact(self._pipe, self._stop.is_set)
        except StoreError:
            log.exception("pipe %s: compaction", self._pipe.id)

    def _note_progress(self) -> None:
        """Log the start once the run has something to report."""
        changes_only = self._pipe.policy.log_events_noop_runs_changes_only
        if not self._logged_start and (self._counts.changed or (self._counts.read and not changes_only)):
            self._log_start()

    def _log_start(self) -> None:
        self._logged_start = True
        self._log.started(self._started, self._sync_type)

    def _log_end(self) -> None:
        policy, counts = self._pipe.policy, self._counts
        silent = policy.notification_granularity
        worth_telling = policy.log_events_noop_runs or counts.failed or counts.changed
        worth_telling = worth_telling or (silent is not None and self._log.seconds_since_end() >= silent)
        if worth_telling and not self._logged_start:
            self._log_start()
        if self._logged_start:
            self._log.ended(self._started, self._sync_type, None, **self._figures())

    def _failed(self, error: Exception, status: str) -> RunResult:
        entity = {"exception_entity": error.entity} if isinstance(error, TooSlow) else {}
        with suppress(DiskFull):  # the execution log needs space, too; the result says why the run failed
            if not self._logged_start:
                self._log_start()
            self._log.ended(self._started, self._sync_type, error, **entity, **self._figures())
        return self._result(status, str(error))

    def _take_trace(self) -> list[Json]:
        pipe = self._pipe
        components: list[Source | Transform | Sink] = [pipe.source, *pipe.chain.transforms, pipe.sink]
        return [entry for component in components for entry in component.take_trace()]

    def _figures(self) -> dict[str, object]:
        counts = self._counts
        trace = self._take_trace()
        return {
            **({"trace": trace} if trace else {}),
            **({"hops_trace": self._context.hops_trace} if self._context.hops_trace else {}),
            "entities_succeeded": counts.read - counts.failed,
            "entities_failed": counts.failed,
            "retry_entities_exist": self._state.retry_count() > 0,
            "metrics": {
                "entities": {
                    "entities_last_run": counts.read,
                    "changes_last_run": counts.changed,
                    "write_errors_last_run": counts.failed,
                }
            },
        }

    def _result(self, status: str, reason: str = "", waits_for: tuple[str, ...] = ()) -> RunResult:
        duration = time.time() - self._started
        return RunResult(
            self._pipe.id,
            status,
            self._sync_type,
            self._started,
            duration,
            self._counts,
            reason,
            waits_for,
            frozenset(self._pipe.written_systems),
        )


def _ignore(offset: object) -> None:
    """Do nothing: the offset does not move with this batch."""
