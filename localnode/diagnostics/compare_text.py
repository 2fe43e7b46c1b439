"""A comparison of two configurations as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from core.jsonio import Json
from localnode.diagnostics.explain_text import shown
from localnode.diagnostics.names import Labels

SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def compare_text(found: Json) -> str:
    """Return what `localnode.diagnostics.compare` answers, as lines."""
    return "\n".join([*_pipes(found), *_differences(found), *_failed(found), _sum(found)])


def _pipes(found: Json) -> Iterator[str]:
    for change, names in found["pipes"].items():
        if names:
            yield f"pipes {change}: {', '.join(names)}"


def _differences(found: Json) -> Iterator[str]:
    dataset, labels = None, Labels(found["systems"])
    for each in found["differences"]:
        if each["dataset"] != dataset:
            dataset = each["dataset"]
            yield f"{dataset}:"
        yield f"  {SIGNS[each['change']]} {each['_id']} ({', '.join(map(labels.ni, each['records']))})"
        for field in each["fields"]:
            yield f"      {field['field']}: {shown(field['before'])} → {shown(field['after'])}"


def _failed(found: Json) -> Iterator[str]:
    for side, failures in found["failed_pipes"].items():
        for each in failures:
            yield f"failed ({side}): {each['pipe']}: {each['reason']}"


def _sum(found: Json) -> str:
    counts = found["counts"]
    told_counts = f"{counts['added']} added, {counts['removed']} removed, {counts['changed']} changed"
    return f"{found['status']}: {told_counts}, golden records and wanted states together"
