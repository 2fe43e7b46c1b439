"""One pipe of a node: its config, the engine's pipe built from it, and its pump."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import jsonio
from core.jsonio import Json
from localnode.config import PipeComponent, SettingsStore
from localnode.config.problems import ERROR
from localnode.errors import BadRequest, Conflict, Unavailable
from localnode.pipes import Engine, Pipe
from localnode.scheduler import (
    FAILED,
    NOT_READY,
    NOT_RUNNABLE,
    SUCCESS,
    Outcome,
    Pump,
    Reads,
    Schedule,
    Scheduler,
)
from localnode.store import LOG_PREFIX, Dataset, canonical

STOP_SECONDS = 30.0
SWITCHES = ("enable", "disable")
RUNS = ("start", "start-rescan", "stop")
LAST_SEEN = ("update-last-seen", "set-last-seen-to-end")
RESETS = (
    "update-last-seen",
    "set-last-seen-to-end",
    "reset-tracking",
    "reset-rescan",
    "discard-retries",
    "retry-dead-letters",
    "discard-inferred-schema",
)


class NodePipe:
    """A configured pipe.

    `engine_pipe` is None while its config has errors, or misses what would say what it does; then nothing of
    it runs. `blocked` says why a valid pipe cannot run on this node.
    """

    def __init__(
        self,
        component: PipeComponent,
        engine_pipe: Pipe | None,
        engine: Engine,
        uploaded: SettingsStore,
        scheduler: Scheduler,
        blocked: str | None,
    ) -> None:
        self.component = component
        self.engine_pipe = engine_pipe
        self.blocked = blocked
        self._host, self._uploaded, self._scheduler = engine, uploaded, scheduler
        runs_by_itself = component.valid and not component.not_runnable and not component.undefined
        schedule = Schedule(component.effective["pump"] if runs_by_itself else {"mode": "manual"})
        self.pump = Pump(component.id, schedule, self._execute, time.time())
        if schedule.mode == "scheduled" and self._is_overdue(engine):
            self.pump.next_run = time.time()
        switched_off = uploaded.disabled_pumps()
        self.pump.disabled = component.id in switched_off
        self.pump.comment = switched_off.get(component.id)

    # -- as a run-all sees it ------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The pipe's id."""
        return self.component.id

    @property
    def reads(self) -> Reads:
        """See Runnable."""
        pipe = self.component
        sources, tracked, untracked = (
            sorted(map(canonical, names)) for names in (pipe.sources, pipe.tracked, pipe.untracked)
        )
        return Reads(pipe.sink_dataset, sources, tracked, untracked, LOG_PREFIX + pipe.id)

    @property
    def is_input(self) -> bool:
        """See Runnable. A pipe with config errors is none: its failure always counts."""
        return self.engine_pipe is not None and not self.component.sources

    @property
    def source_system(self) -> str | None:
        """See Runnable."""
        system = (self.component.effective.get("source") or {}).get("system")
        return system if isinstance(system, str) else None

    @property
    def runs_in_rounds(self) -> bool:
        """Whether a run-all includes it; pipes that cannot run are, so that the run says what is wrong."""
        return self.pump.may_run and (self.has_pump or self.engine_pipe is None)

    @property
    def has_pump(self) -> bool:
        """Whether there is anything to pump: not for receivers, endpoints and invalid pipes."""
        return self.engine_pipe is not None and self.engine_pipe.has_pump

    def change_token(self) -> object:
        """See Runnable."""
        return self.engine_pipe.change_token() if self.engine_pipe is not None else None

    def is_settled(self) -> bool:
        """See Runnable."""
        return self.engine_pipe is not None and not self.blocked and self.engine_pipe.is_settled()

    def run(self) -> Outcome:
        """See Runnable."""
        return self.pump.run()

    def _execute(self, full: bool, stop: threading.Event) -> Outcome:
        if self.blocked and self.component.valid:
            status = NOT_RUNNABLE if self.component.not_runnable else FAILED
            return Outcome(status, reason=self.blocked, blocked=not self.component.undefined)
        if self.engine_pipe is None:
            first = next(each for each in self.component.problems if each.level == ERROR)
            return Outcome(FAILED, reason=f"config error at {first.elements}: {first.msg}")
        if not self.has_pump:
            return Outcome(SUCCESS)
        result = self.engine_pipe.run(full, stop)
        if result.changed and self.component.sink_dataset:
            self._scheduler.signal(self.component.sink_dataset)
        known = result.status in (SUCCESS, NOT_READY)
        return Outcome(
            result.status if known else FAILED,
            result.changed,
            result.reason,
            tuple(result.waits_for) if known else (),
            wrote_to=frozenset() if self.is_input or not result.got_on else result.wrote_to,
            ends_run_all=result.disk_full,
        )

    def _is_overdue(self, engine: Engine) -> bool:
        """Whether it has never come to its end, or is to run at the start until its dataset is populated."""
        if self.engine_pipe is None:
            return False
        wanted = engine.default("run_at_startup_if_not_populated", False)
        if self.component.effective["pump"].get("run_at_startup_if_not_populated", wanted):
            dataset = self.sink_dataset
            return dataset is None or not dataset.populated
        return self.engine_pipe.offset is None and (self.sink_dataset is None or not self.is_input)

    def stop(self) -> None:
        """End a run that is under way. Conflict when it has not ended in time."""
        if not self.pump.stop(STOP_SECONDS):
            raise Conflict(f'the pump of pipe "{self.id}" is still running; try again later')

    # -- state ---------------------------------------------------------------------------------------------

    @property
    def failed(self) -> bool:
        """Whether the last run failed."""
        return self.pump.last is not None and self.pump.last.outcome.status == FAILED

    @property
    def sink_dataset(self) -> Dataset | None:
        """The dataset it writes, if there is one yet."""
        name = self.component.sink_dataset
        return self._host.store.find(name) if name else None

    @property
    def last_seen(self) -> object:
        """The token the source continues from, None at the start."""
        return self.engine_pipe.offset if self.engine_pipe is not None else None

    def progress(self) -> dict[str, object] | None:
        """Return how far the run under way has come, see `Pipe.progress`; None while there is none."""
        return self.engine_pipe.progress() if self.engine_pipe is not None else None

    def queues(self) -> Json:
        """Return what waits to be processed: `{"source": n, "dependencies": {dataset: n}, "retries": n}`."""
        if self.engine_pipe is None:
            return {"source": None, "dependencies": {}, "retries": 0}
        return self.engine_pipe.queues()

    def operations(self) -> list[str]:
        """Operations its pump supports."""
        if not self.has_pump:
            return [*(RUNS if self.component.valid and self.blocked else ()), *SWITCHES]
        return [*(RUNS if self.pump.may_run else ("stop",)), *SWITCHES, *RESETS]

    # -- operations ----------------------------------------------------------------------------------------

    def operate(self, operation: str, fields: Mapping[str, str]) -> None:
        """Carry out a pump operation.

        BadRequest when this pump does not support it, Conflict or Refused when it runs.
        """
        if operation not in self.operations():
            raise BadRequest(f'the pump of pipe "{self.id}" doesn\'t support the operation "{operation}" now')
        if operation in SWITCHES:
            self._switch(operation == "disable", fields.get("comment"))
        elif operation == "stop":
            self.stop()
        elif operation in RUNS:
            self._scheduler.start(self.pump, full=operation == "start-rescan")
        else:
            self._change_state(operation, fields)

    def _switch(self, disabled: bool, comment: str | None) -> None:
        self._uploaded.set_pump_disabled(self.id, disabled, comment)
        self.pump.disabled = disabled
        self.pump.comment = comment if disabled else None

    def _change_state(self, operation: str, fields: Mapping[str, str]) -> None:
        """Carry out one of RESETS.

        `retry-dead-letters`, all or of one `entity_id`, is an addition to the vendor's operations.
        """
        pipe = self._engine()
        if operation in LAST_SEEN and self.component.effective.get("disable_set_last_seen"):
            raise BadRequest(f'pipe "{self.id}" is protected by disable_set_last_seen')
        if operation == "discard-retries":
            pipe.discard_retries()
            return
        changes: Mapping[str, Callable[[], object]] = {
            "update-last-seen": lambda: pipe.set_offset(token(fields.get("last-seen", ""))),
            "set-last-seen-to-end": pipe.skip_to_end,
            "reset-tracking": pipe.reset_tracking,
            "reset-rescan": pipe.reset_rescan,
            "discard-inferred-schema": pipe.discard_inferred_schema,
            "retry-dead-letters": lambda: pipe.retry_dead_letters(fields.get("entity_id")),
        }
        with self.pump.standing_still():
            done = changes[operation]()
        if operation == "retry-dead-letters" and done:
            self._scheduler.start(self.pump, full=False)

    def _engine(self) -> Pipe:
        if self.engine_pipe is None and self.component.valid and self.blocked:
            raise BadRequest(f'pipe "{self.id}" cannot run: {self.blocked}')
        if self.engine_pipe is None:
            raise BadRequest(f'the config of pipe "{self.id}" has errors: see its config-errors')
        return self.engine_pipe

    # -- entities ------------------------------------------------------------------------------------------

    def preview(self, stage: str, since: object, limit: int | None) -> Iterator[Json]:
        """Return entities at a stage, without side effects."""
        return self._engine().preview(stage, since, limit)

    def transform(self, entities: Sequence[Json]) -> list[Json]:
        """Return what the transforms make of `entities`; those with side effects are left out."""
        pipe = Pipe(self._engine().config, self._host)
        return pipe.chain.apply(entities, pipe.context(), preview=True)

    def receive(self, body: bytes, pushed: PushRequest) -> dict[str, object]:
        """Take entities in. BadRequest when the pipe is no receiver."""
        pipe = self._engine()
        if not pipe.is_receiver:
            raise BadRequest(f'pipe "{self.id}" is not a receiver: its source is not http_endpoint')
        if self.pump.disabled:
            raise Unavailable(f'pipe "{self.id}" is disabled')
        try:
            return pipe.receive(body, pushed.params, pushed.completeness, pushed.url, pushed.headers)
        finally:  # also where some of the entities were refused
            if self.component.sink_dataset:
                self._scheduler.signal(self.component.sink_dataset)

    def publisher(self, kind: str) -> Pipe:
        """Return the engine's pipe, for a publisher of sink type `kind`. BadRequest for every other pipe."""
        if self.component.sink_type != kind:
            raise BadRequest(f'pipe "{self.id}" has no {kind} sink')
        return self._engine()


@dataclass(frozen=True)
class PushRequest:
    """What came with a push besides its body; `completeness` in µs, None for now."""

    params: Mapping[str, str]
    headers: Mapping[str, str]
    url: str
    completeness: int | None


def token(text: str) -> Any:
    """Return a since-token as text: JSON where it is JSON (a number, a quoted text), else the text itself.

    None for "".
    """
    if not text:
        return None
    try:
        return jsonio.read(text)
    except ValueError:
        return text
