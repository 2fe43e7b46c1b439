"""A verification as text for people, and as a report in Markdown to hand on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localnode.diagnostics.explain_text import shown
from localnode.diagnostics.faults import FAULTS
from localnode.diagnostics.plan_text import told

Json = dict[str, Any]
TITLES = {"agree": "both sides agree", "differ": "the sides differ", "failed": "could not be found out"}


def verify_text(found: Json) -> str:
    """What `localnode.diagnostics.verify` answers, as lines."""
    lines = ["{:<32}{:>8}{:>9}{:>9}".format("records, read anew", "live", "linked", "deleted")]
    for row in found["counts"]:
        name = f"{row['system']} {row['datatype']}"
        lines.append(f"{name:<32}{row['live']:>8}{row['linked']:>9}{row['deleted']:>9}")
    lines.append("")
    lines += [
        f"{fault['fault']}: {told(fault['ni'])}{_others(fault)}: {fault['detail']}"
        for fault in found["faults"]
    ]
    lines += [f"failed: {each['pipe']}: {each['reason']}" for each in found["failed_pipes"]]
    total = sum(found["fault_counts"].values())
    lines.append(f"{TITLES[found['status']]}: {total} faults; {len(found['open'])} records wait for a person")
    return "\n".join(lines)


def verify_markdown(found: Json) -> str:
    """The same as a report that can be read without knowing anything of the tool."""
    return "\n".join([*_opening(found), *_faults(found), *_waiting(found), *_gone(found)]) + "\n"


def _opening(found: Json) -> Iterator[str]:
    yield "# Do both systems agree?"
    yield ""
    answer = TITLES[found["status"]].capitalize()
    yield f"**{answer}.** All records were read anew on {found['at']}, in {found['seconds']} s."
    yield ""
    for each in found["failed_pipes"]:
        yield f"- could not be read: `{each['pipe']}`: {_cell(each['reason'])}"
    yield "| system | datatype | live | with a counterpart | deleted |"
    yield "|---|---|---:|---:|---:|"
    for row in found["counts"]:
        yield f"| {row['system']} | {row['datatype']} | {row['live']} | {row['linked']} | {row['deleted']} |"
    yield ""


def _faults(found: Json) -> Iterator[str]:
    total = sum(found["fault_counts"].values())
    yield f"## Faults: {total}"
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
        start = f"| {fault['fault']} | {_cell(told(fault['ni']))} |"
        if not fault["fields"]:
            yield f"{start} | | | {_cell(fault['detail'])} |"
        for each in fault["fields"]:
            yield f"{start} {each['field']} | {_cell(shown(each['is']))} | {_cell(shown(each['should']))} | |"
    if total > len(found["faults"]):
        yield ""
        yield f"The first {len(found['faults'])} of {total}."
    yield ""


def _waiting(found: Json) -> Iterator[str]:
    if found["open"]:
        yield f"## Waiting for a person: {len(found['open'])}"
        yield ""
        yield "| records | state | what to do |"
        yield "|---|---|---|"
        for case in found["open"]:
            records = ", ".join(told(ni) for ni in case["records"])
            yield f"| {_cell(records)} | {case['status']} | {_cell(str(case['detail']))} |"
        yield ""


def _gone(found: Json) -> Iterator[str]:
    if found["gone"]:
        yield f"## Kept although the counterpart is deleted: {len(found['gone'])}"
        yield ""
        for each in found["gone"]:
            yield f"- {told(each['ni'])} ({', '.join(told(ni) for ni in each['records'])})"
        yield ""


def _others(fault: Json) -> str:
    return f" ({', '.join(told(ni) for ni in fault['records'])})" if fault["records"] else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
