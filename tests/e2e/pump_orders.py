"""One small company with a record of every kind and with every reference between them, and pumps in any order."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.jsonio import Json
from localnode.config import NodeSettings, read_directory
from localnode.node import Node
from stack.environment import ROOT
from stack.process_manager import Program
from stack.processes import Stack
from tests.e2e.test_order_sync import LINES, unix
from tests.support.systems import Chargebee, Erp

ROUNDS = 60
"""No order of pumps takes more rounds than this until nothing moves."""

VOLATILE = re.compile(r"(_at|version|^_.*|position|line_id|line_item_id|date_from|date_to)$")
"""Properties that say when or how often something was written, and not what."""


def is_volatile(name: str, value: Any) -> bool:
    """Whether a property, or a key that Chargebee makes up, is another each time."""
    made_up = isinstance(value, str) and value.startswith(("li_", "o_li"))
    return made_up or VOLATILE.search(name) is not None


class Services(Stack):
    """Sandboxes and services without a node; webhooks would bring events at times that nobody chose."""

    def _programs(self) -> list[Program]:
        return super()._programs()[:-1]

    def upload(self) -> int:
        """Upload nothing: there is no node."""
        return 0

    def _hook(self) -> None:
        pass


def fill(erp: Erp, chargebee: Chargebee) -> None:
    """Make both systems again, with the same records each time."""
    for system in (erp, chargebee):
        answer = system.session.post(
            f"{system.root}/_sandbox/reset", json={"data": "empty", "seed": 1}, timeout=60
        )
        answer.raise_for_status()
    _erp(erp)
    _chargebee(chargebee)


def _erp(erp: Erp) -> None:
    north = erp.create(
        "customers", name="Nord AS", currency="NOK", vat_number="NO987654321", payment_terms_days=14
    )
    alone = erp.create("customers", name="Alene AS", currency="NOK")
    payer = erp.create(
        "contacts",
        first_name="Kari",
        email="kari@nord.example",
        customer_id=north["id"],
        is_billing_contact=True,
    )
    erp.create(
        "contacts",
        first_name="Ola",
        email="ola@alene.example",
        customer_id=alone["id"],
        is_billing_contact=True,
    )
    erp.create("contacts", first_name="Ida", email="ida@known.example", phone="1")
    erp.create("contacts", first_name="Jo", email="jo@twice.example")
    erp.create("employees", first_name="Jo", email="jo@twice.example")
    erp.create("employees", first_name="Eva", email="eva@staff.example")
    rose = erp.create("products", sku="ROSE", name="Rose", type="goods", unit_price="10.50", currency="NOK")
    ship = erp.create(
        "products", sku="SHIP", name="Levering", type="service", unit_price="99.00", currency="NOK"
    )
    lines = [{**line, "product_id": product["id"]} for line, product in zip(LINES, (rose, ship), strict=True)]
    sale = {"currency": "NOK", "lines": lines}
    erp.create(
        "orders",
        customer_id=north["id"],
        contact_id=payer["id"],
        status="confirmed",
        order_date="2026-04-01",
        **sale,
    )
    erp.create("orders", customer_id=alone["id"], status="confirmed", order_date="2026-04-02", **sale)
    erp.create(
        "quotes",
        customer_id=north["id"],
        contact_id=payer["id"],
        status="sent",
        quote_date="2026-04-03",
        **sale,
    )
    quote = erp.create(
        "quotes",
        customer_id=north["id"],
        contact_id=payer["id"],
        status="accepted",
        quote_date="2026-04-04",
        **sale,
    )
    erp.convert(quote["id"])


def _chargebee(chargebee: Chargebee) -> None:
    chargebee.business_entity("Nord AS")
    south = chargebee.business_entity("Sud GmbH")
    people = {
        "ida": ("ida@known.example", None),
        "uwe": ("uwe@sud.example", south["id"]),
        "gro": ("gro@new.example", None),
    }
    for name, (email, unit) in people.items():
        extra = {"business_entity_id": unit} if unit else {}
        chargebee.post("customers", id=f"cb-{name}", first_name=name.title(), email=email, **extra)
    chargebee.post("item_families", id="garden", name="garden")
    for key, sku in (("cb-rose", "ROSE"), ("cb-spade", "SPADE")):
        chargebee.post("items", id=key, name=key, type="charge", item_family_id="garden")
        chargebee.post("item_prices", id=f"{key}-NOK", name=f"{key}-NOK", item_id=key, currency_code="NOK", price=1050, pricing_model="per_unit", accounting_detail={"sku": sku})  # fmt: skip
    day = unix("2026-04-01")
    for name in ("uwe", "ida"):
        chargebee.post(
            "invoices/import_invoice", id=f"i-{name}", customer_id=f"cb-{name}", date=day, total=25000, currency_code="NOK",
            line_items=[{"description": "Bok", "unit_amount": 12500, "quantity": 2, "amount": 25000, "entity_type": "adhoc"}],
        )  # fmt: skip
        chargebee.post(
            "orders/import_order", id=f"cb-order-{name}", invoice_id=f"i-{name}", customer_id=f"cb-{name}", status="queued",
            created_at=day, order_date=day, shipping_date=day, reference_id=f"REF-{name}",
        )  # fmt: skip


def first_load(services: Services, folder: Path, order: random.Random | None) -> dict[str, Json]:
    """A first load of a new node, pump by pump; answers what is in both systems then."""
    erp, chargebee = systems(services)
    fill(erp, chargebee)
    with node_of(services, folder) as node:
        run_in_order(node, order)
    return state(erp, chargebee)


def load_and_edits(services: Services, folder: Path) -> dict[str, Json]:
    """A first load by name, edits on both sides and their sync; answers what is in both systems after each."""
    erp, chargebee = systems(services)
    fill(erp, chargebee)
    with node_of(services, folder) as node:
        run_in_order(node, None)
        loaded = state(erp, chargebee)
        edit(erp, chargebee)
        run_in_order(node, None)
    return {"loaded": loaded, "edited": state(erp, chargebee)}


def systems(services: Services) -> tuple[Erp, Chargebee]:
    """Both sandboxes."""
    return Erp(services.erp_sandbox_url), Chargebee(services.chargebee_sandbox_url)


@contextmanager
def node_of(services: Services, folder: Path) -> Iterator[Node]:
    """A new node in this process, whose pumps only run when they are told to."""
    addresses = {
        "customerp": services.settings.url("erp-service"),
        "chargebee": services.settings.url("chargebee-service"),
    }
    node = Node(NodeSettings(data=folder, schedule=False, systems=addresses))
    try:
        variables = json.loads((ROOT / "prod-env.json").read_text(encoding="utf-8"))
        node.replace_env({**variables, **services.settings.node_variables})
        node.replace_entities(read_directory(services.settings.config), force=False)
        yield node
    finally:
        node.close()


def run_in_order(node: Node, order: random.Random | None) -> int:
    """Run every pump, one by one, again and again until nothing moves; answers the number of rounds.

    `order` shuffles the pumps again for each round; None: by name.
    """
    pipes = [pipe for name, pipe in sorted(node.pipes.items()) if pipe.has_pump]
    quiet = 0
    for number in range(ROUNDS):
        if order is not None:
            order.shuffle(pipes)
        outcomes = {pipe.id: pipe.run() for pipe in pipes}
        failed = {name: each.reason for name, each in outcomes.items() if each.status == "failed"}
        assert not failed, failed
        moved = sum(each.changes for each in outcomes.values())
        waits = {name: each.reason for name, each in outcomes.items() if each.status != "success"}
        quiet = quiet + 1 if not moved else 0
        if quiet == 2:
            assert not waits, waits
            return number
    raise AssertionError(f"still moving after {ROUNDS} rounds")


def edit(erp: Erp, chargebee: Chargebee) -> None:
    """Edit, ship and delete on both sides: records of every kind, and values of every kind."""
    contacts = {each["email"]: each["id"] for each in erp.all("contacts")}
    products = {each["sku"]: each["id"] for each in erp.all("products")}
    orders = {each["order_number"]: each["id"] for each in erp.all("orders")}
    people = {each["email"]: each["id"] for each in chargebee.all("customers")}
    erp.patch("contacts", contacts["kari@nord.example"], phone="+47 1", last_name="Nordmann", language="nb")
    erp.patch("products", products["ROSE"], unit_price="11.00", description=None)
    erp.patch("orders", orders["SO-10002"], note="Ring på", tracking_number="T-1")
    erp.delete("employees", erp.all("employees")[-1]["id"])
    chargebee.post(f"customers/{people['ola@alene.example']}", last_name="Alene", phone="2")
    chargebee.post(f"customers/{people['uwe@sud.example']}", first_name="Uwe", company="Sud")
    chargebee.post("items/cb-spade", name="cb-spade", description="Of steel")
    chargebee.post(f"customers/{people['gro@new.example']}/delete")
    _new_payer(erp)


def _new_payer(erp: Erp) -> None:
    """Give a company a billing contact and, at once, an order that names no contact: it is that one's to pay."""
    alone = next(each["id"] for each in erp.all("customers") if each["name"] == "Alene AS")
    erp.patch("contacts", next(each["id"] for each in erp.all("contacts") if each["email"] == "ola@alene.example"), is_billing_contact=False)  # fmt: skip
    erp.create("contacts", first_name="Per", email="per@alene.example", customer_id=alone, is_billing_contact=True)  # fmt: skip
    product = next(each["id"] for each in erp.all("products") if each["sku"] == "SHIP")
    erp.create("orders", customer_id=alone, status="confirmed", order_date="2026-04-05", currency="NOK", lines=[{**LINES[1], "product_id": product}])  # fmt: skip


def state(erp: Erp, chargebee: Chargebee) -> dict[str, Json]:
    """What is in both systems, each record by a name that does not depend on the order in which it was made."""
    records: dict[str, Json] = {}
    for kind, key in (
        ("customers", "name"),
        ("contacts", "email"),
        ("employees", "email"),
        ("products", "sku"),
        ("orders", "order_number"),
        ("quotes", "quote_number"),
    ):
        records |= {f"erp {kind} {each[key]}": each for each in erp.all(kind)}
    for kind, key in (
        ("customers", "email"),
        ("orders", "reference_id"),
        ("items", "name"),
        ("item_prices", "name"),
        ("invoices", "id"),
    ):
        records |= {f"chargebee {kind} {each[key]}": each for each in chargebee.all(kind)}
    names = {str(each["id"]): name for name, each in records.items() if name.startswith("erp")}
    pattern = re.compile("|".join(sorted(map(re.escape, names), key=len, reverse=True)))

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items() if not is_volatile(name, each)}
        if isinstance(value, list):
            return [plain(each) for each in value]
        return pattern.sub(lambda found: f"<{names[found[0]]}>", value) if isinstance(value, str) else value

    return {plain(name): plain(each) for name, each in records.items()}
