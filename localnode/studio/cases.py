"""`/studio/data/cases`: what waits for a person, from the datasets of the pipes that write to systems."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from typing import Any

from flask import Response, current_app, request

from core.names import parse_ni
from localnode.api.current import node
from localnode.errors import BadRequest
from localnode.store import Dataset
from localnode.studio.data import data, limit, page
from localnode.studio.flow import written_to

READ_SECONDS = 0.25
PAGE = 1000
_OPEN = re.compile(rb'"\$status":"(?!ok")')
_KEY = "studio-cases"
Position = tuple[str, int]


class OpenCases:
    """Which entities of a dataset have a `$status` other than ok, kept current by reading what is new in it.

    Nothing is stored: a new process reads the dataset once, a quarter of a second per call.
    """

    def __init__(self, generation: str) -> None:
        self.generation = generation
        self.at: int | None = None
        self.statuses: dict[str, tuple[int, str]] = {}

    def read_on(self, dataset: Dataset, deadline: float) -> bool:
        """Read on until the end (True) or the deadline (False)."""
        while True:
            rows = list(dataset.rows(self.at, PAGE, page=PAGE))
            for row in rows:
                self.at = row.updated
                self.statuses.pop(row.id, None)
                if not row.deleted and _OPEN.search(row.data):
                    status = row.entity().get("$status")
                    if status not in (None, "ok"):
                        self.statuses[row.id] = (row.updated, str(status))
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

    def all(self) -> list[tuple[Position, str, str]]:
        """(position, `_id`, status) of every case: by dataset, newest first."""
        with self._lock:
            found = [
                ((name, -updated), entity_id, status)
                for name, book in self._books.items()
                for entity_id, (updated, status) in book.statuses.items()
            ]
        return sorted(found)


@data.get("/cases")
def list_cases() -> Response:
    """Open cases, only those of `status` and `dataset` when given; cursor `after`, a dataset and an offset.

    `counts` has their number by status; `complete` is false while a large dataset is still being read.
    """
    book = open_cases()
    complete, wanted = book.read_on(), limit(50)
    status, after = request.args.get("status"), _position(request.args.get("after"))
    cases = book.all()
    counts = Counter(each for _, _, each in cases)
    chosen = [each for each in cases if (status is None or each[2] == status) and each[0] > after]
    rows = [row for position, _, _ in chosen[:wanted] if (row := _case(position)) is not None]
    last = chosen[wanted - 1][0] if len(chosen) > wanted else None
    cursor = f"{-last[1]}:{last[0]}" if last else None
    return page(rows, cursor, counts=counts, complete=complete)


def open_cases() -> IssueIndex:
    """Return the case book of this application."""
    book: IssueIndex = current_app.extensions.setdefault(_KEY, IssueIndex())
    return book


def _shared() -> list[Dataset]:
    pipes = [pipe.component for pipe in node().pipes.values()]
    names = {pipe.sink_dataset for pipe in pipes if pipe.sink_dataset and written_to(pipe.effective)}
    return [found for name in sorted(names) if (found := node().store.find(name)) is not None]


def _position(cursor: str | None) -> Position:
    if not cursor:
        return ("", 0)
    offset, _, dataset = cursor.partition(":")
    if not offset.isdigit():
        raise BadRequest('the parameter "after" must be a cursor of this list')
    return (dataset, -int(offset))


def _case(position: Position) -> dict[str, Any] | None:
    """One case as the list shows it, None when it has just been settled."""
    dataset = node().store.find(position[0])
    row = dataset.version(-position[1]) if dataset is not None else None
    if row is None:
        return None
    entity = row.entity()
    error = entity["$error"] if isinstance(entity.get("$error"), dict) else {}
    named = entity.get("$ids")
    records = [parse_ni(ni) for ni in (named if isinstance(named, list) else [named])]
    return {
        "dataset": position[0],
        "id": row.id,
        "ts": row.ts,
        "status": entity.get("$status"),
        "operation": entity.get("$operation"),
        "records": [record.as_json() for record in records if record is not None],
        **{name: error.get(name) for name in ("kind", "title", "detail", "field", "rule", "steps", "name")},
    }
