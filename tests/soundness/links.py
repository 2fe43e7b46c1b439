"""A storm on link fields: pairs of records, people who edit them and type, copy, swap and clear their links, and kills.

Each record's texts begin with a word, and its price is of a range, that are its owner's alone: whatever the links say,
no other word or price may ever be found in it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from core.jsonio import Json
from stack.processes import Stack
from tests.soundness.world import Syncing
from tests.support.systems import Chargebee, Erp

EACH, COPIES, CONVERTED = 6, 4, 3
"""Pairs of each kind at first, how many records of a kind may wait for one of their own, and how many quotes become
orders."""


@dataclass(frozen=True)
class Kind:
    """A datatype of the ERP: its path, the path at Chargebee, and the same text by both names.

    `note`: where the Chargebee record keeps the sync's own keys, and the key of its ERP record there. `link`: the
    ERP's link field; `of`: the key in it, where it is an object.
    """

    erp: str
    chargebee: str
    text: tuple[str, str]
    note: tuple[str, str] | None = None
    link: str = "external_refs"
    of: str | None = "chargebee"

    def pointing(self, key: str | None) -> Json:
        """What a person types who links a record of the ERP with `key`; None clears."""
        if self.of is None:
            return {self.link: key}
        return {self.link: {} if key is None else {self.of: key}}

    def named(self, record: Json) -> str | None:
        """The id in the link field of a record of the ERP."""
        found = record.get(self.link)
        return found if self.of is None else (found or {}).get(self.of)


CONTACTS = Kind("contacts", "customers", ("first_name", "first_name"), ("meta_data", "contact_id"))
EMPLOYEES = Kind("employees", "customers", ("first_name", "first_name"), ("meta_data", "employee_id"))
PRODUCTS = Kind("products", "items", ("name", "name"), ("metadata", "product_id"))
ORDERS = Kind("orders", "orders", ("note", "note"))
QUOTES = Kind("quotes", "orders", ("note", "note"))
COMPANIES = Kind("customers", "business_entities", ("name", "name"), link="business_entity_id", of=None)
KINDS = (CONTACTS, EMPLOYEES, PRODUCTS, ORDERS, QUOTES, COMPANIES)
ACTS = (
    "edit", "edit_there", "copy", "swap", "clear", "right", "name_two", "name", "clear_name", "duplicate", "bear",
    "free", "price", "price_there", "sku", "quote", "convert",
)  # fmt: skip


@dataclass
class Storm:
    """A world of linked pairs."""

    stack: Stack
    rng: random.Random
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    """By (`erp/` or `chargebee/` and the path there, id), whose word its text has to begin with."""
    pairs: dict[Kind, dict[str, str]] = field(default_factory=dict)
    """By kind: the Chargebee record of each record of the ERP."""
    copies: dict[Kind, set[str]] = field(default_factory=dict)
    """Records of the ERP whose link was copied with them: they have no Chargebee record of their own yet."""
    born: dict[Kind, set[str]] = field(default_factory=dict)
    """Chargebee records that name somebody else's record of the ERP: they have none of their own yet."""
    prices: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By product: its item price, and the whole units that its price has at both systems."""
    came_of: dict[str, str] = field(default_factory=dict)
    """By order: the quote that it was made from."""
    typed: int = 0
    killed: int = 0
    did: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.erp, self.chargebee = (
            Erp(self.stack.erp_sandbox_url),
            Chargebee(self.stack.chargebee_sandbox_url),
        )

    # --- records

    def populate(self) -> None:
        """Make EACH records of every kind and link them."""
        for kind in KINDS:
            self.pairs[kind], self.copies[kind], self.born[kind] = {}, set(), set()
        made = {kind: [self._make(kind) for _ in range(EACH)] for kind in KINDS}
        for one in made[COMPANIES]:
            self.chargebee.business_entity(self.owners["erp/customers", one])
        self.stack.sync()
        for kind, ids in made.items():
            for one in ids:
                self._pair(kind, one, str(kind.named(self.erp.get(kind.erp, one))))

    def _make(self, kind: Kind, link: str | None = None) -> str:
        """Make a record of the ERP with a word of its own, and a link that was copied; returns its id."""
        word = f"{kind.erp}{len(self.owners)}"
        fields: Json = {kind.text[0]: f"{word} 0"} | ({} if link is None else kind.pointing(link))
        if kind in (CONTACTS, EMPLOYEES):
            fields |= {"last_name": "L", "email": f"{word}@storm.example"}
        elif kind is PRODUCTS:
            price = f"{100 + len(self.owners)}.00"
            fields |= {"sku": word, "type": "goods", "unit_price": price, "currency": "NOK"}
        elif kind is COMPANIES:
            fields[kind.text[0]] = word
        else:
            payer = self.erp.create(
                "contacts", first_name="Payer", last_name="P", email=f"{word}@payer.example"
            )["id"]
            lines = [{"description": "x", "quantity": "1", "unit_price": "1.00"}]
            day, status = ("order_date", "confirmed") if kind is ORDERS else ("quote_date", "sent")
            fields |= {"contact_id": payer, "currency": "NOK", "lines": lines, day: "2026-01-05"}
            fields["status"] = status
        one = str(self.erp.create(kind.erp, **fields)["id"])
        self.owners[f"erp/{kind.erp}", one] = word
        return one

    def _pair(self, kind: Kind, one: str, key: str) -> None:
        """Note that two records belong together, for which nobody else's may be taken."""
        word = self.owners.get((f"erp/{kind.erp}", one)) or self.owners[f"chargebee/{kind.chargebee}", key]
        assert key not in self.pairs[kind].values(), f"{kind.erp}/{one} got {key}, which is another's"
        self.pairs[kind][one] = key
        self.owners[f"erp/{kind.erp}", one] = self.owners[f"chargebee/{kind.chargebee}", key] = word
        if kind is PRODUCTS:
            price = self.chargebee.all("item_prices", **{"item_id[is]": key})[0]
            self.prices[one] = price["id"], price["price"] // 100

    # --- what people do

    def act(self, number: int) -> None:
        """One act of a person: any of those that the kind knows."""
        kind, what = self.rng.choice(KINDS), self.rng.choice(ACTS)
        one, other = self.rng.sample(sorted(self.pairs[kind]), 2)
        getattr(self, f"_{what}")(kind, one, other, number)
        self.did[what] += 1

    def _edit(self, kind: Kind, one: str, _: str, number: int) -> None:
        self.erp.patch(kind.erp, one, **{kind.text[0]: f"{self.owners[f'erp/{kind.erp}', one]} {number}"})

    def _edit_there(self, kind: Kind, one: str, _: str, number: int) -> None:
        key = self.pairs[kind][one]
        text = f"{self.owners[f'chargebee/{kind.chargebee}', key]} {number}"
        if kind is COMPANIES:
            self.chargebee.business_entity(text, key)
        else:
            self.chargebee.post(f"{kind.chargebee}/{key}", **{kind.text[1]: text})

    def _copy(self, kind: Kind, one: str, other: str, _: int) -> None:
        """Point at another's record, of whatever kind in the ERP that one is."""
        alike = [each for each in KINDS if each.chargebee == kind.chargebee]
        near = self.rng.choice(alike)
        key = self.pairs[near][other if near is kind else self.rng.choice(sorted(self.pairs[near]))]
        self._point(kind, one, key)

    def _swap(self, kind: Kind, one: str, other: str, _: int) -> None:
        self._point(kind, one, self.pairs[kind][other])
        self._point(kind, other, self.pairs[kind][one])

    def _clear(self, kind: Kind, one: str, _: str, number: int) -> None:
        self._point(kind, one, None)

    def _right(self, kind: Kind, one: str, *_: Any) -> None:
        self._point(kind, one, self.pairs[kind][one])
        self._name_it(kind, self.pairs[kind][one], one)
        if kind is PRODUCTS:
            self._sell_as(one, one)
        if kind is ORDERS:
            self.erp.patch("orders", one, quote_id=self.came_of.get(one))
            if one in self.came_of:
                self._point(QUOTES, self.came_of[one], self.pairs[ORDERS][one])

    def _name_two(self, kind: Kind, one: str, other: str, _: int) -> None:
        self._name_it(kind, self.pairs[kind][one], [one, other])

    def _name(self, kind: Kind, one: str, other: str, _: int) -> None:
        self._name_it(kind, self.pairs[kind][one], other)

    def _clear_name(self, kind: Kind, one: str, *_: Any) -> None:
        self._name_it(kind, self.pairs[kind][one], None)

    def _duplicate(self, kind: Kind, one: str, *_: Any) -> None:
        """The ERP's "duplicate record", which copies the link as well."""
        if len(self.copies[kind]) < COPIES:
            self.copies[kind].add(self._make(kind, self.pairs[kind][one]))
            self.typed += 1

    def _bear(self, kind: Kind, one: str, *_: Any) -> None:
        """A new Chargebee record that names somebody else's record of the ERP."""
        if kind.note is None or kind is EMPLOYEES or len(self.born[kind]) >= COPIES:
            return
        bag, name = kind.note
        word = key = f"{kind.chargebee}{len(self.owners)}"
        fields: Json = {"id": key, kind.text[1]: f"{word} 0", bag: {"customerp": {name: one}}}
        if kind is PRODUCTS:
            family = self.chargebee.all("item_families")[0]["id"]
            self.chargebee.post("items", **fields, type="charge", item_family_id=family)
            price = {"price": 100 * (100 + len(self.owners)), "currency_code": "NOK", "name": word}
            self.chargebee.post("item_prices", id=word, item_id=key, pricing_model="per_unit", **price)
        else:
            self.chargebee.post("customers", **fields, last_name="L", email=f"{word}@storm.example")
        self.owners[f"chargebee/{kind.chargebee}", key] = word
        self.born[kind].add(key)
        self.typed += 1

    def _free(self, kind: Kind, *_: Any) -> None:
        """Take the foreign link from one that was copied or born."""
        for one in sorted(self.copies[kind])[:1]:
            self._point(kind, one, None)
        for key in sorted(self.born[kind])[:1]:
            self._name_it(kind, key, None)

    def _price(self, _: Kind, __: str, ___: str, number: int) -> None:
        one = self.rng.choice(sorted(self.pairs[PRODUCTS]))
        self.erp.patch("products", one, unit_price=f"{self.prices[one][1]}.{number % 100:02}")

    def _price_there(self, _: Kind, __: str, ___: str, number: int) -> None:
        price, units = self.prices[self.rng.choice(sorted(self.pairs[PRODUCTS]))]
        self.chargebee.post(f"item_prices/{price}", price=units * 100 + number % 100)

    def _sku(self, *_: Any) -> None:
        """Give an item's price the SKU of another product, by which the two would match."""
        self._sell_as(*self.rng.sample(sorted(self.pairs[PRODUCTS]), 2))

    def _quote(self, *_: Any) -> None:
        """Say of an order that it came of a quote which has a Chargebee order of its own."""
        one, quote = (self.rng.choice(sorted(self.pairs[kind])) for kind in (ORDERS, QUOTES))
        self.erp.patch("orders", one, quote_id=quote)
        self.typed += 1

    def _convert(self, *_: Any) -> None:
        """Make a quote an order, which takes over its Chargebee order."""
        if len(self.came_of) < CONVERTED:
            quote = self.rng.choice(sorted(self.pairs[QUOTES]))
            order = str(self.erp.convert(quote)["id"])
            self.came_of[order] = quote
            self.owners["erp/orders", order] = self.owners["erp/quotes", quote]
            self.pairs[ORDERS][order] = self.pairs[QUOTES].pop(quote)

    def _point(self, kind: Kind, one: str, key: str | None) -> None:
        self.erp.patch(kind.erp, one, **kind.pointing(key))
        self.typed += 1

    def _name_it(self, kind: Kind, key: str, named: Any) -> None:
        if kind.note is None:
            return
        bag, name = kind.note
        note = self.chargebee.get(kind.chargebee, key).get(bag) or {}
        mine = {**note.get("customerp", {}), name: named}
        self.chargebee.post(f"{kind.chargebee}/{key}", **{bag: {**note, "customerp": mine}})
        self.typed += 1

    def _sell_as(self, one: str, other: str) -> None:
        self.chargebee.post(
            f"item_prices/{self.prices[one][0]}",
            accounting_detail={"sku": self.owners["erp/products", other]},
        )

    # --- the sync

    def kill(self) -> None:
        """Kill the node while it syncs."""
        syncing = Syncing(self.stack)
        syncing.join(self.rng.random() * 3)
        self.stack.kill("node")
        self.stack.start("node")
        syncing.join()
        self.killed += 1

    def sync(self) -> None:
        """Run the pumps until nothing moves."""
        self.stack.sync()
        self._take_in()

    def _take_in(self) -> None:
        """Note the pairs of those that were freed: each has to have a record of its own."""
        for kind in KINDS:
            keys = set(self.pairs[kind].values())
            for one in sorted(self.copies[kind]):
                key = kind.named(self.erp.get(kind.erp, one))
                if key is not None and key not in {
                    key for each in KINDS for key in self.pairs[each].values()
                }:
                    self._pair(kind, one, key)
                    self.copies[kind].discard(one)
            known = {*self.pairs[kind], *self.copies[kind]}
            for record in self.erp.all(kind.erp) if self.born[kind] else ():
                key = kind.named(record)
                if record["id"] not in known and key in self.born[kind] - keys:
                    self._pair(kind, record["id"], key)
                    self.born[kind].discard(key)

    def set_right(self) -> None:
        """Let people correct every link and type what is reported to differ: then every pair is alike, no case open."""
        for kind in KINDS:
            for one in self.pairs[kind]:
                self._right(kind, one)
            for one in self.copies[kind]:
                self._point(kind, one, None)
            for key in self.born[kind]:
                self._name_it(kind, key, None)
        for _ in range(2):
            self.sync()
            left = [
                one
                for kind in KINDS
                for one in (*self.copies[kind], *self.born[kind])
                if kind is not COMPANIES
            ]
        assert not left, f"freed, and still without a record of their own: {left}"
        self._settle()

    def _settle(self) -> None:
        """Let people type the text of each pair whose difference is reported, as only they know who is right.

        A node that has lost everything does not know which of two edits that it had not carried yet was the later.
        """
        reported = {
            each.rpartition(":")[2]
            for row in self._rows()
            if (row.get("$error") or {}).get("rule") == "settled-difference"
            for each in row["$ids"]
        }
        for kind, one, key in self.apart():
            assert {one, key} <= reported, f"{kind.erp}/{one}: nobody says that {key} differs"
            self.erp.patch(kind.erp, one, **{kind.text[0]: f"{self.owners[f'erp/{kind.erp}', one]} settled"})
        self.sync()

    # --- what must hold

    def misplaced(self) -> Iterator[str]:
        """Records with somebody else's text or price."""
        entities = self._entities()
        for (where, key), word in self.owners.items():
            system, _, path = where.partition("/")
            kind = next(each for each in KINDS if path == (each.erp if system == "erp" else each.chargebee))
            if kind is COMPANIES and system == "chargebee":
                record = entities[key]
            else:
                record = self.erp.get(path, key) if system == "erp" else self.chargebee.get(path, key)
            value = record.get(kind.text[0 if system == "erp" else 1])
            if str(value).split(" ")[0] != word:
                yield f"{where}/{key}: {value!r} is not {word}'s"
        for one, (price, units) in self.prices.items():
            here = self.erp.get("products", one)["unit_price"]
            there = self.chargebee.get("item_prices", price)["price"]
            if int(float(here)) != units or there // 100 != units:
                yield f"price of {one}: {here} and {there} are not both of {units}"

    def _entities(self) -> dict[str, Json]:
        url = f"{self.chargebee.root}/_sandbox/business_entities"
        return {each["id"]: each for each in self.chargebee.session.get(url, timeout=60).json()}

    def unreported(self) -> Iterator[str]:
        """Records whose link names another's, without an open case that names both."""
        said = self.cases(lambda row: row.get("$status") == "pending")
        for kind, pairs in self.pairs.items():
            for one in (*pairs, *self.copies[kind]):
                named = kind.named(self.erp.get(kind.erp, one))
                if named not in (None, pairs.get(one)) and not _tells(said, one, named):
                    yield f"{kind.erp}/{one} names {named}, and nothing says so"
            if kind.note is not None:
                yield from self._unreported_notes(kind, said)
        for one in self.pairs[ORDERS]:
            quote = self.erp.get("orders", one)["quote_id"]
            if quote not in (None, self.came_of.get(one)) and not _tells(said, one, quote):
                yield f"orders/{one} names the quote {quote}, and nothing says so"

    def _unreported_notes(self, kind: Kind, said: list[str]) -> Iterator[str]:
        assert kind.note is not None
        bag, name = kind.note
        of = {key: one for one, key in self.pairs[kind].items()}
        for key in (*of, *self.born[kind]):
            named = (self.chargebee.get(kind.chargebee, key).get(bag) or {}).get("customerp", {}).get(name)
            for each in named if isinstance(named, list) else [named]:
                if each not in (None, of.get(key)) and not _tells(said, key, each):
                    yield f"{kind.chargebee}/{key} names {each}, and nothing says so"

    def cases(self, which: Any) -> list[str]:
        """What the share pipes' rows say that `which` is true of."""
        return [str((row.get("$error") or {}).get("detail")) for row in self._rows() if which(row)]

    def _rows(self) -> Iterator[Json]:
        for pipe in self.stack.share_pipes():
            yield from (row for row in self.stack.entities(f"{pipe}-share") if not row.get("_deleted"))

    def open_links(self) -> list[str]:
        """The open cases of the rule `link-taken`."""
        return self.cases(lambda row: (row.get("$error") or {}).get("rule") == "link-taken")

    def apart(self) -> Iterator[tuple[Kind, str, str]]:
        """Pairs that are not alike. Names of companies are compared by people: Chargebee's API cannot write them."""
        for kind, pairs in self.pairs.items():
            for one, key in pairs.items() if kind is not COMPANIES else ():
                here = self.erp.get(kind.erp, one)[kind.text[0]]
                if here != self.chargebee.get(kind.chargebee, key).get(kind.text[1]):
                    yield kind, one, key


def _tells(said: list[str], one: str, other: Any) -> bool:
    return any(one in each and str(other) in each for each in said)
