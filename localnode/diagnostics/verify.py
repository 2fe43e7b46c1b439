"""Do both sides agree? All is read again, through an empty node, and what a sync would do is a fault."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import islice

from core.clock import now_text
from core.jsonio import Json
from core.names import COLLECT, SHARE, TRANSFORM, Kind
from localnode.config import NodeConfig
from localnode.diagnostics import faults
from localnode.diagnostics.delivery import Delivery
from localnode.diagnostics.dry_run import DryRunSystems
from localnode.diagnostics.findings import of_pumps
from localnode.diagnostics.names import Labels, concepts, kinds, members
from localnode.diagnostics.open_cases import open_cases
from localnode.diagnostics.plan import LIMIT, SECONDS, BoundedList
from localnode.diagnostics.planned_writes import PlannedWrites
from localnode.diagnostics.scratch_copy import failures, run, scratch_copy, workplace
from localnode.node import Node
from localnode.store import Store

SETTLED = "settled-difference"
"""The rule by which a node reports linked records that differ, when it does not know which is newer."""
MERGED = {"settled-differences": "merge"}
"""What makes the empty node say of such records what would be written, field by field."""


def verify(node: Node, limit: int = LIMIT, seconds: float = SECONDS) -> Json:
    """Compare the systems as they are now, without regard to what the node has collected before.

    An empty node with the same configuration reads every record of every system, matches and merges them, and
    asks the services by dry runs what they would make of the differences. Nothing is written anywhere.
    The empty node has no property clocks, so it merges what it would report as `settled-difference`. ::

        {"status": "agree" | "differ" | "failed", "at": "…Z",
         "counts": [{"system", "datatype", "live", "deleted", "linked"}],  linked: has a living counterpart
         "faults": [{"fault",                                              see `localnode.diagnostics.faults`
                     "system", "datatype", "id", "ni",                     the record that is wrong
                     "records": [NI, …],                                   what else it is about
                     "fields": [{"field", "is", "should"}],
                     "detail": "in words",
                     "on_its_way": bool,                               an edit that the next run carries out
                     "held_by": [pipe, …]}],                           unless these pumps keep it from it
         "on_their_way": n,                                            how many of all faults are such
         "fault_counts": {"missing": n, …},                                complete, also when `faults` is cut
         "open": [{"pipe", "status", "rule", "detail", "records"}],        waits for a person: no fault
         "gone": [{record, "records": [NI, …]}],                           kept although its counterpart is
                                                                           deleted, as the settings say
         "failed_pipes": [{"pipe", "reason"}],
         "findings": […], "systems": {id: name},                       as of a plan
         "seconds": s, "limit": n}

    Edits that are still to be synced are differences as well, and marked as such. Pumps that are disabled or
    off are gone through like all others. Conflict while another plan is made.
    """
    started = time.monotonic()
    with workplace(node) as folder:
        planned = PlannedWrites(folder / "planned-writes.db")
        systems = partial(DryRunSystems, planned, False)
        try:
            with scratch_copy(node, folder / "node", systems, variables=MERGED) as copy:
                failed = failures(run(copy, seconds))
                found = _report(node, copy, planned, limit)
        finally:
            planned.close()
    status = "failed" if failed else "differ" if found["fault_counts"] else "agree"
    at = now_text()
    took = round(time.monotonic() - started, 3)
    return {
        "status": status,
        "at": at,
        **found,
        "failed_pipes": failed,
        "findings": [each.as_json() for each in of_pumps(node)],
        "systems": Labels.of(node.config).systems,
        "seconds": took,
        "limit": limit,
    }


def _report(node: Node, copy: Node, planned: PlannedWrites, limit: int) -> Json:
    known, fresh, config = node.store, copy.store, copy.config
    waits: set[tuple[str, str]] = set()
    settled: dict[tuple[str, str], Json] = {}
    by_record: dict[str, list[Json]] = {}
    for case in open_cases(known, known, config):
        waits.update((case["pipe"], ni) for ni in case["records"])
        for ni in case["records"]:
            by_record.setdefault(ni, []).append(case)
        if case["rule"] == SETTLED:
            settled[case["pipe"], case["_id"]] = case
    listed, opened = BoundedList(limit), BoundedList(limit)
    delivery, on_their_way = Delivery(node, fresh), 0

    def note(fault: Json) -> None:
        nonlocal on_their_way
        fault |= delivery.of(fault)
        on_their_way += fault["on_its_way"]
        listed.add(fault, fault["fault"])

    for case in open_cases(fresh, fresh, config):
        if any((case["pipe"], ni) in waits for ni in case["records"]):
            opened.add(_told(case), "open")
        elif not faults.outlived(known, config, case):
            note(faults.undecided(known, fresh, config, case))
    for write in planned.writes():
        fault = faults.of_write(known, fresh, config, write)
        if fault is None or faults.kept_otherwise(known, config, fault, meant := _meant(fresh, write)):
            continue
        reported = settled.get((Kind(write["system"], write["datatype"]).pipe(SHARE), write["id"]))
        cases = by_record.get(fault["ni"], [])
        reported = reported or _the_other_way(known, fault, cases, meant)
        # What the node has reported, and nobody has edited since, waits for a person.
        if fault["fault"] == "differing" and reported and not delivery.of(fault)["on_its_way"]:
            opened.add(_told(reported), "open")
        else:
            note(fault)
    for fault in faults.of_links(fresh, config):
        note(fault)
    return {
        "counts": list(_counts(fresh, config)),
        "faults": listed.kept,
        "fault_counts": dict(sorted(listed.counts.items())),
        "on_their_way": on_their_way,
        "open": opened.kept,
        "gone": list(islice(_gone(fresh, config), limit)),
    }


def _the_other_way(
    known: Store, fault: Json, cases: list[Json], meant: faults.Meant | None = None
) -> Json | None:
    """Return the open case in which the node wants these very values the other way round.

    By its clocks the other record is behind, and it waits for a person to change that one, as where an API
    cannot. A node without clocks lets another value win. `meant`: the values of the fault, from `_meant`.
    """
    for case in cases:
        found = _row(known, case["pipe"], case["_id"])
        lost, won = found.get("$lost") or {}, found.get("$why") or {}
        pairs = {name: (claim["v"], (won.get(name) or {}).get("v")) for name, claim in lost.items()}
        if all((each["should"], each["is"]) in pairs.values() for each in fault["fields"]):
            return case
        if meant and all(pairs.get(name) == pair for name, pair in meant.items()):
            return case
    return None


def _meant(fresh: Store, write: Json) -> faults.Meant:
    """Return what a write would set, by property of the shared model: the value and what it replaces.

    Each system writes a value in its own form, so that fields of two systems do not compare.
    """
    row = _row(fresh, Kind(write["system"], write["datatype"]).pipe(TRANSFORM), write["id"])
    said = row.get("$lost") or {}
    wanted = row.get("$wanted") or {}
    return {name: (value, (said.get(name) or {}).get("v")) for name, value in wanted.items()}


def _row(store: Store, pipe: str, key: str) -> Json:
    dataset = store.find(pipe)
    row = dataset.get(key) if dataset is not None else None
    return row.entity() if row is not None else {}


def _told(case: Json) -> Json:
    return {name: case[name] for name in ("pipe", "status", "rule", "detail", "records")}


def _counts(store: Store, config: NodeConfig) -> Iterator[Json]:
    """Yield records per kind, as read again."""
    linked: Counter[Kind] = Counter()
    for concept in concepts(config):
        dataset = store.find(str(concept.sink_dataset))
        for entity in dataset.read(deleted=False) if dataset is not None else ():
            names = [name for name, member in members(entity) if not member.get("deleted")]
            if len({name.system for name in names}) > 1:
                linked.update(name.kind for name in names)
    for kind in kinds(config, COLLECT):
        dataset = store.find(kind.pipe(COLLECT))
        info = dataset.info() if dataset is not None else None
        yield {
            "system": kind.system,
            "datatype": kind.datatype,
            "live": info.live if info else 0,
            "deleted": info.ids - info.live if info else 0,
            "linked": linked[kind],
        }


def _gone(store: Store, config: NodeConfig) -> Iterator[Json]:
    """Living records all of whose counterparts in another system are deleted."""
    for concept in concepts(config):
        dataset = store.find(str(concept.sink_dataset))
        for entity in dataset.read(deleted=False) if dataset is not None else ():
            found = list(members(entity))
            living = {name.system for name, member in found if not member.get("deleted")}
            dead = [name for name, member in found if member.get("deleted") and name.system not in living]
            for name, member in found:
                if dead and not member.get("deleted"):
                    yield {**name.as_json(), "records": [each.ni for each in dead]}
