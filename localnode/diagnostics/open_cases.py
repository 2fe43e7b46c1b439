"""What waits for a person, or was refused: rows of share datasets whose `$status` is not ok.

A row that a person has decided to ignore waits no more, until it changes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache

from core.decisions import IGNORE, RECEIVER, row_key
from core.jsonio import Json
from core.names import SHARE, Kind, parse_ni
from localnode.config import NodeConfig
from localnode.diagnostics.names import kinds, listed
from localnode.diagnostics.rules import NO_RULE
from localnode.dtl import IndexExpression, PipeSettings, compile_index, join_keys
from localnode.store import Store, Stored
from localnode.store.pagination import by_id

OPEN = "open"
SEPARATOR = "|"
PAGE = 1000


def index_open_cases(store: Store, config: NodeConfig) -> None:
    """Make the index that `open_cases` needs where it stays, so that copies need not make it each time."""
    for kind in kinds(config, SHARE):
        dataset = store.find(kind.pipe(SHARE))
        if dataset is not None:
            dataset.indexes.ensure(_by_openness())


def open_cases(before: Store, after: Store, config: NodeConfig) -> Iterator[Json]:
    """Yield what waits for a person in the share datasets of `after`.

    `is_new` if `before` has no such case.
    """
    for kind in kinds(config, SHARE):
        dataset, old = after.find(kind.pipe(SHARE)), before.find(kind.pipe(SHARE))
        for found in dataset.indexes.find(_by_openness(), join_keys(OPEN)) if dataset is not None else ():
            entity = found.entity()
            if ignored(after, kind.pipe(SHARE), found):
                continue
            row = old.get(entity["_id"]) if old is not None else None
            known = row.entity() if row is not None and not row.deleted else {}
            error = entity.get("$error") or {}
            yield {
                "pipe": kind.pipe(SHARE),
                "_id": entity["_id"],
                "status": entity["$status"],
                "rule": error.get("rule"),
                "detail": error.get("detail"),
                "records": [ni for ni in listed(entity.get("$ids")) if parse_ni(ni)],
                "is_new": known.get("$status") != entity["$status"],
            }


def count_open(store: Store, kind: Kind) -> dict[str, Counter[str]]:
    """`{status: {rule: n}}` of what is open in the share dataset of a kind."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    dataset = store.find(kind.pipe(SHARE))
    for value, number in dataset.indexes.tally(_by_openness()).items() if dataset is not None else ():
        status, separator, rule = value.partition(SEPARATOR)
        if separator:
            found[status][rule or NO_RULE] += number
    for row in ignored_rows(store, kind.pipe(SHARE)):
        entity = row.entity()
        if entity.get("$status") not in (None, "ok"):
            found[entity["$status"]][(entity.get("$error") or {}).get("rule") or NO_RULE] -= 1
    return {status: +rules for status, rules in found.items() if +rules}


def ignored(store: Store, pipe: str, row: Stored) -> bool:
    """Return whether a person has decided to ignore a row of a share pipe as it is."""
    decisions = store.find(RECEIVER)
    decision = decisions.get(row_key(IGNORE, pipe, row.id)) if decisions is not None else None
    return decision is not None and not decision.deleted and decision.ts >= row.ts


def ignored_rows(store: Store, pipe: str) -> Iterator[Stored]:
    """Yield the rows of a share pipe that are to be ignored as they are."""
    decisions, dataset, after = store.find(RECEIVER), store.find(pipe), ""
    prefix = row_key(IGNORE, pipe, "")
    while decisions is not None and dataset is not None:
        page = by_id(decisions, prefix, after, PAGE)
        for each in page:
            row = dataset.get(each.id.removeprefix(prefix))
            if row is not None and not each.deleted and not row.deleted and each.ts >= row.ts:
                yield row
        if len(page) < PAGE:
            return
        after = page[-1].id


@lru_cache(maxsize=1)
def _by_openness() -> IndexExpression:
    """Return an index of open cases alone, so that looking for them costs the same however much is shared.

    Each is there as OPEN, and with its status and rule.
    """
    is_open = ["and", ["is-not-null", "s.$status"], ["neq", "s.$status", "ok"]]
    rule = ["if", ["is-not-null", "s.$error.rule"], "s.$error.rule", ""]
    reason = ["concat", "s.$status", SEPARATOR, rule]
    return compile_index(["if", is_open, ["list", OPEN, reason]], "s", PipeSettings("diagnostics"))
