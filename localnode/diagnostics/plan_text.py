"""A plan as text for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby

from core.jsonio import Json
from localnode.diagnostics.explain_text import shown
from localnode.diagnostics.findings import NOTES
from localnode.diagnostics.names import Labels

SIGNS = {"insert": "+", "update": "~", "delete": "-"}
FEW = 3


def plan_text(found: Json) -> str:
    """Return what `localnode.diagnostics.plan` answers, as lines."""
    labels = Labels(found["systems"])
    parts = (_writes(found, labels), _links(found, labels), _open(found, labels))
    told = [line for part in parts for line in part]
    return "\n".join([*told, *failed_lines(found), *finding_lines(found), _sum(found)])


def _writes(found: Json, labels: Labels) -> Iterator[str]:
    for system, writes in groupby(found["writes"], lambda write: write["system"]):
        yield f"{labels.systems.get(system, system)}:"
        for write in writes:
            origin = f" (made from {labels.ni(write['origin'])})" if write["operation"] == "insert" else ""
            yield f"  {SIGNS[write['operation']]} {labels.json(write)}{origin}"
            for each in write["fields"]:
                before = "" if write["operation"] == "insert" else f"{shown(each['before'])} → "
                yield f"      {each['field']}: {before}{shown(each['after'])}"


def _links(found: Json, labels: Labels) -> Iterator[str]:
    for link in found["links"]:
        yield f"the same from now on: {', '.join(map(labels.ni, link['records']))}"


def _open(found: Json, labels: Labels) -> Iterator[str]:
    """Yield what is new one by one; of what waited before a few of each rule, since it may be hundreds."""
    for case in found["open"]:
        if case["is_new"]:
            yield _case(case, labels, "")
    before: defaultdict[tuple[str, str], list[Json]] = defaultdict(list)
    for case in found["open"]:
        if not case["is_new"]:
            before[case["status"], case["rule"]].append(case)
    for (status, rule), cases in before.items():
        yield from (_case(case, labels, ", as before") for case in cases[:FEW])
        if more := cases[FEW:]:
            yield f"{status} ({rule}, as before): {len(more)} more, all of them with --json"


def _case(case: Json, labels: Labels, since: str) -> str:
    records = ", ".join(map(labels.ni, case["records"])) or case["_id"]
    return f"{case['status']} ({case['rule']}{since}): {records}: {case['detail']}"


def failed_lines(found: Json) -> Iterator[str]:
    """Yield what could not be found out, one line per pipe."""
    for each in found["failed_pipes"]:
        yield f"failed: {each['pipe']}: {each['reason']}"


def finding_lines(found: Json) -> Iterator[str]:
    """Yield what keeps a run from carrying out what it should, one line each; several of a kind as one."""
    kinds: defaultdict[tuple[str, str], list[Json]] = defaultdict(list)
    for each in found["findings"]:
        if each["severity"] != NOTES:
            kinds[each["kind"], each["detail"]].append(each)
    for (kind, detail), all_of in kinds.items():
        names = [each["pipe"] for each in all_of if each["pipe"]]
        more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
        pipes = f"{', '.join(names[:FEW])}{more}: " if names else ""
        yield f"{all_of[0]['severity']} ({kind}): {pipes}{detail}"


def _sum(found: Json) -> str:
    counts = found["counts"]
    told = f"{counts['insert']} to create, {counts['update']} to change, {counts['delete']} to delete"
    return f"{found['status']}: {told}, {counts['link']} to link; {counts['open']} wait for a person"
