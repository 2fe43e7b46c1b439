"""The blueprint of the data that Studio's pages fetch, and the paging of its answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response

from core.jsonio import Json
from localnode.api import parsing
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.errors import BadRequest, NotFound
from localnode.store import Dataset

data = Blueprint("studio-data", __name__, url_prefix="/studio/data")

MAX_PAGE = 200
MAX_PASSED = 5000


def limit(default: int) -> int:
    """Return the parameter `limit`, at most MAX_PAGE; BadRequest if it is not a whole number above 0."""
    asked = parsing.number("limit", default, minimum=1) or default
    if asked > MAX_PAGE:
        raise BadRequest(f'the parameter "limit" must be at most {MAX_PAGE}')
    return asked


def page(rows: list[Any], cursor: Any, **more: Any) -> Response:
    """`{"rows": [...], "cursor": where the next page begins, null at the end}`."""
    return as_json({"rows": rows, "cursor": cursor, **more})


def until_full(found: Iterable[tuple[int, Json | None]], wanted: int) -> Response:
    """Return a page of what was found going back in time: `(µs, row)`, None for what is not to be shown.

    What was written at one moment stays on one page, so that the moment can be the cursor. A page also
    ends when much was passed over, with fewer rows or none: the next one goes on from there.
    """
    taken: list[dict[str, Any]] = []
    last = 0
    for number, (moment, row) in enumerate(found):
        if (len(taken) >= wanted or number >= MAX_PASSED) and moment != last:
            return page(taken, last)
        last = moment
        if row is not None:
            taken.append(row)
    return page(taken, None)


def dataset(dataset_id: str) -> Dataset:
    """Return the dataset of that id, or NotFound."""
    found = node().store.find(dataset_id)
    if found is None:
        raise NotFound(f'there is no dataset "{dataset_id}"')
    return found
