"""Sub-resources: read in bulk where the ERP can, one list per parent where not, and their changes noticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

PARENTS = [{"id": n, "changed": f"2026-01-01T00:00:{n:02}.000000Z"} for n in range(1, 24)]
LINES = [
    {"id": f"{parent['id']}-{n}", "of": {"id": parent["id"]}, "n": n, "touched": parent["changed"]}
    for parent in PARENTS
    for n in range(parent["id"] % 3)
]


def script(asked: Asked) -> Reply:
    parts = asked.path.strip("/").split("/")
    if parts[0] == "lines":
        wanted = asked.query.get("of", "").split(",") if "of" in asked.query else None
        rows = [line for line in LINES if wanted is None or str(line["of"]["id"]) in wanted]
        rows = [line for line in rows if line["touched"] >= asked.query.get("after", "")]
        start = int(asked.query.get("skip", 0))
        return Reply(rows[start : start + int(asked.query.get("take", 100))])
    if len(parts) == 3:
        return Reply({"rows": [line for line in LINES if str(line["of"]["id"]) == parts[1]]})
    if len(parts) == 2:
        return Reply(next(parent for parent in PARENTS if str(parent["id"]) == parts[1]))
    found = [dict(parent) for parent in PARENTS if parent["changed"] >= asked.query.get("since", "")]
    start = int(asked.query.get("skip", 0))
    return Reply(found[start : start + int(asked.query.get("take", 100))])


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with scripted_upstream(script) as running:
        yield running


PAGED = {"type": "offset", "param": "skip", "limit_param": "take", "stop": {"type": "short"}}
BULK = {"path": "/lines", "query": {"of": "{ids}"}, "parent": "of.id", "into": "lines", "batch": 4}
SINGLE = {"path": "/people/{id}/lines", "records": "rows", "into": "lines", "paginator": {"type": "single"}}


def service(upstream: Upstream, folder: Path, child: dict[str, Any], **entity: Any) -> FlaskClient:
    given = {"children": {"lines": child}, "paginator": PAGED, **entity}
    return app_of(folder, upstream.url, profile(**given), PAGE_SIZE="10")


def expected(key: int) -> list[str]:
    return [line["id"] for line in LINES if line["of"]["id"] == key]


@pytest.mark.parametrize(
    ("child", "calls"), [(BULK, 3 + 3 + 3 + 1 + 3), (SINGLE, 3 + 23)], ids=["bulk", "single"]
)
def test_every_parent_has_its_children(
    upstream: Upstream, tmp_path: Path, child: dict[str, Any], calls: int
) -> None:
    """In bulk, three of the lists are as long as any before: whether they were cut is asked."""
    client = service(upstream, tmp_path, child)
    found = client.get("/contact/entities").json
    assert [(row["id"], [line["id"] for line in row["lines"]]) for row in found] == [
        (parent["id"], expected(parent["id"])) for parent in PARENTS
    ]
    assert upstream.calls() == calls
    one = client.get("/contact/entities/5").json
    assert [line["id"] for line in one["lines"]] == expected(5)


@pytest.mark.parametrize("order", ["modified", "none"])
def test_without_a_filter_only_what_is_new_has_its_children_asked_for(
    upstream: Upstream, tmp_path: Path, order: str
) -> None:
    client = service(upstream, tmp_path, SINGLE, incremental={"order": order})
    found = client.get("/contact/entities?since=2026-01-01T00:00:22.000000Z").json
    assert {row["id"]: [line["id"] for line in row["lines"]] for row in found} == {
        22: expected(22),
        23: expected(23),
    }
    assert upstream.calls() == 3 + 2


def test_a_changed_child_is_a_change_of_its_parent(upstream: Upstream, tmp_path: Path) -> None:
    child = {**BULK, "changed": {"after": "{since}"}}
    client = service(
        upstream,
        tmp_path,
        child,
        modified_also=["lines.*.touched"],
        incremental={"param": "since", "order": "none"},
    )
    line = next(line for line in LINES if line["of"]["id"] == 5)
    before = line["touched"]
    line["touched"] = "2026-01-01T00:01:00.000000Z"
    try:
        found = client.get("/contact/entities?since=2026-01-01T00:00:22.000000Z").json
    finally:
        line["touched"] = before
    assert sorted(row["id"] for row in found) == [5, 22, 23]
    assert found[-1]["_updated"] == "2026-01-01T00:01:00.000000Z"
