"""JSON forms of pipes, pumps, systems and datasets, as clients of the node read them."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from core.clock import seconds_to_text
from localnode.config.model import Component, PipeComponent
from localnode.node import NodePipe
from localnode.scheduler import FAILED, SUCCESS, Pump
from localnode.store import Dataset
from localnode.store.breaker import staged_count

PARTS = frozenset({"config", "runtime", "storage", "graph"})


def pipe_view(pipe: NodePipe, fields: Collection[str] = ("config", "runtime")) -> dict[str, object]:
    """Return a pipe object; `fields` are any of config, runtime, storage, graph."""
    component = pipe.component
    view: dict[str, Any] = {"_id": component.id}
    if "config" in fields:
        view["config"] = component_config(component)
    if "runtime" in fields:
        view["runtime"] = {**config_state(component), **pump_runtime(pipe)}
    if "storage" in fields:
        dataset = pipe.sink_dataset
        view["storage"] = {"dataset": dataset.id, **storage(dataset)} if dataset else {}
    if "graph" in fields:
        view["graph"] = {
            "inputs": component.sources,
            "output": component.sink_dataset,
            "tracked_hops": sorted(component.tracked),
            "untracked_hops": sorted(component.untracked),
        }
    return view


def component_config(component: Component) -> dict[str, object]:
    """Return both forms of a config. `$SECRET()` references are never resolved here."""
    return {"original": component.original, "effective": component.effective}


def config_state(component: Component) -> dict[str, object]:
    """Return whether a component is in use, and what is wrong with its config.

    `not-runnable` names the component of a pipe that only a hosted node has.
    """
    reason = component.not_runnable if isinstance(component, PipeComponent) else None
    return {
        "state": "Deployed",
        "is-valid-config": component.valid,
        "config-errors": [problem.as_json() for problem in component.problems],
        **({"not-runnable": reason} if reason else {}),
    }


def pump_view(pipe: NodePipe) -> dict[str, object]:
    """Return a pump object."""
    return {
        "_id": f"pump:{pipe.component.id}",
        "type": "pump",
        "pipe": pipe.component.id,
        "config": {"effective": pipe.component.effective.get("pump", {})},
        "runtime": pump_runtime(pipe),
        "supported_operations": pipe.operations(),
    }


def pump_runtime(pipe: NodePipe) -> dict[str, object]:
    """Return the state of a pump; a pipe without one is never running."""
    pump = pipe.pump
    view: dict[str, Any] = {
        "is-running": pump.is_running,
        "is-disabled": pump.disabled,
        "disabled-comment": pump.comment,
        "is-valid-config": pipe.component.valid,
        "mode": pump.schedule.mode,
        "next-run": timestamp(pump.next_run) if pump.may_run and pipe.has_pump else None,
        "last-seen": pipe.last_seen,
        "queues": pipe.queues(),
    }
    view.update(_last_run(pump))
    return view


def _last_run(pump: Pump) -> dict[str, object]:
    last = pump.last
    if last is None:
        return {"success": None, "last-run": None, "last-original-error-message": None}
    failed = last.outcome.status == FAILED
    return {
        "success": last.outcome.status == SUCCESS,
        "last-status": last.outcome.status,
        "last-run": timestamp(last.started),
        "last-run-time": round(last.ended - last.started, 3),
        "last-message": last.outcome.reason,
        "last-original-error-message": last.outcome.reason if failed else None,
        "progress": {"changes": last.outcome.changes},
    }


def system_view(component: Component) -> dict[str, object]:
    """Return a system object."""
    return {
        "_id": component.id,
        "config": component_config(component),
        "runtime": config_state(component),
    }


def dataset_view(dataset: Dataset) -> dict[str, object]:
    """Return a dataset object."""
    return {"_id": dataset.id, "config": {"type": "dataset"}, "runtime": storage(dataset)}


def storage(dataset: Dataset) -> dict[str, object]:
    """Return figures of a dataset: counts by distinct id, offsets, completeness in µs."""
    info = dataset.info()
    return {
        "populated": info.populated,
        "generation": info.generation,
        "max-updated": info.max_updated,
        "count-index-exists": info.live,
        "count-index-deleted": info.ids - info.live,
        "count-log": 0 if info.max_updated is None else info.max_updated + 1,
        "completeness": info.completeness,
        "circuit-breaker": info.breaker,
        "uncommitted": staged_count(dataset),
        "created": timestamp(info.created / 1e6),
    }


def timestamp(seconds: float) -> str | None:
    """Return ISO 8601 UTC with microseconds; None for never."""
    if math.isinf(seconds):
        return None
    return seconds_to_text(seconds)
