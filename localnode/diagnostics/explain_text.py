"""An explanation as text for people."""

from __future__ import annotations

import json
from collections.abc import Iterator

from core.jsonio import Json
from localnode.diagnostics.names import Labels


def explanation_text(found: Json) -> str:
    """Return what `localnode.diagnostics.explain` answers, as lines."""
    labels = Labels(found["systems"])
    lines = [*_head(found, labels), *_properties(found, labels), *_writes(found), *_open(found)]
    return "\n".join(lines)


def shown(value: object) -> str:
    """Return a value as JSON; "nothing" for none."""
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


def _head(found: Json, labels: Labels) -> Iterator[str]:
    state = "deleted, " if found["deleted"] else ""
    yield f"{labels.json(found)} ({state}last changed {found['modified']}, version {found['version']})"
    if found["golden"] is None:
        yield "  belongs to no golden record yet"
        return
    yield f"  golden record: {found['golden']} in {found['concept']}"
    for other in found["counterparts"]:
        gone = " (deleted)" if other["deleted"] else ""
        yield f"  the same as:   {labels.json(other)}{gone}, last changed {other['modified']}"
    if found["ambiguous"]:
        yield "  ambiguous: a person must say which records belong together"


def _properties(found: Json, labels: Labels) -> Iterator[str]:
    for each in found["properties"]:
        where = f" ({', '.join(each['fields'])})" if each["fields"] else ""
        yield ""
        yield f"{each['property']}{where}: {shown(each['value'])}"
        if not each["in_sync"]:
            yield f"    here:    {shown(each['here'])} ({each['note']})"
        source = each["source"]
        field = f" {source['field']}" if source["field"] else ""
        since = f" since {each['clock']}" if each["clock"] else ""
        version = (
            f", {source['dataset']} version {source['version']}" if source["version"] is not None else ""
        )
        yield f"    from:    {labels.json(source)}{field}{since}{version}"
        yield f"    because: {each['rule']['text']}"
        for loser in each["losers"]:
            clock = f", {loser['clock']}" if loser["clock"] else ""
            yield f"    lost:    {shown(loser['value'])} of {labels.json(loser)} ({loser['why']}{clock})"
        if each["written"]:
            wrote = each["written"]
            yield f"    written: {wrote['at']} by {wrote['operation']}, {wrote['call']} of {wrote['pipe']}"


def _writes(found: Json) -> Iterator[str]:
    if found["writes"]:
        yield ""
        yield "written by the sync:"
    for write in found["writes"]:
        version = f"{write['pipe']} version {write['version']}"
        yield f"  {write['at']} {write['operation']}, {write['call']} ({version})"
        for change in write["changes"]:
            yield f"    {change['field']}: {shown(change['before'])} → {shown(change['after'])}"


def _open(found: Json) -> Iterator[str]:
    for case in found["open"]:
        yield ""
        yield f"{case['status']} ({case['pipe']}, {case['rule']}): {case['detail']}"
