"""What waits for a person, or was refused: rows of share datasets whose `$status` is not ok."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache

from core.jsonio import Json
from core.names import SHARE, Kind, parse_ni
from localnode.config import NodeConfig
from localnode.diagnostics.names import kinds, listed
from localnode.dtl import IndexExpression, PipeSettings, compile_index, join_keys
from localnode.store import Store

OPEN = "open"
SEPARATOR = "|"
NO_RULE = "no rule given"


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
    return dict(found)


@lru_cache(maxsize=1)
def _by_openness() -> IndexExpression:
    """Return an index of open cases alone, so that looking for them costs the same however much is shared.

    Each is there as OPEN, and with its status and rule.
    """
    is_open = ["and", ["is-not-null", "s.$status"], ["neq", "s.$status", "ok"]]
    rule = ["if", ["is-not-null", "s.$error.rule"], "s.$error.rule", ""]
    reason = ["concat", "s.$status", SEPARATOR, rule]
    return compile_index(["if", is_open, ["list", OPEN, reason]], "s", PipeSettings("diagnostics"))
