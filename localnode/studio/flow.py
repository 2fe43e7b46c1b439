"""`/studio/data/flow`: every pipe with its state and figures, and what it reads and writes."""

from __future__ import annotations

from typing import Any

from flask import Response

from core.jsonio import Json
from localnode.api import views
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.config.effective import ENDPOINT_SINKS, transforms
from localnode.node import NodePipe
from localnode.pipes.policy import policy
from localnode.scheduler import FAILED, NOT_READY
from localnode.store.state import retry_counts
from localnode.studio import names
from localnode.studio.data import data

MAX_REASON = 600


@data.get("/flow")
def get_flow() -> Response:
    """Return `{"systems": [ids], "pipes": [see pipe_card], "datasets": [those without a pipe]}`."""
    here = node()
    retries = retry_counts(node().store)
    pipes = [pipe_card(pipe, retries.get(pipe.id, 0)) for pipe in here.pipes.values()]
    _add_concepts(pipes)
    written = {pipe["dataset"] for pipe in pipes}
    others = [each for each in here.store.datasets() if each.id not in written]
    return as_json(
        {
            "systems": sorted(here.config.systems),
            "pipes": pipes,
            "datasets": [{"id": each.id, **counts(each)} for each in others],
        }
    )


@data.get("/pipes/<path:pipe_id>")
def get_pipe(pipe_id: str) -> Response:
    """Return one pipe: its card, its uploaded config, its findings and its pump."""
    pipe = node().pipe(pipe_id)
    return as_json(
        {
            **pipe_card(pipe, retry_counts(node().store).get(pipe_id, 0)),
            "config": pipe.component.original,
            "findings": [problem.as_json() for problem in pipe.component.problems],
            "pump": pipe.component.effective.get("pump", {}),
            "operations": pipe.operations(),
            "readers": sorted(
                each.id
                for each in node().pipes.values()
                if pipe.component.sink_dataset and pipe.component.sink_dataset in _inputs(each)
            ),
        }
    )


def pipe_card(pipe: NodePipe, retries: int) -> dict[str, object]:
    """Return what the flow shows of one pipe.

    `changes` and `seconds` are those of the last run. `backlog` is how many versions of the source are still
    to be read, None if the source does not know.
    """
    component, pump, last = pipe.component, pipe.pump, pipe.pump.last
    system, datatype, stage = names.parts(pipe.id, node().config.systems)
    state, reason = state_of(pipe)
    effective = component.effective
    return {
        "id": pipe.id,
        "system": system,
        "datatype": datatype,
        "stage": stage or ("endpoint" if component.sink_type in ENDPOINT_SINKS else ""),
        "comment": _text(component.original.get("comment") or component.original.get("description")),
        "state": state,
        "reason": reason[:MAX_REASON],
        "reads": component.sources,
        "hops": sorted(component.tracked | component.untracked),
        "from": _outside(effective.get("source")),
        "to": written_to(effective),
        "source": component.source_type,
        "sink": component.sink_type,
        "dataset": component.sink_dataset,
        "has_pump": pipe.has_pump,
        "disabled": pump.disabled,
        "next_run": next_run(pipe),
        "last_run": views.timestamp(last.started) if last else None,
        "seconds": round(last.ended - last.started, 3) if last else None,
        "changes": last.outcome.changes if last else None,
        "retries": retries,
        "dead_letters": dead_letters(pipe),
        "dead_letter_dataset": policy(effective).dead_letter_dataset,
        "backlog": _backlog(pipe),
        **counts(pipe.sink_dataset),
    }


def dead_letters(pipe: NodePipe) -> int:
    """Return how many entities the pipe could not process."""
    name = policy(pipe.component.effective).dead_letter_dataset
    dataset = node().store.find(name) if isinstance(name, str) else None
    return dataset.info().live if dataset is not None else 0


def state_of(pipe: NodePipe) -> tuple[str, str]:
    """Return the state of a pipe, and the reason.

    It is one of invalid, not-runnable, disabled, running, failed, waiting, blocked, ready, never.
    """
    pump, last = pipe.pump, pipe.pump.last
    if not pipe.component.valid:
        first = next(each for each in pipe.component.problems if each.level == "error")
        return "invalid", f"{first.msg}"
    if pipe.component.not_runnable:
        return "not-runnable", pipe.component.not_runnable
    if pump.disabled:
        return "disabled", pump.comment or ""
    if pump.is_running:
        return "running", ""
    if pipe.blocked:
        return "blocked", pipe.blocked
    if not pipe.has_pump or last is None:
        return ("ready" if not pipe.has_pump or pipe.last_seen is not None else "never"), ""
    states = {FAILED: "failed", NOT_READY: "waiting"}
    return states.get(last.outcome.status, "ready"), last.outcome.reason or ""


def counts(dataset: Any) -> Json:
    """Return the stored counts of a dataset, zeros if it does not exist yet."""
    if dataset is None:
        return {"live": 0, "deleted": 0, "versions": 0, "populated": False, "breaker": None}
    info = dataset.info()
    return {
        "live": info.live,
        "deleted": info.ids - info.live,
        "versions": 0 if info.max_updated is None else info.max_updated + 1,
        "populated": info.populated,
        "breaker": info.breaker,
    }


def next_run(pipe: NodePipe) -> str | None:
    """Return when the pump of a pipe will run by itself."""
    planned = pipe.has_pump and pipe.pump.may_run and node().settings.schedule
    return views.timestamp(pipe.pump.next_run) if planned else None


def _backlog(pipe: NodePipe) -> int | None:
    sources = pipe.component.sources
    if pipe.component.source_type != "dataset" or len(sources) != 1:
        return None
    dataset, seen = node().store.find(sources[0]), pipe.last_seen
    if dataset is None or not isinstance(seen, int | None):
        return None
    newest = dataset.max_updated
    return max(0, (-1 if newest is None else newest) - (-1 if seen is None else seen))


def _inputs(pipe: NodePipe) -> set[str]:
    component = pipe.component
    return {*component.sources, *component.tracked, *component.untracked}


def _outside(part: Any) -> str | None:
    """Return the system that a source or sink talks to."""
    talks = isinstance(part, dict) and part.get("type") != "embedded" and isinstance(part.get("system"), str)
    return part["system"] if talks else None


def written_to(effective: dict[str, object]) -> str | None:
    """Return the system that a pipe writes to, by its sink or by a transform with side effects."""
    calls = [link for _, link in transforms(effective) if isinstance(link, dict) and link.get("side_effects")]
    found = [_outside(part) for part in [effective.get("sink"), *calls]]
    return next((system for system in found if system), None)


def _text(value: object) -> str:
    return " ".join(str(part) for part in value) if isinstance(value, list) else str(value or "")


def _add_concepts(pipes: list[Json]) -> None:
    """Set `concept` of every card. Endpoints read from everywhere and belong to none.

    A kind of record belongs to the golden record that it is merged into, or made from; pipes that are about
    no kind of record go with those that they read.
    """
    writers = {pipe["dataset"]: pipe for pipe in pipes if pipe["dataset"]}
    inner = [pipe for pipe in pipes if pipe["stage"] != "endpoint"]
    read_by = {pipe["id"]: [writers[name] for name in pipe["reads"] if name in writers] for pipe in inner}
    kinds: dict[tuple[str, str], str] = {}
    merged = [
        (pipe["datatype"], each)
        for pipe in inner
        if pipe["stage"] == "global"
        for each in read_by[pipe["id"]]
    ]
    made = [
        (each["datatype"], pipe)
        for pipe in inner
        for each in read_by[pipe["id"]]
        if each["stage"] == "global"
    ]
    for concept, pipe in [*merged, *made]:
        if pipe["datatype"] and pipe["system"]:
            kinds.setdefault((pipe["system"], pipe["datatype"]), concept)
    titles = {pipe["id"]: pipe["datatype"] for pipe in inner if pipe["stage"] == "global"}
    titles |= {
        pipe["id"]: kinds[pipe["system"], pipe["datatype"]]
        for pipe in inner
        if (pipe["system"], pipe["datatype"]) in kinds
    }
    prefixes = {f"{system}-{datatype}-": concept for (system, datatype), concept in kinds.items()}
    # What is of no known stage goes by its name, else with what it reads, if that is of one concept.
    for pipe in inner:
        near = {concept for prefix, concept in prefixes.items() if pipe["id"].startswith(prefix)} or {
            titles[each["id"]] for each in read_by[pipe["id"]] if each["id"] in titles
        }
        if pipe["id"] not in titles and len(near) == 1:
            titles[pipe["id"]] = near.pop()
    rest = {
        pipe["id"]: [each["id"] for each in read_by[pipe["id"]]] for pipe in inner if pipe["id"] not in titles
    }
    joined = {source for sources in rest.values() for source in sources if source in rest}
    alone = {
        pipe: "other" for pipe, sources in rest.items() if pipe not in joined and not joined & set(sources)
    }
    found = names.concepts(rest, {}, {pipe["id"]: pipe["datatype"] for pipe in inner}) | alone | titles
    for pipe in pipes:
        pipe["concept"] = found.get(pipe["id"], "endpoints")
