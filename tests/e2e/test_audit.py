"""The audit trail: each write is an entity that says when, why, before and after, the call and the answer, and what lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stack.processes import Stack
from stack.settings import for_tests
from tests.e2e.conftest import World, _world


def trail(world: World, system: str, record: str) -> list[dict[str, Any]]:
    """The audit entities of one record, oldest first, as the endpoint gives them."""
    found = world.stack.node._call("GET", "/publishers/audit-endpoint/entities").json()
    return sorted(
        (each for each in found if (each["system"], each["record"]) == (system, record)),
        key=lambda each: str(each["when"]),
    )


def test_every_write_is_there_with_its_reason(world: World) -> None:
    one = world.erp.create("contacts", first_name="Aud", last_name="It", email="aud@it.example")["id"]
    world.sync()
    key, erp, chargebee = (
        f"contact-{one}",
        f"~:customerp-contact:{one}",
        f"~:chargebee-customer:contact-{one}",
    )
    insert = trail(world, "chargebee", key)
    assert len(insert) == 1
    assert insert[0]["call"] == {"path": "/customer/share", "operation": "insert"}
    assert insert[0]["answer"]["status"] == "ok"
    assert insert[0]["after"]["email"] == "aud@it.example"
    assert insert[0]["from"][0]["record"] == erp

    edit = world.erp.patch("contacts", one, first_name="First")
    late = world.chargebee.post(f"customers/{key}", first_name="Second")
    before = world.writes()
    world.sync()
    assert sum(world.writes()) - sum(before) == 1
    written = trail(world, "customerp", one)[-1]
    assert written["before"] == {"first_name": "First"}
    assert written["after"] == {"first_name": "Second"}
    because = written["because"]["first_name"]
    assert (because["value"], because["record"]) == ("Second", chargebee)
    assert written["from"] == [{"record": chargebee, "version": because["changed"]}]
    lost = written["lost"]["first_name"]
    assert (lost["value"], lost["record"], lost["changed"]) == ("First", erp, edit["modified_at"])
    assert lost["changed"] < because["changed"]
    assert late["resource_version"] and written["answer"]["version"] > edit["version"]
    assert written["when"] > because["changed"]

    for number in range(3):
        world.erp.patch("contacts", one, first_name=f"Round {number}")
        world.sync()
    afters = [each["after"].get("first_name") for each in trail(world, "chargebee", key)]
    assert afters == ["Aud", "Round 0", "Round 1", "Round 2"], "nothing is overwritten by a later one"
    assert [each["before"].get("first_name") for each in trail(world, "chargebee", key)][1:] == [
        "Second",
        "Round 0",
        "Round 1",
    ]


@pytest.mark.slow
def test_as_many_entities_as_writes(tmp_path: Path) -> None:
    """Over the demo data: every answered write of a share pipe, and no other."""
    with Stack(data="demo", folder=tmp_path) as stack:
        stack.sync()
        done = [each for each in stack.entities("audit") if each["answer"]["status"] == "ok"]
        shared = [
            row
            for pipe in stack.share_pipes()
            for row in stack.node._call(
                "GET", f"/datasets/{pipe}-share/entities", params={"history": "true"}
            ).json()
            if row.get("$written") and row["$status"] == "ok"
        ]
        assert len(done) == len(shared) > 300
        stack.sync()
        assert len([each for each in stack.entities("audit") if each["answer"]["status"] == "ok"]) == len(
            done
        )


@pytest.fixture(scope="module", params=["none", "personal", "values"])
def redacting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = for_tests(tmp_path_factory.mktemp("audit"), "empty")
    with Stack(settings=replace(settings, variables={"audit-redaction": request.param})) as stack:
        yield _world(stack)


@pytest.mark.slow
def test_redaction(redacting: World) -> None:
    world = redacting
    setting = world.stack.settings.variables["audit-redaction"]
    address = {"line1": "Secret Street 7", "city": "Hidden", "country": "NO"}
    fields = {
        "first_name": "Prunella",
        "last_name": "Quiggle",
        "email": "prunella@quiggle.example",
        "phone": "+47 555 01 234",
    }
    one = world.erp.create("contacts", language="nb", address=address, **fields)["id"]
    world.erp.create(
        "products", sku="RED-1", name="Red wheelbarrow", type="goods", unit_price="3.21", currency="NOK"
    )
    world.sync()
    world.erp.patch("contacts", one, first_name="Petronella", language="nn")
    world.sync()
    text = world.stack.node._call("GET", "/publishers/audit-endpoint/entities").text
    personal = (
        "Prunella",
        "Petronella",
        "Quiggle",
        "prunella@quiggle.example",
        "+47 555 01 234",
        "Secret Street",
        "Hidden",
    )
    other = ("Red wheelbarrow", '"nn"')
    assert [each for each in personal if each in text] == (list(personal) if setting == "none" else [])
    assert [each for each in other if each in text] == ([] if setting == "values" else list(other))
    update = trail(world, "chargebee", f"contact-{one}")[-1]
    assert set(update["after"]) == {"first_name", "locale"}, "which properties changed is never hidden"
    assert update["because"]["first_name"]["record"] == f"~:customerp-contact:{one}"
