"""People who set, copy, swap and clear link fields by hand: no value ever gets into somebody else's record."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stack.processes import Stack
from stack.settings import for_tests
from tests.soundness.running import VARIABLES
from tests.support.systems import Chargebee, Erp

Json = dict[str, Any]
EACH, ACTS_A_ROUND = 6, 20


@dataclass(frozen=True)
class Kind:
    """A datatype of the ERP: its path, the path at Chargebee, and the same field by both names.

    `note`: where the Chargebee record keeps the sync's own keys, and the key of its ERP record there.
    """

    erp: str
    chargebee: str
    fields: tuple[str, str]
    note: tuple[str, str] | None


KINDS = (
    Kind("contacts", "customers", ("first_name", "first_name"), ("meta_data", "contact_id")),
    Kind("employees", "customers", ("first_name", "first_name"), ("meta_data", "employee_id")),
    Kind("products", "items", ("name", "name"), ("metadata", "product_id")),
    Kind("orders", "orders", ("note", "note"), None),
)


@dataclass
class Storm:
    """A world of linked pairs. Each record's field begins with a word that is its owner's alone."""

    stack: Stack
    rng: random.Random
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    """By (path at a system, id), whose word its field has to begin with."""
    pairs: dict[Kind, list[tuple[str, str]]] = field(default_factory=dict)
    typed: int = 0

    def __post_init__(self) -> None:
        self.erp, self.chargebee = (
            Erp(self.stack.erp_sandbox_url),
            Chargebee(self.stack.chargebee_sandbox_url),
        )

    def populate(self) -> None:
        """Make EACH records of every kind and link them."""
        made = {kind: [self._make(kind, number) for number in range(EACH)] for kind in KINDS}
        self.stack.sync()
        for kind, ids in made.items():
            for erp_id, word in ids:
                key = self.erp.get(kind.erp, erp_id)["external_refs"]["chargebee"]
                self.pairs.setdefault(kind, []).append((erp_id, key))
                self.owners[f"erp/{kind.erp}", erp_id] = self.owners[f"chargebee/{kind.chargebee}", key] = (
                    word
                )

    def _make(self, kind: Kind, number: int) -> tuple[str, str]:
        word = f"{kind.erp}{number}"
        fields: Json = {kind.fields[0]: f"{word} 0"}
        if kind.erp in ("contacts", "employees"):
            fields |= {"last_name": "L", "email": f"{word}@storm.example"}
        elif kind.erp == "products":
            fields |= {"sku": word, "type": "goods", "unit_price": "1.00", "currency": "NOK"}
        else:
            payer = self.erp.create(
                "contacts", first_name="Payer", last_name="P", email=f"{word}@payer.example"
            )["id"]
            lines = [{"description": "x", "quantity": "1", "unit_price": "1.00"}]
            fields |= {"contact_id": payer, "currency": "NOK", "lines": lines, "order_date": "2026-01-05"}
            fields["status"] = "confirmed"
        return str(self.erp.create(kind.erp, **fields)["id"]), word

    def act(self, number: int) -> None:
        """One act of a person."""
        kind = self.rng.choice(KINDS)
        (one, key), (other, other_key) = self.rng.sample(self.pairs[kind], 2)
        what = self.rng.choice(
            ("edit", "edit here", "copy", "swap", "clear", "right", "list", "name", "clear there")
        )
        if what == "edit":
            self.erp.patch(
                kind.erp, one, **{kind.fields[0]: f"{self.owners[f'erp/{kind.erp}', one]} {number}"}
            )
        elif what == "edit here":
            word = self.owners[f"chargebee/{kind.chargebee}", key]
            self.chargebee.post(f"{kind.chargebee}/{key}", **{kind.fields[1]: f"{word} {number}"})
        elif what == "copy":
            self._point(kind, one, other_key)
        elif what == "swap":
            self._point(kind, one, other_key)
            self._point(kind, other, key)
        elif what == "clear":
            self.erp.patch(kind.erp, one, external_refs={})
        elif what == "right":
            self._point(kind, one, key)
            self._name(kind, key, one)
        elif what == "list":
            self._name(kind, key, [one, other])
        elif what == "name":
            self._name(kind, key, other)
        else:
            self._name(kind, key, None)

    def _point(self, kind: Kind, one: str, key: str) -> None:
        self.erp.patch(kind.erp, one, external_refs={"chargebee": key})
        self.typed += 1

    def _name(self, kind: Kind, key: str, erp_id: Any) -> None:
        if kind.note is None:
            return
        bag, name = kind.note
        note = self.chargebee.get(kind.chargebee, key).get(bag) or {}
        mine = {**note.get("customerp", {}), name: erp_id}
        self.chargebee.post(f"{kind.chargebee}/{key}", **{bag: {**note, "customerp": mine}})
        self.typed += 1

    def misplaced(self) -> Iterator[str]:
        """Records whose field has somebody else's word."""
        for (where, key), word in self.owners.items():
            system, _, path = where.partition("/")
            record = self.erp.get(path, key) if system == "erp" else self.chargebee.get(path, key)
            kind = next(each for each in KINDS if path in (each.erp if system == "erp" else each.chargebee))
            value = record.get(kind.fields[0 if system == "erp" else 1])
            if str(value).split(" ")[0] != word:
                yield f"{where}/{key}: {value!r} is not {word}'s"

    def unreported(self) -> Iterator[str]:
        """ERP records whose link field names another's record, without an open case that names both."""
        rows = [row for pipe in self.stack.share_pipes() for row in self.stack.entities(f"{pipe}-share")]
        said = [
            str((row.get("$error") or {}).get("detail")) for row in rows if row.get("$status") == "pending"
        ]
        for kind, pairs in self.pairs.items():
            right = dict(pairs)
            for one, _ in pairs:
                named = self.erp.get(kind.erp, one)["external_refs"].get("chargebee")
                if named not in (None, right[one]) and not any(
                    one in each and str(named) in each for each in said
                ):
                    yield f"{kind.erp}/{one} names {named}, and nothing says so"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_two_thousand_acts_on_links_move_no_value_into_another_record(tmp_path: Path, seed: int) -> None:
    _storm(tmp_path, seed, rounds=100)


@pytest.mark.slow
def test_a_hundred_acts_on_links_move_no_value_into_another_record(tmp_path: Path) -> None:
    _storm(tmp_path, 7, rounds=5)


def _storm(folder: Path, seed: int, rounds: int) -> None:
    settings = for_tests(folder, "empty")
    settings.variables.update(VARIABLES)
    with Stack(settings=settings) as stack:
        storm = Storm(stack, random.Random(seed))
        storm.populate()
        for number in range(rounds):
            for act in range(ACTS_A_ROUND):
                storm.act(number * ACTS_A_ROUND + act)
            if number % 25 == 24:
                stack.wipe_node()
            stack.sync()
            assert not list(storm.misplaced())
            assert not list(storm.unreported())
        assert storm.typed > rounds
