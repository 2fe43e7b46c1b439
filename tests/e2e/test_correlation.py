"""One id leads from the edit in the ERP to the calls to Chargebee that carry it."""

from __future__ import annotations

import json

from tests.e2e.conftest import World


def test_an_edit_is_found_in_the_log_of_the_call(world: World) -> None:
    contact = world.erp.create("contacts", last_name="Traced", email="traced@example.com")
    world.sync()
    edited = world.erp.patch("contacts", contact["id"], phone="+47 12345678")
    world.sync()
    text = world.stack.children.log("chargebee-service").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    edit = f"customerp-contact:{contact['id']}@{edited['modified_at']}"
    found = [line for line in lines if line.get("correlation_id") == edit]
    assert [
        line["operation"] for line in found if line["message"] == "call" and line["method"] == "POST"
    ] == ["update customer"]
    assert [(line["operation"], line["status"]) for line in found if line["message"] == "share"] == [
        ("update", "ok")
    ]
    assert "+47 12345678" not in text
    assert "traced@example.com" not in text
