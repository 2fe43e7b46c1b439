"""How records come to be: persons, companies, products and orders born in either system, or in both at once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from core.jsonio import Json
from tests.soundness import kinds
from tests.soundness.kinds import KINDS, Kind, Values
from tests.soundness.model import Group, Member, normal
from tests.soundness.values import STATUSES, Typist
from tests.soundness.world import Refused, World

CURRENCIES = ("NOK", "EUR", "JPY", "KWD")
COMPANY_STATUSES = ("active", "inactive", "blocked", "prospect")
QUOTE_STATUSES = ("on_hold", "queued", "cancelled")


def typed(name: str, value: object) -> object:
    """A value as the other system can hold it: e-mail without case, a category that can be an id."""
    if not isinstance(value, str):
        return normal(value)
    return normal({"email": value.lower(), "category": kinds.family(value)}.get(name, value))


class Births:
    """Makes records at random, from a seed; each belongs to a group. `disturbed`: the sync runs meanwhile."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.typist = Typist(rng)
        self.groups: list[Group] = []
        self.did: Counter[str] = Counter()
        self.disturbed = False
        self.families: set[str] = set()

    @staticmethod
    def source(member: Member, name: str) -> str:
        """The record that a property is kept in: some of an item's are its price's."""
        return f"price:{member.id}" if member.kind == "item" and name in kinds.PRICED else member.name

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
            find = self._finder("item_families", each)
            try:
                if find() is None:
                    self.world.call(kinds.ITEM, "item_families", {"id": each, "name": each}, find)
            except Refused:
                if find() is None:  # else the sync has made it this very moment
                    raise
            self.families.add(each)

    def _finder(self, path: str, key: str) -> Callable[[], Json | None]:
        return lambda: self.world.found(path, key)

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
            "payment_status": kinds.CB_ORDER.read(record)["payment_status"],
        }
        self._born(group, kinds.CB_ORDER, record, values, started)
