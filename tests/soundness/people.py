"""What people do: births, edits, renames, clears, deletes, conversions; each noted in the groups' histories."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from tests.soundness import kinds
from tests.soundness.kinds import KINDS, Json, Kind, Values
from tests.soundness.model import Group, Member, normal
from tests.soundness.values import STATUSES, Typist
from tests.soundness.world import Refused, World

CONCEPTS = ("person", "organisation", "product", "order")
CURRENCIES = ("NOK", "EUR", "JPY", "KWD")
COMPANY_STATUSES = ("active", "inactive", "blocked", "prospect")
QUOTE_STATUSES = ("on_hold", "queued", "cancelled")
WANTED = {"person": 14, "organisation": 5, "product": 8, "order": 10}
"""How many groups of a concept are kept alive."""


def typed(name: str, value: object) -> object:
    """A value as the other system can hold it: e-mail without case, a category that can be an id."""
    if not isinstance(value, str):
        return normal(value)
    return normal({"email": value.lower(), "category": value.replace("/", "-")}.get(name, value))


class People:
    """Acts at random on a world, from a seed. `disturbed`: the sync runs meanwhile, or faults may reorder it."""

    def __init__(self, world: World, rng: random.Random, concepts: tuple[str, ...] = CONCEPTS) -> None:
        self.world = world
        self.rng = rng
        self.typist = Typist(rng)
        self.concepts = concepts
        self.groups: list[Group] = []
        self.did: Counter[str] = Counter()
        self.disturbed = False
        self.families: set[str] = set()

    def act(self) -> None:
        """One thing that somebody does."""
        concept = self.rng.choice(self.concepts)
        living = [group for group in self.groups if group.concept == concept and self._editable(group)]
        if len(living) < 2 or self.rng.random() < (0.02 if len(living) >= WANTED[concept] else 0.3):
            getattr(self, f"_bear_{concept}")()
            return
        group = self.rng.choice(living)
        chance = self.rng.random()
        if chance < 0.03:
            self._delete(group)
        elif chance < 0.12:
            self._edit_both(group)
        elif chance < 0.2 and concept == "order" and group.member("quote") and not group.member("order"):
            self._convert(group)
        else:
            self._edit(group, self.rng.choice(self._members(group)))

    @staticmethod
    def _members(group: Group) -> list[Member]:
        quote_is_done = group.member("order") is not None
        return [m for m in group.members if not m.deleted and not (m.kind == "quote" and quote_is_done)]

    def _editable(self, group: Group) -> bool:
        """What lost one of its records is left alone most of the time."""
        bereft = any(each.deleted for each in group.members)
        return bool(self._members(group)) and not group.parked and (not bereft or self.rng.random() < 0.1)

    # --- edits

    def _edit(self, group: Group, member: Member, names: tuple[str, ...] = ()) -> None:
        kind = KINDS[member.kind]
        if not names:
            usable = [name for name in kind.edited if not self._is_fixed(group, name)]
            names = tuple(self.rng.sample(usable, self.rng.randint(1, min(3, len(usable)))))
        before = self.world.get(kind, member.id)
        if member.kind == "item" and not before["price_record"]:
            names = tuple(name for name in names if name not in kinds.PRICED)
        changes = {name: self._value(group, member, name) for name in names}
        if member.kind == "item":
            self._family(changes)
        shown = kind.read(before)
        changes = {
            name: value
            for name, value in changes.items()
            if name not in shown or shown[name] != typed(name, value)
        }
        if not changes:
            return  # it is so already
        try:
            record, started = self.world.edit(kind, before, changes)
        except Refused as error:
            self.did[f"refused {kind.name}: {str(error)[-80:]}"] += 1
            return
        self.did[f"edit {kind.name}"] += len(changes)
        for name, value in changes.items():
            group.note(self.source(member, name), name, typed(name, value), started)
        if self.disturbed:
            self._note_whole_address(group, member, changes, record, started)

    def _note_whole_address(
        self, group: Group, member: Member, changes: Values, record: Json, at: int
    ) -> None:
        """Who changes one line of an address sends all of it, and may undo what was written a moment ago."""
        if not any(name.startswith("address_") for name in changes):
            return
        for name, value in KINDS[member.kind].read(record).items():
            if name.startswith("address_") and name not in changes:
                group.note(member.name, name, value, at)

    @staticmethod
    def source(member: Member, name: str) -> str:
        """The record that a property is kept in: some of an item's are its price's."""
        return f"price:{member.id}" if member.kind == "item" and name in kinds.PRICED else member.name

    def _is_fixed(self, group: Group, name: str) -> bool:
        """Matched by a key that must stay until the first contact is made."""
        return not group.settled and name in ("email", "name", "sku", "number")

    def _value(self, group: Group, member: Member, name: str) -> object:
        if name == "status":
            if group.concept == "product":
                return self.rng.choice(("active", "archived"))
            if member.kind == "company":
                return self.rng.choice(COMPANY_STATUSES)
            if member.kind == "business_entity":
                return self.rng.choice(("active", "inactive"))
            return self.rng.choice(QUOTE_STATUSES if member.kind == "quote" else STATUSES)
        lines = len(group.agreed.get("line_sku") or []) or self._count_lines(member)
        if name == "metadata":
            return self.typist.value(name)
        return self.typist.maybe_empty(name, lines)

    def _count_lines(self, member: Member) -> int:
        if KINDS[member.kind].concept != "order":
            return 0
        record = self.world.get(KINDS[member.kind], member.id)
        return len(record.get("lines") or record.get("order_line_items") or [])

    def _edit_both(self, group: Group) -> None:
        """The same property on several records of one thing."""
        members = self._members(group)
        shared = [
            name
            for name in KINDS[members[0].kind].edited
            if all(name in KINDS[each.kind].edited for each in members) and not self._is_fixed(group, name)
        ]
        name = self.rng.choice(shared)
        self.rng.shuffle(members)
        for member in members:
            self._edit(group, member, (name,))

    def _delete(self, group: Group) -> None:
        member = self.rng.choice(self._members(group))
        if member.kind == "business_entity" or not group.settled or group.pays:
            return
        kind = KINDS[member.kind]
        started = self.world.now(kind)
        if member.kind == "item":
            return  # its prices would have to go first
        try:
            self.world.delete(kind, member.id)
        except Refused:
            return
        member.deleted = True
        self.did[f"delete {kind.name}"] += 1
        self._note_delete(group, member, started)

    def _note_delete(self, group: Group, member: Member, started: int) -> None:
        gone = {"order": "cancelled", "quote": "cancelled", "cb_order": "cancelled", "product": "archived",
                "company": "inactive"}  # fmt: skip
        if member.kind in gone:
            group.note(member.name, "status", gone[member.kind], started)

    # --- births

    def _born(self, group: Group, kind: Kind, record: Json, values: Values, started: int) -> Member:
        member = Member(kind.name, record["id"])
        group.members.append(member)
        for name, value in values.items():
            group.note(self.source(member, name), name, typed(name, value), started, born=True)
        self.did[f"birth {kind.name}"] += 1
        return member

    def _values(self, names: tuple[str, ...], always: tuple[str, ...] = ()) -> Values:
        return {name: self.typist.value(name) for name in names if name in always or self.rng.random() < 0.6}

    def _bear(self, group: Group, kind: Kind, values: Values, extra: Json, key: tuple[str, object]) -> Member:
        """Make a record with model values and further fields; `key` (field, value) recognises it."""
        started = self.world.now(kind)
        blank: Json = {"currency": extra.get("currency"), "lines": extra.get("lines", [])}
        body = dict(extra)
        for place, fields in kind.calls(
            blank, {k: v for k, v in values.items() if not k.startswith("line_")}
        ):
            if place in ("", "/update_billing_info"):
                body |= fields
        name, value = key
        record = self.world.create(kind, body, lambda each: each.get(name) == value)
        return self._born(group, kind, record, values, started)

    def _bear_person(self) -> None:
        group = Group("person", may_split=self.disturbed)
        self.groups.append(group)
        values = self._values(kinds.PERSON, ("first_name", "email"))
        birth = self.rng.choice(("contact", "contact", "employee", "cb_customer", "both", "twins", "either"))
        email = values["email"]
        if birth == "either" and not self.disturbed:
            self._bear_ambiguous(group, email)
            return
        if birth in ("contact", "both", "twins", "either"):
            extra = {"customer_id": self._some("company")} if self.rng.random() < 0.5 else {}
            self._bear(group, kinds.CONTACT, values, {k: v for k, v in extra.items() if v}, ("email", email))
        if birth in ("employee", "twins"):
            other = {**self._values(kinds.PERSON, ("first_name",)), "email": email}
            self._bear(group, kinds.EMPLOYEE, other, {}, ("email", email))
        if birth in ("cb_customer", "both"):
            other = {
                **self._values(kinds.PERSON, ("first_name",)),
                "email": f" {email.upper()}" if birth == "both" else email,
            }
            key = f"cb-{self.typist.number()}"
            self._bear(
                group, kinds.CB_CUSTOMER, other | {"email": other["email"].strip()}, {"id": key}, ("id", key)
            )

    def _bear_ambiguous(self, group: Group, email: str) -> None:
        """A customer who could be either of two contacts: nothing may be linked or made for the three."""
        group.parked = True
        for last_name in ("One", "Two"):
            values = {"first_name": "Info", "last_name": last_name, "email": email}
            self._bear(group, kinds.CONTACT, values, {}, ("id", None))
        key = f"cb-{self.typist.number()}"
        self._bear(group, kinds.CB_CUSTOMER, {"first_name": "Info", "email": email}, {"id": key}, ("id", key))

    def _some(self, kind: str) -> str | None:
        found = [m for group in self.groups if group.settled for m in group.live((kind,))]
        return self.rng.choice(found).id if found else None

    def _bear_organisation(self) -> None:
        group = Group("organisation", may_split=self.disturbed)
        self.groups.append(group)
        name = self.typist.value("name")
        birth = self.rng.choice(("company", "business_entity", "both"))
        if birth != "business_entity":
            values = {"name": name, "status": self.rng.choice(COMPANY_STATUSES)}
            facts = {"currency": "NOK", **self._values(kinds.COMPANY_FACTS)}
            self._bear(group, kinds.COMPANY, values | facts, {"currency": "NOK"}, ("name", name))
        if birth != "company":
            self._bear(
                group,
                kinds.BUSINESS_ENTITY,
                {"name": f" {name.upper() if name.isascii() else name}"[:100], "status": "active"},
                {},
                ("name", name),
            )

    def _bear_product(self) -> None:
        group = Group("product", may_split=self.disturbed)
        self.groups.append(group)
        names = (
            "name",
            "description",
            "unit",
            "status",
            "is_shippable",
            "category",
            "metadata",
            "sku",
            "unit_price",
            "is_taxable",
        )
        values = self._values(names, ("name", "sku", "unit_price"))
        values |= {"status": "active", "is_taxable": values.get("is_taxable", True)}
        values["is_shippable"] = values.get("is_shippable", True)
        currency = self.rng.choice(CURRENCIES)
        if self.rng.random() < 0.7:
            self._bear(
                group,
                kinds.ERP_PRODUCT,
                values,
                {"currency": currency, "type": "goods"},
                ("sku", values["sku"]),
            )
        if not group.members or (not self.disturbed and self.rng.random() < 0.3):
            values = self._values(names, ("name",)) | {
                "sku": values["sku"],
                "unit_price": self.typist.value("unit_price"),
            }
            values |= {"status": "active", "is_taxable": True, "is_shippable": False}
            self._bear_item(group, values, currency)

    def _bear_item(self, group: Group, values: Values, currency: str) -> None:
        self._family(values)
        key = f"cb-{self.typist.number()}"
        own = {name: value for name, value in values.items() if name not in (*kinds.PRICED, "status")}
        extra = {"id": key, "type": "charge", "item_family_id": kinds.DEFAULT_FAMILY}
        started = self.world.now(kinds.ITEM)
        member = self._bear(group, kinds.ITEM, own, extra, ("id", key))
        price_id = f"{key}-{currency}"
        fields: Json = {"id": price_id, "name": price_id, "item_id": key, "currency_code": currency, "pricing_model": "per_unit",
                        "price": values["unit_price"], "is_taxable": values["is_taxable"], "accounting_detail": {"sku": values["sku"]}}  # fmt: skip
        self.world.call(kinds.ITEM, "item_prices", fields, self._finder("item_prices", price_id))
        for name in (*kinds.PRICED, "status"):
            group.note(self.source(member, name), name, values[name], started, born=True)

    def _family(self, values: Values) -> None:
        """A family must be there before an item can be in it; its id can not hold every character."""
        names = {kinds.DEFAULT_FAMILY}
        if values.get("category"):
            values["category"] = values["category"].replace("/", "-")
            names.add(values["category"])
        for each in sorted(names - self.families):
            if self._finder("item_families", each)() is None:
                self.world.call(
                    kinds.ITEM,
                    "item_families",
                    {"id": each, "name": each},
                    self._finder("item_families", each),
                )
            self.families.add(each)

    def _finder(self, path: str, key: str) -> Callable[[], Json | None]:
        return lambda: next((each for each in self.world.chargebee_all(path) if each["id"] == key), None)

    def _bear_order(self) -> None:
        payers = [
            g
            for g in self.groups
            if g.concept == "person" and g.settled and g.live(("contact",)) and g.live(("cb_customer",))
        ]
        if not payers:
            return
        payer = self.rng.choice(payers)
        payer.pays = True
        group = Group("order")
        birth = self.rng.choice(("order", "order", "quote", "cb_order"))
        contact, customer = payer.live(("contact",))[0].id, payer.live(("cb_customer",))[0].id
        self.groups.append(group)
        if birth == "cb_order":
            self._bear_cb_order(group, customer)
            return
        kind = KINDS[birth]
        lines = [
            {
                "description": f"Line {n}",
                "quantity": "2",
                "unit_price": "10.50",
                "tax_percent": "25",
                "sku": f"B{self.typist.number()}",
            }
            for n in range(2)
        ]
        values = self._values(kind.edited, ("number", "order_date"))
        values = {k: v for k, v in values.items() if not k.startswith("line_")}
        values["status"] = self.rng.choice(QUOTE_STATUSES if birth == "quote" else STATUSES)
        if birth == "order":
            for line in lines:
                line["status"] = "confirmed"
            values["line_status"] = ["queued", "queued"]
        values["line_sku"] = [line["sku"] for line in lines]
        number = "quote_number" if birth == "quote" else "order_number"
        self._bear(
            group,
            kind,
            values,
            {"contact_id": contact, "currency": "NOK", "lines": lines},
            (number, values["number"]),
        )

    def _bear_cb_order(self, group: Group, customer: str) -> None:
        key = f"cb-{self.typist.number()}"
        day = self.typist.value("order_date")
        invoice = {"id": f"inv-{key}", "customer_id": customer, "date": kinds._unix(day), "total": 25000, "currency_code": "NOK",
                   "line_items": [{"description": "Bok", "unit_amount": 12500, "quantity": 2, "amount": 25000, "entity_type": "adhoc"}]}  # fmt: skip
        self.world.call(
            kinds.CB_ORDER, "invoices/import_invoice", invoice, self._finder("invoices", f"inv-{key}")
        )
        started = self.world.now(kinds.CB_ORDER)
        seconds = kinds._unix(day)
        fields = {"id": key, "invoice_id": f"inv-{key}", "customer_id": customer, "status": "queued", "created_at": seconds,
                  "order_date": seconds, "shipping_date": seconds, "note": self.typist.value("note")}  # fmt: skip
        record = self.world.call(kinds.CB_ORDER, "orders/import_order", fields, self._finder("orders", key))
        values = {
            "status": "queued",
            "order_date": day,
            "shipping_date": day,
            "note": fields["note"],
            "line_status": ["queued"],
        }
        self._born(group, kinds.CB_ORDER, record, values, started)

    def _convert(self, group: Group) -> None:
        quote = group.member("quote")
        if quote is None or quote.deleted or not group.settled:
            return
        kind = kinds.ERP_QUOTE
        started = self.world.now(kind)
        was = kind.read(self.world.get(kind, quote.id))["status"]

        def ordered() -> Json | None:
            found = self.world.get(kind, quote.id)
            return self.world.get(kinds.ERP_ORDER, found["order_id"]) if found["order_id"] else None

        try:
            record = self.world.call(kind, f"quotes/{quote.id}/convert", {}, ordered)
        except Refused:
            return
        member = Member("order", record["id"])
        group.members.append(member)
        self.did["convert"] += 1
        shown = kinds.ERP_ORDER.read(record)
        for name in ("number", "status", "order_date", "line_status"):
            if name != "status" or was != shown[name]:  # an accepted quote's order says nothing new
                group.note(member.name, name, normal(shown[name]), started)
