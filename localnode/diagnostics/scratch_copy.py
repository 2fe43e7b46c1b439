"""A node that is a copy of another one, for the time of a question: what it writes is gone with it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.jsonio import Json
from localnode.errors import Conflict
from localnode.node import Node
from localnode.node.folder import SETTINGS_FILE, STORE_FILE
from localnode.pipes import Systems
from localnode.scheduler import RunAllOptions
from localnode.store.disk import naming_the_disk

PREFIX = "scratch-"
_ONE_AT_A_TIME = threading.Lock()
_in_use: list[Node] = []


@contextmanager
def workplace(node: Node) -> Iterator[Path]:
    """Provide a folder inside the node's own, empty, removed afterwards; one at a time (Conflict).

    Raises DiskFull when the copy finds no space.
    """
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise Conflict("a plan or a verification is already running; try again when it has ended")
    try:
        for left in node.settings.data.glob(f"{PREFIX}*"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        data = node.settings.data
        with naming_the_disk(data), tempfile.TemporaryDirectory(prefix=PREFIX, dir=data) as folder:
            yield Path(folder)
    finally:
        _ONE_AT_A_TIME.release()


@contextmanager
def scratch_copy(
    node: Node,
    folder: Path,
    make_systems: Callable[..., Systems],
    datasets: Path | None = None,
    variables: Mapping[str, object] | None = None,
) -> Iterator[Node]:
    """Provide a node in `folder` with the configuration of `node`.

    Its datasets are those of the data folder `datasets`, its environment variables those of `node` with
    `variables` over them.

    Nothing runs in it by itself, and it reaches systems through `make_systems` only. All its pumps can run,
    those too that are disabled or off on `node`: what they hold up is what people ask about.
    """
    folder.mkdir(exist_ok=True)
    _copy(node.settings.data / SETTINGS_FILE, folder / SETTINGS_FILE)
    if datasets is not None:
        snapshot(datasets, folder)
    settings = replace(node.settings, data=folder, schedule=False, sync_writes="OFF")
    copy = Node(settings, make_systems)
    if variables:
        copy.replace_env({**copy.env(), **variables})
    _let_all_run(copy)
    _in_use.append(copy)
    try:
        yield copy
    finally:
        _in_use.remove(copy)
        copy.close()


def _let_all_run(copy: Node) -> None:
    is_off = {pipe.id for pipe in copy.pipes.values() if pipe.pump.schedule.mode == "off"}
    if is_off:
        entities = copy.config.entities
        running = [_with_manual_pump(each) if each["_id"] in is_off else each for each in entities]
        copy.replace_entities(running, force=True)
    for pipe in copy.pipes.values():
        pipe.pump.disabled = False


def _with_manual_pump(entity: Mapping[str, Any]) -> Json:
    return {**entity, "pump": {**(entity.get("pump") or {}), "mode": "manual"}}


def progress() -> list[dict[str, object]]:
    """Return how far the plan or verification that is being made has come.

    As of a node, with `"dry_run": true`.
    """
    return [{**each, "dry_run": True} for copy in list(_in_use) for each in copy.progress()]


def snapshot(data: Path, folder: Path) -> None:
    """Copy the datasets of a data folder to another one, as of one instant.

    SQLite's backup reads a snapshot: nobody is held up, and memory stays flat.
    """
    folder.mkdir(exist_ok=True)
    _copy(data / STORE_FILE, folder / STORE_FILE)


def run(node: Node, seconds: float) -> Json:
    """Run all pipes until nothing moves, at most so long; the result as of a run-all."""
    options = RunAllOptions(max_run_time=seconds, check_input_pipes=True)
    return node.runs.start(options, reset=False, delete_input=False).wait()


def failures(result: Json) -> list[dict[str, str]]:
    """Return why a run was no success: `[{"pipe", "reason"}]`, [] for a success."""
    info = result["additional_info"]
    found = list(info.get("failed_pipes", []))
    if not found and result["status"] != "success":
        found = [{"pipe": "", "reason": info.get("message") or result["status"]}]
    return found


def _copy(source: Path, target: Path) -> None:
    origin, copy = sqlite3.connect(source), sqlite3.connect(target)
    try:
        copy.execute("PRAGMA synchronous = OFF")
        origin.backup(copy)
    finally:
        copy.close()
        origin.close()
