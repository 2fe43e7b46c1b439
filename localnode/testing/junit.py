"""Outcomes as JUnit XML, which build servers read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from localnode.testing.outcome import FAILED, IGNORED, Outcome

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, project: str, outcomes: Sequence[Outcome]) -> None:
    """Write one test suite with a test case for each outcome."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(_document(project, outcomes)), encoding="utf-8")


def _document(project: str, outcomes: Sequence[Outcome]) -> Iterator[str]:
    figures = {
        "name": project,
        "tests": len(outcomes),
        "failures": sum(outcome.status == FAILED for outcome in outcomes),
        "errors": 0,
        "skipped": sum(outcome.status == IGNORED for outcome in outcomes),
        "time": f"{sum(outcome.seconds for outcome in outcomes):.3f}",
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n'
    yield f"  <testsuite{_attributes(figures)}>\n"
    for outcome in outcomes:
        given = {"classname": project, "name": outcome.name, "time": f"{outcome.seconds:.3f}"}
        yield f"    <testcase{_attributes(given)}>{_result(outcome)}</testcase>\n"
    yield "  </testsuite>\n</testsuites>\n"


def _result(outcome: Outcome) -> str:
    message = _attributes({"message": outcome.reason})
    if outcome.status == FAILED:
        return f"<failure{message}>{escape(_allowed(chr(10).join(outcome.details)))}</failure>"
    return f"<skipped{message}/>" if outcome.status == IGNORED else ""


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {name}={quoteattr(_allowed(str(value)))}" for name, value in values.items())


def _allowed(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
