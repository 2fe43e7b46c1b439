"""What a run would do: the real engine over a copy of the datasets, with shares as dry runs."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial

from core.jsonio import Json
from core.names import COLLECT, SHARE, Kind, parse_pipe
from localnode.config import NodeConfig
from localnode.diagnostics.dry_run import DryRunSystems
from localnode.diagnostics.findings import of_pumps
from localnode.diagnostics.golden import golden_of
from localnode.diagnostics.names import Labels, concepts, kinds, listed, members
from localnode.diagnostics.open_cases import index_open_cases, open_cases
from localnode.diagnostics.planned_writes import PlannedWrites
from localnode.diagnostics.scratch_copy import failures, run, scratch_copy, workplace
from localnode.node import Node
from localnode.store import Store

SECONDS = 900.0
LIMIT = 10_000
OPERATIONS = ("insert", "update", "delete")


def plan(node: Node, limit: int = LIMIT, seconds: float = SECONDS) -> Json:
    """Return what a run of all pipes would do now.

    Nothing is written to any system, nor to the node's datasets.

    Sources are read again and shares are made as dry runs. Records as they would be are fed back as if they
    had been collected, until nothing moves, so that writes which follow from others are foreseen, too. ::

        {"status": "nothing" | "changes" | "failed",
         "counts": {"insert", "update", "delete", "link", "open"},   complete, also when lists are cut
         "kinds": [{"system", "datatype",                            all datatypes, complete as well:
                    "records": n,                                    live, as read
                    "matched": n,                                    of those: have a living counterpart
                    "insert": n, "update": n, "delete": n,           to be written
                    "open": {rule: n}}],                             not written: a person has to decide
         "writes": [{"system", "datatype", "id", "ni",
                     "operation": "insert" | "update" | "delete",
                     "origin": NI | null,                            the record it would be made from
                     "because": [NI, …],                             everything that is this person, order, …
                     "calls": n,                                     calls of the service that add up to it
                     "fields": [{"field": "address.city", "before", "after"}]}],
         "links": [{"concept", "golden", "records": [NI, …]}],       records found to be the same
         "open": [{"pipe", "_id", "status", "rule", "detail", "records": [NI, …], "is_new": bool}],
         "failed_pipes": [{"pipe", "reason"}],                       what could not be foreseen, and why
         "findings": [{"kind", "severity", "pipe", "about", "detail", …}],   what holds the real run up, see
                                                                     `localnode.diagnostics.findings`
         "systems": {id: name},                                      how people call them
         "seconds": s, "limit": n}                                   at most n entries in each list

    A pump that is disabled or off is planned through like all others, and named in `findings`.

    Keys and numbers that a system gives to new records itself cannot be known: placeholders such as
    `new-customer-4711` (made from customer 4711) stand for them. Conflict while another plan is made.
    """
    started = time.monotonic()
    index_open_cases(node.store, node.config)
    with workplace(node) as folder:
        planned = PlannedWrites(folder / "planned-writes.db")
        try:
            systems = partial(DryRunSystems, planned, True)
            with scratch_copy(node, folder / "node", systems, node.settings.data) as copy:
                failed = failures(run(copy, seconds))
                found = _report(node.store, copy.store, copy.config, planned, limit)
        finally:
            planned.close()
    counts = found["counts"]
    moves = any(counts[name] for name in ("insert", "update", "delete", "link"))
    status = "failed" if failed else "changes" if moves else "nothing"
    seconds = round(time.monotonic() - started, 3)
    return {
        "status": status,
        **found,
        "failed_pipes": failed,
        "findings": [each.as_json() for each in of_pumps(node)],
        "systems": Labels.of(node.config).systems,
        "seconds": seconds,
        "limit": limit,
    }


def _report(before: Store, after: Store, config: NodeConfig, planned: PlannedWrites, limit: int) -> Json:
    writes: BoundedList = BoundedList(limit)
    for write in planned.writes():
        writes.add(write, write["operation"])
    links, opened = BoundedList(limit), BoundedList(limit)
    for link in _links(before, after, config, planned):
        links.add(link, "link")
    for case in open_cases(before, after, config):
        opened.add(case, "open")
    kinds_of = (*OPERATIONS, "link", "open")
    counts = dict.fromkeys(kinds_of, 0) | writes.counts | links.counts | opened.counts
    return {
        "counts": counts,
        "kinds": _per_kind(after, config, planned),
        "writes": writes.kept,
        "links": links.kept,
        "open": opened.kept,
    }


def _per_kind(store: Store, config: NodeConfig, planned: PlannedWrites) -> list[Json]:
    """Return what the plan comes to for every datatype that is read or shared."""
    tally: defaultdict[Kind, Counter[str]] = defaultdict(Counter)
    waits: defaultdict[Kind, Counter[str]] = defaultdict(Counter)
    for write in planned.writes():
        tally[Kind(write["system"], write["datatype"])][write["operation"]] += 1
    for case in open_cases(store, store, config):
        stage = parse_pipe(case["pipe"])
        if stage is not None:
            waits[stage[0]][str(case["rule"] or case["status"])] += 1
    for concept in concepts(config):
        dataset = store.find(str(concept.sink_dataset))
        for entity in dataset.read(deleted=False) if dataset is not None else ():
            living = [name for name, member in members(entity) if not member.get("deleted")]
            there = [name for name in living if not planned.makes(name)]
            if len({name.system for name in there}) > 1:
                for name in there:
                    tally[name.kind]["matched"] += 1
    found = []
    for kind in sorted({*kinds(config, COLLECT), *kinds(config, SHARE)}):
        dataset = store.find(kind.pipe(COLLECT))
        count = tally[kind]
        live = dataset.info().live if dataset is not None else 0
        found.append(
            {
                "system": kind.system,
                "datatype": kind.datatype,
                "records": max(0, live - count["insert"] + count["delete"]),
                "matched": count["matched"],
                **{operation: count[operation] for operation in OPERATIONS},
                "open": dict(sorted(waits[kind].items())),
            }
        )
    return found


class BoundedList:
    """Counts entries by kind, and keeps the first `limit` of them: memory must not grow with the data."""

    def __init__(self, limit: int) -> None:
        self.counts: Counter[str] = Counter()
        self.kept: list[Json] = []
        self._limit = limit

    def add(self, entry: Json, kind: str) -> None:
        """Count one more."""
        self.counts[kind] += 1
        if len(self.kept) < self._limit:
            self.kept.append(entry)


def _links(before: Store, after: Store, config: NodeConfig, planned: PlannedWrites) -> Iterator[Json]:
    """Golden records that bring together what was apart, newly made records left out."""
    for concept in concepts(config):
        dataset, old = after.find(str(concept.sink_dataset)), before.find(str(concept.sink_dataset))
        if dataset is None:
            continue
        for entity in dataset.read(old.max_updated if old is not None else None, deleted=False):
            names = [name for name, member in members(entity) if not member.get("deleted")]
            found = [name for name in names if not planned.makes(name)]
            if len({name.system for name in found}) < 2:
                continue
            known = golden_of(before, config, found[0])
            together = set(listed(known[1].get("$ids"))) if known else set()
            if not together.issuperset(name.ni for name in found if name.ni in listed(entity.get("$ids"))):
                records = [name.ni for name in found]
                yield {"concept": dataset.id, "golden": entity["_id"], "records": records}
