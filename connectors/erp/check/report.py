"""A check's result for people, and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.erp.check.findings import Finding, Report
from connectors.erp.profile.load import Profile
from connectors.erp.profile.model.base import kind_of
from core.jsonio import dumps

_WIDTH = 12
_LONGEST = 100


def lines(profile: Profile, reports: Sequence[Report]) -> Iterator[str]:
    """Yield the text, line by line."""
    yield f"profile     {profile.name} ({profile.file})"
    yield f"ERP         {profile.rest.base_url}, auth: {kind_of(profile.rest.auth)}"
    for report in reports:
        yield ""
        yield f"{report.datatype:<{_WIDTH}}{report.path}  {'ok' if report.ok else 'NOT OK'}"
        for name, value in report.understood.items():
            yield f"  {name:<{_WIDTH}}{value}"
        if report.first is not None:
            yield "  first record as the service shows it:"
            yield from (f"    {name}: {_short(value)}" for name, value in report.first.items())
        for finding in report.findings:
            yield from finding_lines(profile.file, finding)
    if profile.absent:
        yield ""
        yield from (f"{name:<{_WIDTH}}off: {why}" for name, why in profile.absent.items())
    yield ""
    wrong = sum(not report.ok for report in reports)
    doubts = sum(len(report.findings) for report in reports if report.ok)
    off = f"; off: {', '.join(profile.absent)}" if profile.absent else ""
    yield f"{len(reports)} datatypes: {len(reports) - wrong} ok ({doubts} warnings), {wrong} not ok{off}"


def finding_lines(file: object, finding: Finding) -> Iterator[str]:
    """One finding: where, what, and what to do."""
    yield f"  {finding.level}: {file} at {finding.pointer}"
    yield f"    {finding.problem}"
    yield f"    → {finding.advice}"


def document(profile: Profile, reports: Sequence[Report]) -> Mapping[str, object]:
    """Return the same as JSON."""
    return {
        "profile": profile.name,
        "file": str(profile.file),
        "base_url": profile.rest.base_url,
        "ok": all(report.ok for report in reports),
        "off": dict(profile.absent),
        "datatypes": {
            report.datatype: {
                "ok": report.ok,
                "path": report.path,
                "understood": report.understood,
                "first": report.first,
                "findings": [
                    {
                        "level": one.level,
                        "file": str(profile.file),
                        "pointer": one.pointer,
                        "problem": one.problem,
                        "advice": one.advice,
                    }
                    for one in report.findings
                ],
            }
            for report in reports
        },
    }


def _short(value: object) -> str:
    text = dumps(value).decode()
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
