"""A plan as a table: per datatype what is there, matches, would be written, and waits for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from stack.names import datatype_name, record_name

Json = dict[str, Any]
TITLES = ("datatype", "records", "matched", "to make", "to change", "to delete", "waits")
ROW = "{:<28}{:>9}{:>9}{:>9}{:>11}{:>11}{:>7}"
WIDTH = 100


def plan_table(found: Json) -> str:
    """What `POST /diagnostics/plan` answers, as a table and what stands behind its last column."""
    return "\n".join([*_table(found["kinds"]), *_waiting(found), *_failed(found), "", _sum(found)])


def _table(kinds: list[Json]) -> Iterator[str]:
    yield ROW.format(*TITLES)
    for kind in kinds:
        figures = (kind[name] for name in ("records", "matched", "insert", "update", "delete"))
        yield ROW.format(
            datatype_name(kind["system"], kind["datatype"]), *figures, sum(kind["open"].values())
        )


def _waiting(found: Json) -> Iterator[str]:
    """One paragraph per rule: how many, what it is about, and the first record as an example."""
    total: Counter[str] = Counter()
    for kind in found["kinds"]:
        total.update(kind["open"])
    for rule, number in total.most_common():
        yield ""
        case = next((each for each in found["open"] if (each["rule"] or each["status"]) == rule), None)
        if case is None:
            yield f"waits for a person: {number} × {rule}"
            continue
        about = ", ".join(record_name(ni) for ni in case["records"]) or case["_id"]
        yield f"waits for a person: {number} × {rule}, such as {about}:"
        yield from wrap(str(case["detail"]), WIDTH, initial_indent="  ", subsequent_indent="  ")


def _failed(found: Json) -> Iterator[str]:
    for each in found["failed_pipes"]:
        yield ""
        yield f"could not be found out: {each['pipe']}: {each['reason']}"


def _sum(found: Json) -> str:
    counts = found["counts"]
    return (
        f"{counts['insert']} to make, {counts['update']} to change, {counts['delete']} to delete,"
        f" {counts['link']} found to be the same; {counts['open']} wait for a person"
    )
