"""A record that is linked to one which nobody shows, as a new node or another site finds it: reported, not made again."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import World


def pending(world: World, pipe: str, record: str) -> dict[str, Any] | None:
    """What the share pipe reports of the group that `record` belongs to."""
    rows = [row for row in world.rows(pipe) if record in row["$ids"] and row["$status"] == "pending"]
    return rows[0]["$error"] if rows else None


def test_an_erp_record_of_an_unknown_counterpart_waits(world: World) -> None:
    refs = {"external_refs": {"chargebee": "of-another-site"}}
    contact = world.erp.create("contacts", last_name="Moved", email="moved@links.example", **refs)["id"]
    product = world.erp.create(
        "products", sku="LINK-1", name="Moved", type="goods", unit_price="1.00", currency="NOK", **refs
    )["id"]
    before = world.writes()
    world.sync()
    assert world.writes() == before, "no twin is made"
    for pipe, record in (
        ("chargebee-customer", f"~:customerp-contact:{contact}"),
        ("chargebee-item", f"~:customerp-product:{product}"),
    ):
        error = pending(world, pipe, record)
        assert error and (error["rule"], error["kind"]) == ("link-unknown", "look-up-first")
        assert "external_refs.chargebee" in error["detail"], "it says what to do"

    world.erp.patch("contacts", contact, external_refs={})
    world.sync()
    assert world.chargebee.get("customers", f"contact-{contact}")["email"] == "moved@links.example"
    assert pending(world, "chargebee-customer", f"~:customerp-contact:{contact}") is None


def test_a_chargebee_record_of_an_unknown_counterpart_waits(world: World) -> None:
    world.chargebee.post(
        "customers",
        id="left-behind",
        last_name="Behind",
        meta_data={"customerp": {"contact_id": "CT-0"}},
    )
    before = world.writes()
    world.sync()
    assert world.writes() == before, "no contact is made"
    error = pending(world, "customerp-contact", "~:chargebee-customer:left-behind")
    assert error and error["rule"] == "link-unknown" and "meta_data.customerp" in error["detail"]

    world.chargebee.post("customers/left-behind", meta_data={})
    world.sync()
    assert [c for c in world.erp.all("contacts") if c["external_refs"].get("chargebee") == "left-behind"]
