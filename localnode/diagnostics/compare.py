"""Compare what two configurations produce from the same data."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import requests

from core.diff import field_changes
from core.jsonio import Json
from core.names import SHARE, TRANSFORM, parse_ni, parse_pipe
from localnode import codec
from localnode.config import NodeConfig, read_upload
from localnode.diagnostics.names import Labels, concepts, kinds, listed
from localnode.diagnostics.plan import LIMIT, SECONDS
from localnode.diagnostics.scratch_copy import failures, run, scratch_copy, snapshot, workplace
from localnode.node import Node
from localnode.node.folder import STORE_FILE
from localnode.pipes import RemoteFailed, Systems
from localnode.store import Store

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


def compare(
    node: Node,
    archive: bytes,
    variables: Mapping[str, object] | None = None,
    limit: int = LIMIT,
    seconds: float = SECONDS,
) -> Json:
    """Run the present configuration and another one (an archive as for an upload) over what was collected.

    Both go through everything again, on copies; no system is asked and nothing is shared. `variables` replace
    the environment variables of the other one. ::

        {"status": "nothing" | "changes" | "failed",
         "pipes": {"added": [id, …], "removed": […], "changed": […]},
         "counts": {"added", "removed", "changed"},                    entities, complete
         "datasets": {"global-person": {"added", "removed", "changed"}, …},
         "differences": [{"dataset", "_id", "change": "added" | "removed" | "changed",
                          "records": [NI, …],
                          "fields": [{"field", "before", "after"}]}],  golden values, or what would be wanted
         "failed_pipes": {"now": [{"pipe", "reason"}], "other": […]},  pipes that do not get through
         "systems": {id: name},                                        how people call them
         "seconds": s, "limit": n}

    Compared are the golden records and what the transform pipes want of each system. ConfigRefused when the
    other configuration has errors; Conflict while a plan is made.
    """
    started = time.monotonic()
    with workplace(node) as folder:
        snapshot(node.settings.data, folder / "recorded")
        recorded = Store.open(folder / "recorded" / STORE_FILE, "OFF")
        try:
            systems = partial(ReplayedSystems, recorded, _sources(node.config))
            with scratch_copy(node, folder / "other", systems, folder / "recorded") as other:
                if variables is not None:
                    other.replace_env(variables, force=True)
                other.replace_entities(read_upload(archive), force=False)
                with scratch_copy(node, folder / "now", systems, folder / "recorded") as now:
                    failed = {"now": _outcome(now, seconds), "other": _outcome(other, seconds)}
                    found = _differences(now, other, limit)
        finally:
            recorded.close()
    status = (
        "failed" if failed["now"] or failed["other"] else "changes" if found["differences"] else "nothing"
    )
    took = round(time.monotonic() - started, 3)
    return {
        "status": status,
        **found,
        "failed_pipes": failed,
        "systems": Labels.of(node.config).systems,
        "seconds": took,
        "limit": limit,
    }


class ReplayedSystems(Systems):
    """Systems that repeat what they returned before: every read returns everything that was collected."""

    def __init__(self, recorded: Store, sources: Mapping[tuple[str, str], str], *others: Any) -> None:
        super().__init__(*others)
        self._recorded, self._sources = recorded, sources

    @contextmanager
    def stream(
        self, system_id: str, method: str, path: str, **options: object
    ) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """See Systems."""
        dataset = self._recorded.find(self._sources.get((system_id, path), ""))
        if dataset is None:
            raise RemoteFailed(f"system {system_id!r}: nothing was collected from {path}")
        yield {}, _array(dataset.read())

    def _send(self, system_id: str, method: str, path: str, **options: object) -> requests.Response:
        raise RemoteFailed(f"{method} {path} of system {system_id!r}: a comparison asks no system")


def _array(entities: Iterator[Json]) -> Iterator[bytes]:
    separator = b"["
    for entity in entities:
        kept = {name: each for name, each in entity.items() if name[:1] != "$"}
        yield separator + codec.dumps({**kept, "_updated": f"{entity['_updated']:020d}"})
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _sources(config: NodeConfig) -> dict[tuple[str, str], str]:
    """Return dataset by system and path of what was read from there."""
    found = {}
    for pipe in config.pipes.values():
        source = pipe.effective.get("source") or {}
        if pipe.source_type == "json" and pipe.sink_dataset:
            found[str(source.get("system")), str(source.get("url"))] = pipe.sink_dataset
    return found


def _outcome(node: Node, seconds: float) -> list[dict[str, str]]:
    """Run everything except the shares again; return what failed."""
    for pipe in node.pipes.values():
        stage = parse_pipe(pipe.id)
        if stage is not None and stage[1] == SHARE:
            pipe.operate("disable", {})
        elif pipe.has_pump:
            pipe.operate("update-last-seen", {"last-seen": ""})
    return failures(run(node, seconds))


def _differences(now: Node, other: Node, limit: int) -> Json:
    per: dict[str, Counter[str]] = {}
    kept: list[Json] = []
    for name in sorted(_compared(now.config) | _compared(other.config)):
        for difference in _of_dataset(now.store, other.store, name):
            per.setdefault(name, Counter({ADDED: 0, REMOVED: 0, CHANGED: 0}))[difference["change"]] += 1
            if len(kept) < limit:
                kept.append(difference)
    total: Counter[str] = Counter({ADDED: 0, REMOVED: 0, CHANGED: 0})
    for counts in per.values():
        total.update(counts)
    return {
        "pipes": _pipes(now.config, other.config),
        "counts": dict(total),
        "datasets": {name: dict(counts) for name, counts in per.items()},
        "differences": kept,
    }


def _compared(config: NodeConfig) -> set[str]:
    """Return the datasets of golden records and of the desired states of each kind."""
    return {str(each.sink_dataset) for each in concepts(config)} | {
        kind.pipe(TRANSFORM) for kind in kinds(config, TRANSFORM)
    }


def _of_dataset(now: Store, other: Store, name: str) -> Iterator[Json]:
    before, after = now.find(name), other.find(name)
    for entity in before.read(deleted=False) if before is not None else ():
        row = after.get(entity["_id"]) if after is not None else None
        changed = row.entity() if row is not None and not row.deleted else None
        fields = _fields(_shown(entity), _shown(changed or {}))
        if fields:
            yield _difference(name, CHANGED if changed else REMOVED, changed or entity, fields)
    for entity in after.read(deleted=False) if after is not None else ():
        row = before.get(entity["_id"]) if before is not None else None
        if row is None or row.deleted:
            fields = _fields({}, _shown(entity))
            if fields:
                yield _difference(name, ADDED, entity, fields)


def _difference(dataset: str, change: str, entity: Json, fields: list[Json]) -> Json:
    records = [ni for ni in listed(entity.get("$ids")) if parse_ni(ni)]
    return {"dataset": dataset, "_id": entity["_id"], "change": change, "records": records, "fields": fields}


def _shown(entity: Json) -> Json:
    """Return the part of an entity that is compared: golden values and members, or the desired state.

    Clocks are not compared.
    """
    if not entity:
        return {}
    golden = entity.get("golden")
    if isinstance(golden, dict):
        values = {name: (claim or {}).get("v") for name, claim in golden.items()}
        return {**values, "$ids": sorted(map(str, listed(entity.get("$ids"))))}
    kept = {name: value for name, value in entity.items() if name[:1] not in ("_", "$")}
    return {**kept, "$operation": entity.get("$operation")}


def _fields(before: Json, after: Json) -> list[Json]:
    return field_changes(before, after, sorted(before.keys() | after.keys()))


def _pipes(now: NodeConfig, other: NodeConfig) -> Json:
    both = now.pipes.keys() & other.pipes.keys()
    return {
        ADDED: sorted(other.pipes.keys() - both),
        REMOVED: sorted(now.pipes.keys() - both),
        CHANGED: sorted(name for name in both if now.pipes[name].effective != other.pipes[name].effective),
    }
