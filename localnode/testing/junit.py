"""Outcomes as JUnit XML, which build servers read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from localnode.testing.outcome import FAILED, IGNORED, Outcome

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, project: str, outcomes: Sequence[Outcome]) -> None:
    """Write one test suite with a test case for each outcome."""
    suite = ElementTree.Element(
        "testsuite",
        {
            "name": project,
            "tests": str(len(outcomes)),
            "failures": str(sum(outcome.status == FAILED for outcome in outcomes)),
            "errors": "0",
            "skipped": str(sum(outcome.status == IGNORED for outcome in outcomes)),
            "time": f"{sum(outcome.seconds for outcome in outcomes):.3f}",
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    for outcome in outcomes:
        given = {"classname": project, "name": outcome.name, "time": f"{outcome.seconds:.3f}"}
        case = ElementTree.SubElement(suite, "testcase", given)
        if outcome.status == FAILED:
            failure = ElementTree.SubElement(case, "failure", {"message": _allowed(outcome.reason)})
            failure.text = _allowed("\n".join(outcome.details))
        elif outcome.status == IGNORED:
            ElementTree.SubElement(case, "skipped", {"message": _allowed(outcome.reason)})
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def _allowed(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
