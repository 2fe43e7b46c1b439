"""A plan as a table: per datatype what is there, matches, would be written, and waits for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from textwrap import wrap

from core.jsonio import Json
from core.names import Kind
from core.tables import text_table
from localnode.diagnostics.names import Labels
from localnode.diagnostics.plan_text import failed_lines, finding_lines

TITLES = ("datatype", "records", "matched", "to make", "to change", "to delete", "waits")
FIGURES = ("records", "matched", "insert", "update", "delete")
WIDTH = 100


def plan_table(found: Json, held_back: Collection[str] = ()) -> str:
    """Return what `POST /diagnostics/plan` answers, as a table and what stands behind its last column.

    `held_back`: pumps that are disabled only because nothing is to be written yet.
    """
    labels = Labels(found["systems"])
    lines = text_table(TITLES, [_row(kind, labels) for kind in found["kinds"]])
    return "\n".join(
        [*lines, *_waiting(found, labels), "", *failed_lines(found), *held_up(found, held_back), _sum(found)]
    )


def held_up(found: Json, held_back: Collection[str] = ()) -> Iterator[str]:
    """Return what needs attention, but for pumps that wait for `make run` to start them."""
    told = [each for each in found["findings"] if each["kind"] != "not-scheduled"]
    told = [each for each in told if each["kind"] != "disabled" or each["pipe"] not in held_back]
    return finding_lines({"findings": told})


def _row(kind: Json, labels: Labels) -> list[object]:
    name = labels.kind(Kind(kind["system"], kind["datatype"]))
    return [name, *(kind[figure] for figure in FIGURES), sum(kind["open"].values())]


def _waiting(found: Json, labels: Labels) -> Iterator[str]:
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
        about = ", ".join(map(labels.ni, case["records"])) or case["_id"]
        yield f"waits for a person: {number} × {rule}, such as {about}:"
        yield from wrap(str(case["detail"]), WIDTH, initial_indent="  ", subsequent_indent="  ")


def _sum(found: Json) -> str:
    counts = found["counts"]
    told = f"{counts['insert']} to make, {counts['update']} to change, {counts['delete']} to delete"
    return f"{told}; {counts['open']} wait for a person"
