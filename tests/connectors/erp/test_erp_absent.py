"""An ERP with fewer than six datatypes: what it lacks reads as an empty, complete list and takes no writes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.common.errors import SettingsError
from connectors.erp.absent import RULE
from connectors.erp.check.__main__ import FITS, WRONG_SETTINGS, main
from connectors.erp.schema import DATATYPES
from tests.support.erp import FAST, app_of
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

SUBSETS = [set(some) for size in range(7) for some in itertools.combinations(DATATYPES, size)]
ORIGIN = {"$origin": "~:chargebee-customer:cb1"}
WRITES: list[dict[str, Any]] = [
    {"_id": "new", "$operation": "insert", "note": 7, **ORIGIN},
    {"_id": "1", "id": "1", "note": "x", "$based_on": {}},
    {"_id": "1", "id": "1", "_deleted": True},
    {"_id": "2", "$operation": "upsert"},
]


def erp(asked: Asked) -> Reply:
    """One record in each list that the profile may ask for."""
    record = {"id": "1", "changed": "2026-01-01T00:00:00Z"}
    if asked.query.get("ref"):
        return Reply([])
    return Reply([record] if asked.path.count("/") == 1 else record)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with scripted_upstream(erp) as running:
        yield running


def document(
    there: set[str], rest: dict[str, Any] | None = None, off: set[str] | None = None
) -> dict[str, Any]:
    """A profile with these datatypes, and with those `off` switched off."""
    entities: dict[str, Any] = {name: {"path": f"/{name}s"} for name in DATATYPES if name in there}
    entities |= {name: {"enabled": False} for name in off or ()}
    return {
        "profile_version": 1,
        "name": "small",
        "connection": {"rest": {"base_url": "${ERP_BASE_URL}", **(rest or {})}},
        "defaults": {
            "modified": ["changed"],
            "paginator": {"type": "single"},
            "origin": {"field": "external_refs.chargebee", "query": {"ref": "{origin}"}},
        },
        "entities": entities,
    }


@pytest.mark.parametrize("there", SUBSETS, ids=lambda there: "+".join(sorted(there)) or "none")
def test_every_subset_reads_and_writes_what_it_has_and_nothing_else(
    upstream: Upstream, tmp_path: Path, there: set[str]
) -> None:
    if not there:
        with pytest.raises(SettingsError, match="entities"):
            app_of(tmp_path, upstream.url, document(there))
        return
    client = app_of(tmp_path, upstream.url, document(there))
    shown = client.get("/").json
    assert set(shown["datatypes"]) == set(DATATYPES)
    assert shown["disabled"] == [name for name in DATATYPES if name not in there]
    assert client.get("/ready").status_code == 200
    for name in DATATYPES:
        for since in ("", "?since=2026-01-01T00:00:00.000000Z", "?since=00000000000000000007", "?limit=0"):
            answer = client.get(f"/{name}/entities{since}")
            if name not in there:
                assert (answer.status_code, answer.data) == (200, b"[]")
                assert answer.headers["X-Dataset-Populated"] == "true"
        assert len(client.get(f"/{name}/entities").json) == (name in there)
        assert client.get(f"/{name}/entities/1").status_code == (200 if name in there else 404)
        assert client.get(f"/schemas/{name}").json["title"] == name
        if name not in there:
            before = len(upstream.asked)
            refused(client, name)
            assert len(upstream.asked) == before, "nobody was asked"


def refused(client: Any, name: str) -> None:
    """Whatever is written to an absent datatype is its own record's outcome, in a dry run too."""
    for query in ("", "?dry_run=true"):
        answers = client.post(f"/{name}/share{query}", json=WRITES).json
        assert [one["$status"] for one in answers] == ["rejected"] * len(WRITES)
        assert [one["$operation"] for one in answers] == ["none"] * len(WRITES)
        assert [one["$error"]["rule"] for one in answers] == [RULE] * 3 + ["enum"]
        assert f"no {name}" in answers[0]["$error"]["detail"]
        assert "the profile small has no entry for it" in answers[0]["$error"]["detail"]
    pushed = client.post(f"/{name}/entities", json=[{"_id": "1", "note": "x"}])
    assert (pushed.status_code, pushed.json["errors"][0]["rule"]) == (422, RULE)
    whole = "?is_full=true&is_first=true&is_last=true&sequence_id=1"
    assert client.post(f"/{name}/entities{whole}", json=[]).json == {}


def test_a_datatype_that_is_switched_off_is_absent_and_says_so(upstream: Upstream, tmp_path: Path) -> None:
    client = app_of(tmp_path, upstream.url, document({"contact"}, off={"quote"}))
    assert client.get("/quote/entities?since=2026-01-01T00:00:00Z").json == []
    (answer,) = client.post("/quote/share", json=WRITES[:1]).json
    assert "enabled: false" in answer["$error"]["detail"]
    assert client.get("/invoice/entities").status_code == 404


def test_what_a_switched_off_datatype_says_besides_is_not_read(upstream: Upstream, tmp_path: Path) -> None:
    """`enabled: false` in the defaults, and true where it is wanted, works as well."""
    whole = document({"contact", "order"})
    whole["defaults"]["enabled"] = False
    whole["entities"]["contact"]["enabled"] = True
    client = app_of(tmp_path, upstream.url, whole)
    assert set(DATATYPES) - set(client.get("/").json["disabled"]) == {"contact"}


def test_the_check_says_which_datatypes_are_off(
    upstream: Upstream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "small.json"
    file.write_text(json.dumps(document({"contact"}, off={"order"})))
    environ = {**FAST, "ERP_BASE_URL": upstream.url}
    assert main(["--profile", str(file)], environ) == FITS
    said = capsys.readouterr().out
    assert "quote       off: the profile small has no entry for it" in said
    assert "order       off: the profile small says enabled: false" in said
    assert "1 datatypes: 1 ok" in said
    assert "off: customer, employee, quote, order, product" in said
    assert main(["--profile", str(file), "--json"], environ) == FITS
    assert set(json.loads(capsys.readouterr().out)["off"]) == set(DATATYPES) - {"contact"}
    assert main(["--profile", str(file), "--datatype", "quote"], environ) == WRONG_SETTINGS
    assert "nothing to check of quote: the profile small has no entry for it" in capsys.readouterr().err
    assert main(["--profile", str(file), "--datatype", "qoute"], environ) == WRONG_SETTINGS
    assert 'did you mean "quote"?' in capsys.readouterr().err
