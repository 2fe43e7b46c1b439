"""Show what a person may decide about waiting records and what would follow; then carry it out.

A decision takes three steps, so that nothing happens unseen: `decisions` returns the entities, `foresee` the
writes that would follow, and a person who agrees pushes the entities to the receiver.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from core import decisions as made
from core.jsonio import Json, dumps
from core.names import COLLECT, SHARE, TRANSFORM, Kind, RecordName, parse_ni
from localnode.diagnostics.dry_run import DryRunSystems
from localnode.diagnostics.names import Labels, called, concept_of, listed
from localnode.diagnostics.open_cases import index_open_cases, open_cases
from localnode.diagnostics.plan import BoundedList
from localnode.diagnostics.planned_writes import PlannedWrites
from localnode.diagnostics.scratch_copy import failures, run, scratch_copy, workplace
from localnode.errors import BadRequest, NotFound
from localnode.node import Node, PushRequest
from localnode.store import Dataset, Store, Stored
from localnode.store.pagination import first_at

LIMIT = 200
SECONDS = 120.0


def decisions(node: Node, asked: Mapping[str, object]) -> list[Json]:
    """Return the decisions that a request comes to, as the receiver takes them.

    ::

        {"action": "link", "record": RECORD, "other": RECORD}        RECORD: {"system", "datatype", "id"}
        {"action": "unlink" | "new", "record": RECORD}
        {"action": "choose", "record": RECORD, "property": name}
        {"action": "retry" | "ignore" | "note", "pipe": share pipe, "id": _id of its row}
        {"action": "undo", "ids": [_id of a decision, …]}

    each with a `note`, if wanted. BadRequest for what cannot be decided, NotFound for what is not there.
    """
    if node.config.pipes.get(made.RECEIVER) is None:
        raise NotFound(f'this node has no pipe "{made.RECEIVER}" that accepts decisions')
    action, note = asked.get("action"), str(asked.get("note") or "").strip()
    if action == "undo":
        return _undone(node.store, listed(asked.get("ids")))
    if action in made.OF_ROWS:
        return [made.about_row(str(action), *_row(node.store, asked), note)]
    record, group = _record(node.store, asked.get("record")), partial(_group, node.store)
    if action == made.LINK:
        other = _record(node.store, asked.get("other"))
        if concept_of(node.config, record.kind) != concept_of(node.config, other.kind):
            labels = Labels.of(node.config)
            raise BadRequest(f"{labels.record(record)} and {labels.record(other)} cannot be the same thing")
        try:
            return made.link(record, other, group, note)
        except ValueError as error:
            raise BadRequest(str(error)) from error
    if action == made.UNLINK:
        found = made.unlink(record, group, note)
        if not found:
            raise BadRequest(f"{Labels.of(node.config).record(record)} is linked to no other record")
        return found
    if action == made.NEW:
        return [made.about(made.NEW, [record], note)]
    if action == made.CHOOSE:
        name = asked.get("property")
        if not isinstance(name, str) or not name:
            raise BadRequest('"property" must name the property whose value is chosen')
        return [made.about(made.CHOOSE, [record], note, property=name)]
    raise BadRequest(
        f'"action" must be one of link, unlink, new, choose, retry, ignore, note and undo, not "{action}"'
    )


def foresee(node: Node, found: list[Json], seconds: float = SECONDS) -> Json:
    """Return what a run would do once these decisions are made; nothing is written, nothing is decided.

    ::

        {"writes": [as of a plan, with "label" and "name"], "counts": {operation: n},
         "settled": [cases that would wait no more], "opened": [cases that would wait from then on],
         "failed_pipes": [{"pipe", "reason"}], "seconds": s}

    Only what the decisions bring about: what a run would do anyway is left out, as are systems' records that
    have changed since they were last collected.
    """

    def decide(copy: Node) -> None:
        copy.pipe(made.RECEIVER).receive(dumps(found), PushRequest({}, {}, "", None))

    return _foreseen(node, decide if found else None, seconds)


def foresee_commit(node: Node, dataset_id: str, seconds: float = SECONDS) -> Json:
    """Return the effects of letting through what the circuit breaker of a dataset holds back."""
    if node.store.find(dataset_id) is None:
        raise NotFound(f'there is no dataset "{dataset_id}"')
    return _foreseen(node, lambda copy: copy.store.dataset(dataset_id).commit_breaker(), seconds)


def _foreseen(node: Node, change: Callable[[Node], object] | None, seconds: float) -> Json:
    started = time.monotonic()
    labels = Labels.of(node.config)
    index_open_cases(node.store, node.config)
    with workplace(node) as folder:
        before = _effects(node, folder / "before", None, seconds)
        after = _effects(node, folder / "after", change, seconds)
    writes, counts = BoundedList(LIMIT), dict.fromkeys(("insert", "update", "delete"), 0)
    for key, write in after["writes"].items():
        if before["writes"].get(key) != write:
            writes.add(_told(node.store, labels, write), write["operation"])
    for operation, number in writes.counts.items():
        counts[operation] = number
    return {
        "writes": writes.kept,
        "counts": counts,
        "settled": [case for key, case in before["cases"].items() if key not in after["cases"]][:LIMIT],
        "opened": [case for key, case in after["cases"].items() if key not in before["cases"]][:LIMIT],
        "failed_pipes": [each for each in after["failed"] if each not in before["failed"]],
        "seconds": round(time.monotonic() - started, 3),
    }


def _effects(node: Node, folder: Any, change: Callable[[Node], object] | None, seconds: float) -> Json:
    """Return what a run over what has been collected would write, and what would wait afterwards."""
    folder.mkdir()
    planned = PlannedWrites(folder / "planned-writes.db")
    try:
        systems = partial(DryRunSystems, planned, True)
        with scratch_copy(node, folder / "node", systems, node.settings.data) as copy:
            for pipe in copy.pipes.values():
                pipe.pump.disabled = pipe.is_input and pipe.has_pump  # what is collected is what counts
            if change is not None:
                change(copy)
            failed = failures(run(copy, seconds))
            cases = {
                (each["pipe"], each["_id"]): each for each in open_cases(node.store, copy.store, copy.config)
            }
            writes = {(each["system"], each["datatype"], each["id"]): each for each in planned.writes()}
    finally:
        planned.close()
    return {"cases": cases, "writes": writes, "failed": failed}


def _told(store: Store, labels: Labels, write: Json) -> Json:
    name = RecordName(Kind(write["system"], write["datatype"]), write["id"])
    origin = parse_ni(write["origin"])
    known = next((each for each in (name, origin) if each is not None and business_name(store, each)), name)
    return {**write, "label": labels.kind(name.kind), "name": business_name(store, known)}


def business_name(store: Store, name: RecordName) -> str:
    """Return the name that people use for a record, from its collected data; "" if there is none."""
    dataset = store.find(name.kind.pipe(COLLECT))
    row = dataset.get(name.key) if dataset is not None else None
    return called(row.entity()) if row is not None else ""


def _record(store: Store, asked: object) -> RecordName:
    given = asked if isinstance(asked, dict) else {}
    system, datatype, key = (str(given.get(name) or "") for name in ("system", "datatype", "id"))
    if not (system and datatype and key):
        raise BadRequest('a record is {"system", "datatype", "id"}')
    name = Kind(system, datatype).record(key)
    dataset = store.find(name.kind.pipe(COLLECT))
    if dataset is None or dataset.get(name.key) is None:
        raise NotFound(f"the node knows no {name}; has it been synced?")
    return name


def _row(store: Store, asked: Mapping[str, object]) -> tuple[str, str]:
    pipe, row_id = str(asked.get("pipe") or ""), str(asked.get("id") or "")
    dataset = store.find(pipe) if pipe.endswith(f"-{SHARE}") else None
    if dataset is None or dataset.get(row_id) is None:
        raise NotFound(f'there is no row "{row_id}" of a share pipe "{pipe}"')
    return pipe, row_id


def _group(store: Store, record: RecordName) -> list[RecordName]:
    dataset = store.find(record.kind.pipe(TRANSFORM))
    row = dataset.get(record.key) if dataset is not None else None
    if row is None:
        return [record]
    return list(filter(None, map(parse_ni, listed(row.entity().get("$ids")))))


def _undone(store: Store, ids: list[object]) -> list[Json]:
    """Return what takes decisions back, with all that was decided by the same action."""
    dataset = store.find(made.RECEIVER)
    back: dict[str, Json] = {}
    for each in ids:
        row = dataset.get(str(each)) if dataset is not None else None
        if dataset is None or row is None or row.deleted:
            raise NotFound("this decision does not exist, or was already taken back")
        together = {one.id: one.entity() for one in _decided_with(dataset, row)}
        back |= {one["_id"]: one for one in made.undone(list(together.values()))}
    if not back:
        raise NotFound("no decision to take back was named")
    return list(back.values())


def _decided_with(dataset: Dataset, row: Stored) -> Iterator[Stored]:
    """Yield a decision, and those about its records that were made in the same moment.

    A link also takes its records apart from those that they were linked to before.
    """
    yield row
    records = set(row.entity().get("records") or [])
    for each in dataset.rows(first_at(dataset, row.ts) - 1, deleted=False):
        if each.ts > row.ts:
            return
        if each.ts == row.ts and records & set(each.entity().get("records") or []):
            yield each


def taken(store: Store) -> Iterator[Json]:
    """Yield the decisions that count, newest first."""
    dataset = store.find(made.RECEIVER)
    for row in dataset.rows(reverse=True, deleted=False) if dataset is not None else ():
        yield row.entity()
