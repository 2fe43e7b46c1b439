"""What a system stores otherwise than it was sent: one write, settled, noted, neither spelling overwritten.

Both systems rewrite every text of every record, each in its own way, on create and on update.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.common.rewriting import REWRITES
from sandbox.common.sanitise import sanitised
from tests.e2e.conftest import World
from tests.e2e.rows.steps import Missing, at
from tests.e2e.test_order_sync import customer, unix

Record = dict[str, Any]
ODD = " Zoe\u0308\u00e9  <b>&{}\r\nIII\nD "
"""Changed by every rewrite: blanks inside and outside, markup, a letter decomposed and one composed, line breaks of
both kinds, capitals."""
KINDS = ("blanks", "capitals", "crlf", "html", "lf", "lower", "nfc", "nfd", "squeeze", "trim", "upper")
ONLY = {"language": ("locale", "upper"), "email": ("lower", "upper"), "number": ("lower", "upper")}
"""Properties that may not be just any text: what is done to them by Chargebee, and by the ERP."""


@dataclass(frozen=True)
class Kind:
    """One pair of records: the names of its kinds for rewriting, its texts by path, and how it is reached."""

    erp: str
    chargebee: str
    texts: dict[str, tuple[str, str]]
    """By name, the paths in the ERP's record and in Chargebee's."""
    odd: dict[str, str]
    """Values of those that may not be any text."""
    plain: tuple[str, str]
    """A further text, which nobody rewrites."""


ADDRESS = ("line1", "line2", "line3", "city", "state")
PERSON = {
    **{name: (name, name) for name in ("first_name", "last_name", "email", "phone")},
    "language": ("language", "locale"),
    **{part: (f"address.{part}", f"billing_address.{part}") for part in ADDRESS},
}
PRODUCT = {name: (name, name) for name in ("name", "description", "unit")}
SALE = {
    "number": ("order_number", "reference_id"),
    "note": ("note", "note"),
    **{part: (f"shipping_address.{part}", f"shipping_address.{part}") for part in ADDRESS},
}
ORDER = {**SALE, "shipment_carrier": ("shipment_carrier", "shipment_carrier"), "tracking_number": ("tracking_number", "tracking_id")}  # fmt: skip
QUOTE = {**SALE, "number": ("quote_number", "reference_id")}
SPECIAL = {"email": "Odd{}@Stored.Example", "number": "Odd-{}"}

CONTACT = Kind("contact", "customer", PERSON, SPECIAL, ("address.postal_code", "billing_address.zip"))
EMPLOYEE = Kind("employee", "customer", PERSON, SPECIAL, ("address.postal_code", "billing_address.zip"))
GOODS = Kind("product", "item", PRODUCT, SPECIAL, ("metadata.colour", "metadata.colour"))
BOUGHT = Kind("order", "order", ORDER, SPECIAL, ("tracking_url", "tracking_url"))
OFFERED = Kind("quote", "order", QUOTE, SPECIAL, ("shipping_address.postal_code", "shipping_address.zip"))
ALL = (CONTACT, EMPLOYEE, GOODS, BOUGHT, OFFERED)


def rewrites(name: str, turn: int) -> tuple[str, str]:
    """What Chargebee and the ERP do to a text: never the same."""
    if name in ONLY:
        return ONLY[name]
    place = (turn + sum(map(ord, name))) % len(KINDS)
    return KINDS[place], KINDS[(place + 5) % len(KINDS)]


def value(kind: Kind, name: str, tag: str) -> str:
    """An odd value of a text."""
    if name == "language":
        return ("nb_NO", "sv_SE", "da_DK", "fi_FI", "en_GB", "de_CH", "fr_BE")[sum(map(ord, tag)) % 7]
    return (kind.odd.get(name) or (ODD if name != "phone" else " Tel  22 {} ")).format(tag)


def put(record: Record, path: str, given: Any) -> None:
    """Set the value at a dotted path."""
    head, _, rest = path.partition(".")
    if rest:
        put(record.setdefault(head, {}), rest, given)
    else:
        record[head] = given


def body(kind: Kind, side: int, tag: str) -> Record:
    """All texts of a record with odd values; `side`: 0 of the ERP, 1 of Chargebee."""
    made: Record = {}
    for name, paths in kind.texts.items():
        put(made, paths[side], value(kind, name, tag))
    return made


def shown(kind: Kind, side: int, record: Record) -> dict[str, Any]:
    """All texts of a record."""
    found = {}
    for name, paths in kind.texts.items():
        try:
            found[name] = at(record, paths[side])
        except Missing:
            found[name] = None
    return found


def changed(kind: Kind, side: int, turn: int, typed: dict[str, Any]) -> dict[str, Any]:
    """What a system makes of texts; `side`: 0 the ERP, 1 Chargebee, which sanitises every description."""
    safe = {
        name: sanitised(text) if (side, name) == (1, "description") else text for name, text in typed.items()
    }
    return {name: REWRITES[rewrites(name, turn)[1 - side]](text) for name, text in safe.items()}


def rules(side: int, turn: int) -> dict[str, list[str]]:
    """All that a system does to what it is sent."""
    found = {}
    for kind in ALL:
        for name, paths in kind.texts.items():
            where = f"{(kind.erp, kind.chargebee)[side]}/{paths[side].replace('.', '/')}"
            found[where] = [rewrites(name, turn)[1 - side]]
    return found


class Pair:
    """Two linked records and what their systems say of them."""

    def __init__(self, world: World, kind: Kind, erp: str, chargebee: str) -> None:
        self.world, self.kind, self.ids = world, kind, (erp, chargebee)

    def record(self, side: int) -> Record:
        """The record on a side."""
        if side == 0:
            return self.world.erp.get(f"{self.kind.erp}s", self.ids[0])
        return self.world.chargebee.get(f"{self.kind.chargebee}s", self.ids[1])

    def texts(self, side: int) -> dict[str, Any]:
        """Its texts on a side."""
        return shown(self.kind, side, self.record(side))

    def edit(self, side: int, fields: Record) -> None:
        """Do what a person does."""
        if side == 0:
            whole = {name: {**self.record(0)[name], **part} if isinstance(part, dict) else part for name, part in fields.items()}  # fmt: skip
            self.world.erp.patch(f"{self.kind.erp}s", self.ids[0], **whole)
            return
        address = fields.pop("billing_address", None)
        if fields:
            old = self.record(1)
            whole = {name: {**{k: v for k, v in (old.get(name) or {}).items() if k not in ("object", "validation_status")}, **part} if isinstance(part, dict) else part for name, part in fields.items()}  # fmt: skip
            self.world.chargebee.post(f"{self.kind.chargebee}s/{self.ids[1]}", **whole)
        if address:
            self.world.chargebee.bill(self.ids[1], billing_address=address)


@pytest.fixture(
    scope="module", params=[0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, len(KINDS)))]
)
def turn(world: World, request: pytest.FixtureRequest) -> Iterator[int]:
    """Both systems rewrite; which text how depends on the turn: after all of them each has had each."""
    world.chargebee.configure(customer_deletion_s=0, rewriting=rules(1, request.param))
    world.erp.rewrite(rules(0, request.param))
    yield request.param
    world.chargebee.configure(customer_deletion_s=0)
    world.erp.rewrite({})


def from_erp(world: World, tag: str, payer: Record) -> list[Callable[[], Pair]]:
    """Records made in the ERP; each gives its pair once the sync has run."""
    erp, found = world.erp, []
    for kind in (CONTACT, EMPLOYEE):
        one = erp.create(f"{kind.erp}s", **body(kind, 0, f"{kind.erp}{tag}"))["id"]
        found.append(lambda kind=kind, one=one: Pair(world, kind, one, f"{kind.erp}-{one}"))
    one = erp.create("products", **body(GOODS, 0, tag), type="goods", metadata={"colour": "red"})["id"]
    found.append(lambda one=one: Pair(world, GOODS, one, f"product-{one}"))
    line = {"description": "x", "quantity": "1", "unit_price": "10.00"}
    facts = {"contact_id": payer["id"], "currency": "NOK", "lines": [line]}
    for kind, more in ((BOUGHT, {"status": "confirmed", "order_date": "2026-01-02"}), (OFFERED, {"status": "sent", "quote_date": "2026-01-02"})):  # fmt: skip
        one = erp.create(f"{kind.erp}s", **body(kind, 0, f"{kind.erp}{tag}"), **facts, **more)["id"]
        found.append(lambda kind=kind, one=one: Pair(world, kind, one, f"{kind.erp}-{one}"))
    return found


def from_chargebee(world: World, tag: str, payer: Record) -> list[Callable[[], Pair]]:
    """Records made in Chargebee."""
    chargebee, found = world.chargebee, []

    def linked(kind: Kind, key: str) -> Callable[[], Pair]:
        def pair() -> Pair:
            mine = [
                each
                for each in world.erp.all(f"{kind.erp}s")
                if each["external_refs"].get("chargebee") == key
            ]
            assert len(mine) == 1, f"{len(mine)} {kind.erp}s of {key}"
            return Pair(world, kind, mine[0]["id"], key)

        return pair

    chargebee.post("customers", id=f"odd-{tag}", **body(CONTACT, 1, f"cb{tag}"))
    chargebee.post("item_families", id=f"odd-{tag}", name=f"odd-{tag}")
    item = {
        "id": f"odd-{tag}",
        "type": "charge",
        "item_family_id": f"odd-{tag}",
        "metadata": {"colour": "red"},
    }
    chargebee.post("items", **item, **body(GOODS, 1, f"cb{tag}"))
    price = {
        "id": f"odd-{tag}-EUR",
        "name": f"odd-{tag}-EUR",
        "item_id": f"odd-{tag}",
        "currency_code": "EUR",
    }
    chargebee.post("item_prices", **price, price=500, pricing_model="per_unit")
    day, payer_id = unix("2026-04-01"), f"contact-{payer['id']}"
    line = {"description": "Bok", "unit_amount": 12500, "quantity": 2, "amount": 25000, "entity_type": "adhoc", "is_shippable": True}  # fmt: skip
    invoice = {
        "id": f"odd-i-{tag}",
        "customer_id": payer_id,
        "date": day,
        "total": 25000,
        "currency_code": "NOK",
    }
    del line["is_shippable"]
    chargebee.post("invoices/import_invoice", **invoice, line_items=[line])
    order = {"id": f"odd-{tag}", "invoice_id": f"odd-i-{tag}", "customer_id": payer_id, "status": "queued"}
    dates = {"created_at": day, "order_date": day, "shipping_date": day}
    chargebee.post("orders/import_order", **order, **dates, **body(BOUGHT, 1, f"cb{tag}"))
    for kind in (CONTACT, GOODS, BOUGHT):
        found.append(linked(kind, f"odd-{tag}"))
    return found


@pytest.fixture(scope="module")
def pairs(world: World, turn: int) -> list[tuple[int, Pair]]:
    """The side on which each was made, and both records, after one sync."""
    _, payer = customer(world, f"Payer{turn}")
    world.sync()
    made = [(0, each) for each in from_erp(world, str(turn), payer)]
    made += [(1, each) for each in from_chargebee(world, str(turn), payer)]
    before = world.writes()
    world.sync()
    found = [(side, pair()) for side, pair in made]
    done = sum(world.writes()) - sum(before)
    assert done <= 3 * len(found), f"{done} writes for {len(found)} records"
    return found


def settled(world: World, pairs: list[tuple[int, Pair]]) -> None:
    """Nothing is written any more, nothing was refused and nothing is held back."""
    before = world.writes()
    world.sync()
    assert world.writes() == before
    keys = {key for _, pair in pairs for key in pair.ids}
    for pipe in ("customerp-contact", "customerp-employee", "customerp-product", "customerp-order", "customerp-quote",
                 "chargebee-customer", "chargebee-item", "chargebee-order"):  # fmt: skip
        for row in world.rows(pipe):
            if row["$generated_id"] in keys:
                assert row["$status"] == "ok", (pipe, row["$error"])


def test_made_once_and_each_side_keeps_its_own(
    world: World, turn: int, pairs: list[tuple[int, Pair]]
) -> None:
    for side, pair in pairs:
        mine, other = pair.texts(side), pair.texts(1 - side)
        assert other == changed(pair.kind, 1 - side, turn, mine), pair.ids
    settled(world, pairs)


@pytest.mark.parametrize("side", [0, 1], ids=["erp", "chargebee"])
def test_edits_of_what_nobody_rewrites_arrive(world: World, pairs: list[tuple[int, Pair]], side: int) -> None:
    kept = [(pair.texts(0), pair.texts(1)) for _, pair in pairs]
    for _, pair in pairs:
        fields: Record = {}
        put(fields, pair.kind.plain[side], f"57{side}0")
        pair.edit(side, fields)
    before = world.writes()
    world.sync()
    for _, pair in pairs:
        assert at(pair.record(1 - side), pair.kind.plain[1 - side]) == f"57{side}0", pair.ids
    assert sum(world.writes()) - sum(before) == len(pairs)
    assert [(pair.texts(0), pair.texts(1)) for _, pair in pairs] == kept
    settled(world, pairs)


@pytest.mark.parametrize("side", [0, 1], ids=["erp", "chargebee"])
def test_edits_of_what_is_rewritten_arrive(
    world: World, turn: int, pairs: list[tuple[int, Pair]], side: int
) -> None:
    """Also by whoever types something that the other side keeps otherwise."""
    for at_, (_, pair) in enumerate(pairs):
        pair.edit(side, body(pair.kind, side, f"new{turn}{side}{at_}"))
    typed = [pair.texts(side) for _, pair in pairs]
    before = world.writes()
    world.sync()
    assert sum(world.writes()) - sum(before) <= 2 * len(pairs)
    for (_, pair), mine in zip(pairs, typed, strict=True):
        assert pair.texts(side) == mine, pair.ids
        assert pair.texts(1 - side) == changed(pair.kind, 1 - side, turn, mine), pair.ids
    settled(world, pairs)


def test_it_is_noted_what_was_sent_and_what_was_kept(
    world: World, turn: int, pairs: list[tuple[int, Pair]]
) -> None:
    (_, pair), *_ = pairs
    rows = [
        each for each in world.stack.entities("audit") if each["record"] == pair.ids[1] and each.get("kept")
    ]
    noted = [each for row in rows for each in row["kept"] if each["field"] == "/first_name"]
    rewrite = REWRITES[rewrites("first_name", turn)[0]]
    assert noted
    assert all(each["kept"] == rewrite(each["sent"]) != each["sent"] for each in noted)
