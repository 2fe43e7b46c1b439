"""Implement `compaction`: which versions the sink dataset and the execution log keep, and how long.

Without the setting, and without `global_defaults.compaction_…`, every version is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from core.clock import now_us
from core.jsonio import Json
from localnode.pipes.base import Config, Engine
from localnode.pipes.tracking import PREFIX as TRACKING
from localnode.store import LOG_PREFIX, Dataset, PipeState, Store
from localnode.store import compaction as versions
from localnode.store.compaction import Limits, Progress

if TYPE_CHECKING:
    from localnode.pipes.pipe import Pipe

READING = "reading:"
STATE = "compaction"
HOUR_US = 3_600_000_000
DAY = 86_400.0
TIMEOUT = 60.0
LOG_HOURS = 720
DEFAULTS: Config = {
    "automatic": True,
    "sink": True,
    "keep_versions": 2,
    "time_threshold_hours_pump": LOG_HOURS,
    "growth_threshold": 1.0,
    "compaction_interval": 0,
}
_GLOBAL = (
    "keep_versions",
    "time_threshold_hours",
    "time_threshold_hours_pump",
    "growth_threshold",
)
CompactionStep = Callable[[int], Progress]


def settings(pipe: Config, engine: Engine) -> Config | None:
    """Return the settings: the pipe's override the node's, which override the documented defaults.

    Returns None if neither has any.
    """
    shared = {
        name: engine.default(f"compaction_{name}")
        for name in _GLOBAL
        if engine.default(f"compaction_{name}") is not None
    }
    if engine.default("compaction_interval") is not None:
        shared["compaction_interval"] = engine.default("compaction_interval")
    kind = engine.default("default_compaction_type")
    if kind is not None:
        shared["sink"] = kind == "sink"
    if "compaction" not in pipe and not shared:
        return None
    return {**DEFAULTS, **shared, **(pipe.get("compaction") or {})}


def compact(pipe: Pipe, stop: Callable[[], bool] = lambda: False) -> int:
    """Drop versions according to `compaction`; return how many. `stop` is checked now and then."""
    setting = settings(pipe.config, pipe.engine)
    trim_log(pipe.store, pipe.state, pipe.id, setting)
    dataset = pipe.store.find(pipe.sink.dataset) if pipe.sink.dataset else None
    if setting is None or dataset is None:
        return 0
    return Compaction(pipe.store, pipe.state, setting, dataset).run(stop)


def remember_positions(pipe: Pipe, offset: object) -> None:
    """Store how far the source has read, so that compaction keeps what it has not seen."""
    for name, position in pipe.source.positions(offset).items():
        dataset, key = pipe.store.find(name), READING + name
        found = None
        if dataset:
            generation, history = dataset.info().generation, pipe.source.needs_history
            found = {"generation": generation, "offset": position, "history": history}
        if found != pipe.state.get(key):
            pipe.state.put(key, found)


def seen_by_all(store: Store, dataset: Dataset, latest: bool) -> int:
    """Return the offset that all dependent pipes have reached.

    These are pipes that follow the dataset or read earlier versions; with `latest`, all its readers.
    """
    top, generation = dataset.max_updated, dataset.info().generation
    offsets = [-1 if top is None else top]
    for position in store.positions_of((READING + dataset.id, TRACKING + dataset.id)):
        if latest or position.get("history", True):
            known = position["generation"] == generation and position["offset"] is not None
            offsets.append(position["offset"] if known else -1)
    return min(offsets)


class Compaction:
    """Compacts what one pipe writes, after its runs. Each page is a transaction of its own."""

    def __init__(self, store: Store, state: PipeState, setting: Config, dataset: Dataset) -> None:
        self._store = store
        self._state = state
        self._setting = setting
        self._dataset = dataset
        self._kept: dict[str, Any] = self._last_time()

    def _last_time(self) -> Json:
        found = self._state.get(STATE) or {}
        fresh = {"generation": self._dataset.info().generation}
        return found if found.get("generation") == fresh["generation"] else fresh

    def run(self, stop: Callable[[], bool]) -> int:
        """Drop versions that may go; return their number. `stop` is checked between pages."""
        info = self._dataset.info()
        if not info.populated or info.breaker is not None or not self._is_due():
            return 0
        before = dict(self._kept)
        dropped = self._retract(stop) + self._old(stop) + self._deletions(stop)
        self._kept["ran"] = time.time()
        self._kept["size"] = self._size()
        if dropped or {**before, "ran": 0} != {**self._kept, "ran": 0}:
            self._state.put(STATE, self._kept)
        return dropped

    def _is_due(self) -> bool:
        """Sink compaction runs with every run, or every `compaction_interval`.

        Background compaction once a day, when the log has grown by `growth_threshold`.
        """
        ran = time.time() - float(self._kept.get("ran", 0))
        if self._setting["sink"]:
            return ran >= float(self._setting["compaction_interval"])
        grown = self._size() >= float(self._setting["growth_threshold"]) * int(self._kept.get("size", 0))
        return bool(self._setting["automatic"]) and ran >= DAY and grown

    def _size(self) -> int:
        return (self._dataset.max_updated or 0) + 1

    def _old(self, stop: Callable[[], bool]) -> int:
        keep, hours = int(self._setting["keep_versions"]), self._setting.get("time_threshold_hours")
        before = 1 << 62 if hours is None else now_us() - int(float(hours) * HOUR_US)
        limits = Limits(keep, before, seen_by_all(self._store, self._dataset, latest=keep == 0))
        return self._pages("old", lambda at: versions.changed(self._dataset, at, limits), stop, None)

    def _deletions(self, stop: Callable[[], bool]) -> int:
        hours = self._setting.get("ttl_deletes_hours")
        if hours is None:
            return 0
        before = now_us() - int(float(hours) * HOUR_US)
        limits = Limits(0, before, seen_by_all(self._store, self._dataset, latest=True))
        seconds = float(self._setting.get("ttl_deletes_timeout_seconds", TIMEOUT))
        return self._pages("ttl", lambda at: versions.deletions(self._dataset, at, limits), stop, seconds)

    def _retract(self, stop: Callable[[], bool]) -> int:
        if not self._setting.get("retract", False):
            return 0
        seconds = float(self._setting.get("retract_timeout_seconds", TIMEOUT))
        return self._pages("retract", lambda at: versions.retracted(self._dataset, at), stop, seconds)

    def _pages(self, name: str, step: CompactionStep, stop: Callable[[], bool], seconds: float | None) -> int:
        """Continue where the last run ended, until the end, the time limit, or `stop`."""
        dropped, until = 0, None if seconds is None else time.monotonic() + seconds
        while not stop():
            progress = step(int(self._kept.get(name, -1)))
            self._kept[name] = progress.at
            dropped += progress.dropped
            if progress.done or (until is not None and time.monotonic() >= until):
                break
        return dropped


def trim_log(store: Store, state: PipeState, pipe_id: str, setting: Mapping[str, Any] | None) -> None:
    """Drop events of the execution log that are older than `time_threshold_hours_pump`, once a day."""
    dataset = store.find(LOG_PREFIX + pipe_id)
    key = f"{STATE}-log"
    last = state.get(key)
    if dataset is None or (last is not None and time.time() - last["ran"] < DAY):
        return
    hours = float((setting or DEFAULTS)["time_threshold_hours_pump"])
    limits = Limits(0, now_us() - int(hours * HOUR_US), 1 << 62)
    at = -1
    while not (progress := versions.changed(dataset, at, limits)).done:
        at = progress.at
    state.put(key, {"ran": time.time()})
