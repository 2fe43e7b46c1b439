"""Combine one pipe of a node: its config, the engine's pipe built from it, and its pump."""

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

    `engine_pipe` is None if its config has errors, or lacks values that decide what it does; then it does not
    run. `blocked` says why a valid pipe cannot run on this node.
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
        """See Runnable. A pipe with config errors is not an input: its failure always counts."""
        return self.engine_pipe is not None and not self.component.sources

    @property
    def source_system(self) -> str | None:
        """See Runnable."""
        system = (self.component.effective.get("source") or {}).get("system")
        return system if isinstance(system, str) else None

    @property
    def runs_in_rounds(self) -> bool:
        """Return whether a run-all includes it; it includes pipes that cannot run, to report why."""
        return self.pump.may_run and (self.has_pump or self.engine_pipe is None)

    @property
    def has_pump(self) -> bool:
        """Return whether there is a pump: receivers, endpoints and invalid pipes have none."""
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
        """Return whether it never reached its end, or must run at start until its dataset is populated."""
        if self.engine_pipe is None:
            return False
        wanted = engine.default("run_at_startup_if_not_populated", False)
        if self.component.effective["pump"].get("run_at_startup_if_not_populated", wanted):
            dataset = self.sink_dataset
            return dataset is None or not dataset.populated
        return self.engine_pipe.offset is None and (self.sink_dataset is None or not self.is_input)

    def stop(self) -> None:
        """End a run in progress. Conflict if it has not ended in time."""
        if not self.pump.stop(STOP_SECONDS):
            raise Conflict(f'the pump of pipe "{self.id}" is still running; try again later')

    # -- state ---------------------------------------------------------------------------------------------

    @property
    def failed(self) -> bool:
        """Return whether the last run failed."""
        return self.pump.last is not None and self.pump.last.outcome.status == FAILED

    @property
    def sink_dataset(self) -> Dataset | None:
        """Return the dataset that it writes, if it exists yet."""
        name = self.component.sink_dataset
        return self._host.store.find(name) if name else None

    @property
    def last_seen(self) -> object:
        """Return the token from which the source continues, None at the start."""
        return self.engine_pipe.offset if self.engine_pipe is not None else None

    def progress(self) -> dict[str, object] | None:
        """Return the progress of the current run, see `Pipe.progress`; None if there is none."""
        return self.engine_pipe.progress() if self.engine_pipe is not None else None

    def queues(self) -> Json:
        """Return what waits to be processed: `{"source": n, "dependencies": {dataset: n}, "retries": n}`."""
        if self.engine_pipe is None:
            return {"source": None, "dependencies": {}, "retries": 0}
        return self.engine_pipe.queues()

    def operations(self) -> list[str]:
        """Return the operations that its pump supports."""
        if not self.has_pump:
            return [*(RUNS if self.component.valid and self.blocked else ()), *SWITCHES]
        return [*(RUNS if self.pump.may_run else ("stop",)), *SWITCHES, *RESETS]

    # -- operations ----------------------------------------------------------------------------------------

    def operate(self, operation: str, fields: Mapping[str, str]) -> None:
        """Carry out a pump operation.

        BadRequest if this pump does not support it, Conflict or Refused if it is running.
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

        `retry-dead-letters`, for all or for one `entity_id`, is an addition to Sesam's operations.
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
        """Return the output of the transforms for `entities`; those with side effects are left out."""
        pipe = Pipe(self._engine().config, self._host)
        return pipe.chain.apply(entities, pipe.context(), preview=True)

    def receive(self, body: bytes, pushed: PushRequest) -> dict[str, object]:
        """Accept pushed entities. BadRequest if the pipe is not a receiver."""
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
        """Return the engine's pipe, for a publisher of sink type `kind`. BadRequest for other pipes."""
        if self.component.sink_type != kind:
            raise BadRequest(f'pipe "{self.id}" has no {kind} sink')
        return self._engine()


@dataclass(frozen=True)
class PushRequest:
    """The parameters of a push in addition to its body; `completeness` in µs, None for now."""

    params: Mapping[str, str]
    headers: Mapping[str, str]
    url: str
    completeness: int | None


def token(text: str) -> Any:
    """Return a since-token as text: its JSON value if it is JSON (a number, a quoted text).

    Otherwise return the text itself; None for "".
    """
    if not text:
        return None
    try:
        return jsonio.read(text)
    except ValueError:
        return text
