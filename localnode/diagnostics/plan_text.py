"""A plan as text for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from localnode.diagnostics.explain_text import shown
from localnode.diagnostics.names import parse_ni

SIGNS = {"insert": "+", "update": "~", "delete": "-"}
FEW = 3
Json = dict[str, Any]


def plan_text(found: Json) -> str:
    """What `localnode.diagnostics.plan` answers, as lines."""
    return "\n".join([*_writes(found), *_links(found), *_open(found), *_failed(found), _sum(found)])


def _writes(found: Json) -> Iterator[str]:
    for system, writes in groupby(found["writes"], lambda write: write["system"]):
        yield f"{system}:"
        for write in writes:
            origin = f" (made from {told(write['origin'])})" if write["operation"] == "insert" else ""
            yield f"  {SIGNS[write['operation']]} {write['datatype']} {write['id']}{origin}"
            for each in write["fields"]:
                before = "" if write["operation"] == "insert" else f"{shown(each['before'])} → "
                yield f"      {each['field']}: {before}{shown(each['after'])}"


def _links(found: Json) -> Iterator[str]:
    for link in found["links"]:
        yield f"the same from now on: {', '.join(told(ni) for ni in link['records'])}"


def _open(found: Json) -> Iterator[str]:
    """What is new one by one; of what waited before a few of each rule, since it may be hundreds."""
    for case in found["open"]:
        if case["is_new"]:
            yield _case(case, "")
    before: defaultdict[tuple[str, str], list[Json]] = defaultdict(list)
    for case in found["open"]:
        if not case["is_new"]:
            before[case["status"], case["rule"]].append(case)
    for (status, rule), cases in before.items():
        yield from (_case(case, ", as before") for case in cases[:FEW])
        if more := cases[FEW:]:
            yield f"{status} ({rule}, as before): {len(more)} more, all of them with --json"


def _case(case: Json, since: str) -> str:
    records = ", ".join(told(ni) for ni in case["records"]) or case["_id"]
    return f"{case['status']} ({case['rule']}{since}): {records}: {case['detail']}"


def _failed(found: Json) -> Iterator[str]:
    for each in found["failed_pipes"]:
        yield f"failed: {each['pipe']}: {each['reason']}"


def _sum(found: Json) -> str:
    counts = found["counts"]
    told = f"{counts['insert']} to create, {counts['update']} to change, {counts['delete']} to delete"
    return f"{found['status']}: {told}, {counts['link']} to link; {counts['open']} wait for a person"


def told(ni: Any) -> str:
    """`billing customer 4711` of its namespaced identifier."""
    name = parse_ni(ni)
    return f"{name.kind.system} {name.kind.datatype} {name.key}" if name else str(ni)
