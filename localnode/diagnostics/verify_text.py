"""A verification as text for people, and as a report in Markdown to hand on."""

from __future__ import annotations

from collections.abc import Iterator

from core.jsonio import Json
from core.names import Kind
from core.tables import text_table
from localnode.diagnostics.explain_text import shown
from localnode.diagnostics.faults import FAULTS
from localnode.diagnostics.names import Labels
from localnode.diagnostics.plan_text import failed_lines, finding_lines

TITLES = {"agree": "both sides agree", "differ": "the sides differ", "failed": "could not be found out"}


def verify_text(found: Json) -> str:
    """Return what `localnode.diagnostics.verify` answers, as lines."""
    labels = Labels(found["systems"])
    rows = [(_kind(row, labels), row["live"], row["linked"], row["deleted"]) for row in found["counts"]]
    lines = [*text_table(("records, read again", "live", "linked", "deleted"), rows), ""]
    for fault in found["faults"]:
        told = f"{fault['fault']}: {labels.ni(fault['ni'])}{_others(fault, labels)}: {fault['detail']}"
        lines.append(f"{told}{_delivery(fault)}")
    return "\n".join([*lines, *failed_lines(found), *finding_lines(found), _sum(found)])


def _sum(found: Json) -> str:
    total, coming = sum(found["fault_counts"].values()), found["on_their_way"]
    on_their_way = f", {coming} of them edits that are on their way" if coming else ""
    waiting = f"{len(found['open'])} records wait for a person"
    return f"{TITLES[found['status']]}: {total} faults{on_their_way}; {waiting}"


def _delivery(fault: Json) -> str:
    """Return whether the next run carries it out, and what keeps it from doing so."""
    held = f"held up by {', '.join(fault['held_by'])}" if fault["held_by"] else ""
    coming = "on its way" if fault["on_its_way"] else ""
    told = ", ".join(part for part in (coming, held) if part)
    return f" ({told})" if told else ""


def _kind(row: Json, labels: Labels) -> str:
    return labels.kind(Kind(row["system"], row["datatype"]))


def verify_markdown(found: Json) -> str:
    """Return the same as a report that can be read without knowing anything of the tool."""
    labels = Labels(found["systems"])
    parts = (_opening(found, labels), _faults(found, labels), _waiting(found, labels), _gone(found, labels))
    return "\n".join(line for part in parts for line in part) + "\n"


def _opening(found: Json, labels: Labels) -> Iterator[str]:
    yield "# Do both systems agree?"
    yield ""
    answer = TITLES[found["status"]].capitalize()
    yield f"**{answer}.** All records were read again on {found['at']}, in {found['seconds']} s."
    yield ""
    for each in found["failed_pipes"]:
        yield f"- could not be read: `{each['pipe']}`: {_cell(each['reason'])}"
    held = list(finding_lines(found))
    if held:
        yield "What stops the sync from carrying out present edits:"
        yield ""
        yield from (f"- {line}" for line in held)
        yield ""
    yield "| datatype | live | with a counterpart | deleted |"
    yield "|---|---:|---:|---:|"
    for row in found["counts"]:
        yield f"| {_kind(row, labels)} | {row['live']} | {row['linked']} | {row['deleted']} |"
    yield ""


def _faults(found: Json, labels: Labels) -> Iterator[str]:
    total, coming = sum(found["fault_counts"].values()), found["on_their_way"]
    yield f"## Faults: {total}{f', of which {coming} are edits on their way' if coming else ''}"
    yield ""
    if not total:
        return
    yield "| fault | number | meaning |"
    yield "|---|---:|---|"
    for name, number in found["fault_counts"].items():
        yield f"| {name} | {number} | {FAULTS[name]} |"
    yield ""
    yield "| fault | record | field | is | should be | what is wrong |"
    yield "|---|---|---|---|---|---|"
    for fault in found["faults"]:
        start = f"| {fault['fault']}{_delivery(fault)} | {_cell(labels.ni(fault['ni']))} |"
        if not fault["fields"]:
            yield f"{start} | | | {_cell(fault['detail'])} |"
        for each in fault["fields"]:
            yield f"{start} {each['field']} | {_cell(shown(each['is']))} | {_cell(shown(each['should']))} | |"
    if total > len(found["faults"]):
        yield ""
        yield f"The first {len(found['faults'])} of {total}."
    yield ""


def _waiting(found: Json, labels: Labels) -> Iterator[str]:
    if found["open"]:
        yield f"## Waiting for a person: {len(found['open'])}"
        yield ""
        yield "| records | state | what to do |"
        yield "|---|---|---|"
        for case in found["open"]:
            records = ", ".join(map(labels.ni, case["records"]))
            yield f"| {_cell(records)} | {case['status']} | {_cell(str(case['detail']))} |"
        yield ""


def _gone(found: Json, labels: Labels) -> Iterator[str]:
    if found["gone"]:
        yield f"## Kept although the counterpart is deleted: {len(found['gone'])}"
        yield ""
        for each in found["gone"]:
            yield f"- {labels.ni(each['ni'])} ({', '.join(map(labels.ni, each['records']))})"
        yield ""


def _others(fault: Json, labels: Labels) -> str:
    return f" ({', '.join(map(labels.ni, fault['records']))})" if fault["records"] else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
