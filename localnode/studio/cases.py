"""`/studio/data/cases`: what waits for a person, from the datasets of the pipes that write to systems."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from flask import Response, current_app, request

from core.decisions import NOTE, OF_ROWS, RECEIVER, row_key
from core.diff import field_changes
from core.dotted import get_path, leaves
from core.jsonio import Json
from core.names import parse_ni
from localnode.api import parsing
from localnode.api.current import node
from localnode.diagnostics.decide import business_name, taken
from localnode.diagnostics.names import Labels, listed, payload_of
from localnode.diagnostics.open_cases import ignored_rows
from localnode.diagnostics.rules import in_words
from localnode.errors import BadRequest
from localnode.store import Dataset
from localnode.studio.data import MAX_PASSED, data, limit, page
from localnode.studio.flow import written_to

READ_SECONDS = 0.25
PAGE = 1000
_OPEN = re.compile(rb'"\$status":"(?!ok")')
_KEY = "studio-cases"
ORDERS = ("newest", "oldest", "record")


@dataclass(frozen=True)
class Case:
    """Where a case is, and what it is about; `ts` is since when it is as it is (µs)."""

    dataset: str
    id: str
    updated: int
    ts: int
    status: str
    rule: str

    def sort_key(self, order: str) -> tuple[object, ...]:
        """Return its place in a list."""
        if order == "record":
            return (self.dataset, self.id)
        back = 1 if order == "oldest" else -1
        return (back * self.ts, self.dataset, back * self.updated)


class OpenCases:
    """Which entities of a dataset have a `$status` other than ok, kept current by reading what is new in it.

    Nothing is stored: a new process reads the dataset once, a quarter of a second per call.
    """

    def __init__(self, generation: str) -> None:
        self.generation = generation
        self.at: int | None = None
        self.cases: dict[str, Case] = {}

    def read_on(self, dataset: Dataset, deadline: float) -> bool:
        """Read on until the end (True) or the deadline (False)."""
        while True:
            rows = list(dataset.rows(self.at, PAGE, page=PAGE))
            for row in rows:
                self.at = row.updated
                self.cases.pop(row.id, None)
                if not row.deleted and _OPEN.search(row.data):
                    entity = row.entity()
                    status, rule = entity.get("$status"), _error(entity).get("rule")
                    if status not in (None, "ok"):
                        self.cases[row.id] = Case(
                            dataset.id, row.id, row.updated, row.ts, str(status), str(rule or "")
                        )
            if len(rows) < PAGE:
                return True
            if time.monotonic() > deadline:
                return False


class IssueIndex:
    """The open cases of all datasets that pipes keep of their writes to systems."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._books: dict[str, OpenCases] = {}

    def read_on(self) -> bool:
        """Take in what is new; False when there is more to read than one call may."""
        deadline = time.monotonic() + READ_SECONDS
        with self._lock:
            datasets = {each.id: each for each in _shared()}
            self._books = {name: book for name, book in self._books.items() if name in datasets}
            return all(self._book(each).read_on(each, deadline) for each in datasets.values())

    def _book(self, dataset: Dataset) -> OpenCases:
        generation = dataset.info().generation
        book = self._books.get(dataset.id)
        if book is None or book.generation != generation:
            book = self._books[dataset.id] = OpenCases(generation)
        return book

    def all(self) -> tuple[list[Case], list[Case]]:
        """Return the cases that wait, and those that a person has decided to ignore."""
        with self._lock:
            found = [case for book in self._books.values() for case in book.cases.values()]
            names = list(self._books)
        ignored = {(name, row.id) for name in names for row in ignored_rows(node().store, name)}
        return (
            [case for case in found if (case.dataset, case.id) not in ignored],
            [case for case in found if (case.dataset, case.id) in ignored],
        )


@data.get("/cases")
def list_cases() -> Response:
    """Return a page of open cases, and `groups`: all of them by status and rule.

    `status`, `rule` (with `rule=`, those without one), `dataset` and `q` (any text inside) filter; `ignored`
    shows the ignored cases instead. `order` is newest, oldest or record; the cursor is `after`. `complete` is
    false while a large dataset is still being read. `groups` begins with the smallest; `counts` has the
    number by status, and `ignored` the number of all ignored cases.
    """
    book = open_cases()
    complete, wanted = book.read_on(), limit(50)
    waiting, ignored = book.all()
    cases = ignored if parsing.flag("ignored", False) else waiting
    order = request.args.get("order", ORDERS[0])
    if order not in ORDERS:
        raise BadRequest(f'the order must be one of {", ".join(ORDERS)}, not "{order}"')
    start = parsing.number("after", 0) or 0
    chosen = sorted((each for each in cases if _is_asked_for(each)), key=lambda each: each.sort_key(order))
    text = request.args.get("q", "").strip().casefold()
    rows, at = _page(chosen, start, wanted, text)
    return page(
        rows,
        at if at < len(chosen) else None,
        groups=_groups(cases),
        counts=Counter(case.status for case in cases),
        ignored=len(ignored),
        complete=complete,
    )


def _page(chosen: list[Case], start: int, wanted: int, text: str) -> tuple[list[Json], int]:
    """Return the rows from `start` on, and where the next page begins."""
    rows: list[Json] = []
    labels, at = Labels.of(node().config), start
    for case in islice(chosen, start, start + MAX_PASSED):
        at += 1
        row = _case(case, labels)
        if row is not None and (not text or text in _text(row)):
            rows.append(row)
        if len(rows) == wanted:
            break
    return rows, at


@data.get("/decisions")
def list_decisions() -> Response:
    """Return the decisions that still count, newest first; cursor `after` (a number)."""
    wanted, start = limit(50), parsing.number("after", 0) or 0
    labels = Labels.of(node().config)
    rows = [_decision(each, labels) for each in islice(taken(node().store), start, start + wanted + 1)]
    return page(rows[:wanted], start + wanted if len(rows) > wanted else None)


def open_cases() -> IssueIndex:
    """Return the issue index of this application."""
    book: IssueIndex = current_app.extensions.setdefault(_KEY, IssueIndex())
    return book


def _is_asked_for(case: Case) -> bool:
    asked = {name: request.args.get(name) for name in ("status", "rule", "dataset")}
    return all(wanted is None or getattr(case, name) == wanted for name, wanted in asked.items())


def _groups(cases: list[Case]) -> list[Json]:
    """Return how many cases each status and rule has, and since when; the rarest come first."""
    found: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        found.setdefault((case.status, case.rule), []).append(case)
    ordered = sorted(found.items(), key=lambda item: (len(item[1]), item[0]))
    return [
        {
            "status": status,
            "rule": rule,
            "words": in_words(rule),
            "count": len(each),
            "oldest": min(case.ts for case in each),
        }
        for (status, rule), each in ordered
    ]


def _shared() -> list[Dataset]:
    pipes = [pipe.component for pipe in node().pipes.values()]
    names = {pipe.sink_dataset for pipe in pipes if pipe.sink_dataset and written_to(pipe.effective)}
    return [found for name in sorted(names) if (found := node().store.find(name)) is not None]


def _case(case: Case, labels: Labels) -> Json | None:
    """One case as the list shows it, None when it has just been settled.

    `fields`: what is to be written, field by field, with what is there; `value`: what was refused.
    """
    dataset = node().store.find(case.dataset)
    row = dataset.version(case.updated) if dataset is not None else None
    if row is None:
        return None
    entity = row.entity()
    error, payload = _error(entity), payload_of(entity)
    named = [record for ni in listed(entity.get("$ids")) if (record := parse_ni(ni)) is not None]
    names = {each: business_name(node().store, each) for each in named}
    field = error.get("field")
    return {
        "dataset": case.dataset,
        "id": row.id,
        "ts": row.ts,
        "status": entity.get("$status"),
        "operation": entity.get("$requested") or entity.get("$operation"),
        "about": labels.of_pipe(case.dataset),
        "called": next(filter(None, names.values()), ""),
        "records": [
            {**record.as_json(), "label": labels.record(record), "name": name}
            for record, name in names.items()
        ],
        **{name: error.get(name) for name in ("kind", "title", "detail", "field", "rule", "steps", "name")},
        "value": get_path(payload, field.strip("/").replace("/", ".")) if isinstance(field, str) else None,
        "fields": _fields(entity, payload),
        "note": _note(case),
    }


def _fields(entity: Json, payload: Json) -> list[Json]:
    was = entity["$was"] if isinstance(entity.get("$was"), dict) else {}
    return list(field_changes(was, payload, sorted(leaves(payload))))


def _note(case: Case) -> str | None:
    decisions = node().store.find(RECEIVER)
    row = decisions.get(row_key(NOTE, case.dataset, case.id)) if decisions is not None else None
    return str(row.entity().get("note") or "") or None if row is not None and not row.deleted else None


def _decision(entity: Json, labels: Labels) -> Json:
    """One decision as the list shows it; `about` names the row or the records in words."""
    records = [parse_ni(f"~:{each}") for each in listed(entity.get("records"))]
    kind = entity.get("decision")
    pipe, _, row = str(entity["_id"]).removeprefix(f"{kind}:").partition(":")
    return {
        "id": entity["_id"],
        "decision": kind,
        "at": entity.get("at"),
        "note": entity.get("note"),
        "property": entity.get("property"),
        "row": {"dataset": pipe, "id": row} if kind in OF_ROWS else None,
        "records": [
            {**each.as_json(), "label": labels.record(each), "name": business_name(node().store, each)}
            for each in records
            if each is not None
        ],
    }


def _error(entity: Json) -> Json:
    return entity["$error"] if isinstance(entity.get("$error"), dict) else {}


def _text(row: Json) -> str:
    return " ".join(_texts(row)).casefold()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        yield str(value)
        return
    for each in value:
        yield from _texts(each)
