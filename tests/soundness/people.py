"""What people do: births, edits, renames, clears, deletes, conversions; each noted in the groups' histories."""

from __future__ import annotations

import random

from core.jsonio import Json
from tests.soundness import kinds
from tests.soundness.births import COMPANY_STATUSES, QUOTE_STATUSES, Births, typed
from tests.soundness.kinds import KINDS, Values
from tests.soundness.model import Group, Member, normal
from tests.soundness.values import STATUSES
from tests.soundness.world import Refused, World

CONCEPTS = ("person", "organisation", "product", "order")
WANTED = {"person": 14, "organisation": 5, "product": 8, "order": 10}
"""How many groups of a concept are kept alive."""


class People(Births):
    """Acts at random on a world, from a seed. `disturbed`: the sync runs meanwhile, or faults may reorder it."""

    def __init__(self, world: World, rng: random.Random, concepts: tuple[str, ...] = CONCEPTS) -> None:
        super().__init__(world, rng)
        self.concepts = concepts

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
        elif chance < 0.3 and self._may_be_paid(group):
            self._pay(group)
        else:
            self._edit(group, self.rng.choice(self._members(group)))

    @staticmethod
    def _members(group: Group) -> list[Member]:
        quote_is_done = group.member("order") is not None
        return [m for m in group.members if not m.deleted and not (m.kind == "quote" and quote_is_done)]

    def _editable(self, group: Group) -> bool:
        """What lost one of its records is left alone most of the time."""
        bereft = any(each.deleted for each in group.members)
        if group.parked or group.clash:
            return False
        return bool(self._members(group)) and (not bereft or self.rng.random() < 0.1)

    # --- edits

    def _edit(self, group: Group, member: Member, names: tuple[str, ...] = ()) -> None:
        kind = KINDS[member.kind]
        if not names:
            usable = [name for name in kind.edited if not self._is_fixed(group, name)]
            names = tuple(self.rng.sample(usable, self.rng.randint(1, min(3, len(usable)))))
        self.edit(group, member, {name: self._value(group, member, name) for name in names})

    def edit(self, group: Group, member: Member, changes: Values) -> bool:
        """Somebody sets these properties of a record; whether anything changed."""
        kind = KINDS[member.kind]
        before = self.world.get(kind, member.id)
        if member.kind == "item" and not before["price_record"]:
            changes = {name: value for name, value in changes.items() if name not in kinds.PRICED}
        if member.kind == "item":
            self._family(changes)
        if member.kind == "cb_order":
            self._reason(before, changes)
        shown = kind.read(before)
        changes = {
            name: value
            for name, value in changes.items()
            if name not in shown or shown[name] != typed(name, value)
        }
        if not changes:
            return False  # it is so already
        try:
            record, started = self.world.edit(kind, before, changes)
        except Refused as error:
            self.did[f"refused {kind.name}: {str(error)[-80:]}"] += 1
            return False
        self.did[f"edit {kind.name}"] += len(changes)
        for name, value in changes.items():
            group.note(self.source(member, name), name, typed(name, value), started)
        if self.disturbed:
            self._note_whole_address(group, member, changes, record, started)
        return True

    def _reason(self, order: Json, changes: Values) -> None:
        """Chargebee cancels for a reason, and a reopened order has none."""
        becomes = changes.get("status", order["status"])
        if becomes == kinds.CANCELLED != order["status"]:
            changes["cancellation_reason"] = self.typist.value("cancellation_reason")
        elif order["status"] == kinds.CANCELLED != becomes:
            changes["cancellation_reason"] = None

    def _note_whole_address(
        self, group: Group, member: Member, changes: Values, record: Json, at: int
    ) -> None:
        """Who changes one line of an address sends all of it, and may undo what was written a moment ago."""
        if not any(name.startswith("address_") for name in changes):
            return
        for name, value in KINDS[member.kind].read(record).items():
            if name.startswith("address_") and name not in changes:
                group.note(member.name, name, value, at)

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
            statuses = QUOTE_STATUSES if member.kind == "quote" else STATUSES
            return self.rng.choice(
                [each for each in statuses if each != kinds.CANCELLED or not group.is_paid]
            )
        lines = len(group.agreed.get("line_sku") or []) or self._count_lines(member)
        if name == "metadata":
            return self.typist.value(name)
        value = self.typist.maybe_empty(name, lines)
        return self._one_line(member, name, value) if isinstance(value, list) else value

    def _one_line(self, member: Member, name: str, value: list[object]) -> list[object]:
        """Change a single line, the others as they are; all of them where the sync may be writing meanwhile."""
        kind = KINDS[member.kind]
        present = kind.read(self.world.get(kind, member.id))[name]
        if self.disturbed or not present or len(present) != len(value):
            return value
        place = self.did.total() % len(value)
        return [*present[:place], value[place], *present[place + 1 :]]

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
        if member.kind == "business_entity" or not group.settled or group.pays or group.is_paid:
            return
        if self.rng.random() < 0.2:
            self._edit_another(group, member)
        kind = KINDS[member.kind]
        started = self.world.now(kind)
        try:
            self.world.delete(kind, member.id)
        except Refused:
            return
        member.deleted = True
        self.did[f"delete {kind.name}"] += 1
        self._note_delete(group, member, started)
        if self.rng.random() < 0.2:
            self._edit_another(group, member)

    def _edit_another(self, group: Group, member: Member) -> None:
        """Somebody elsewhere does not know that this one is deleted."""
        others = [each for each in self._members(group) if each is not member]
        if others:
            self._edit(group, self.rng.choice(others))

    def _note_delete(self, group: Group, member: Member, started: int) -> None:
        gone = {"order": "cancelled", "quote": "cancelled", "cb_order": "cancelled", "product": "archived",
                "item": "archived", "company": "inactive"}  # fmt: skip
        if member.kind in gone:
            group.note(member.name, "status", gone[member.kind], started)

    # --- payments

    def _may_be_paid(self, group: Group) -> bool:
        """Whether it is an order that both systems have, which nobody has paid or is about to call off."""
        found = [m for m in (group.member("order"), group.member("cb_order")) if m and not m.deleted]
        if group.is_paid or not group.settled or len(found) < 2:
            return False
        records = [self.world.get(KINDS[m.kind], m.id) for m in found]
        is_off = any(each["status"] == kinds.CANCELLED for each in records) or "status" in group.edits
        # The invoice of an order that was called off and taken up again stays given up.
        invoice = self.world.found("invoices", records[1]["invoice_id"]) or {}
        return not is_off and invoice.get("status") in ("posted", "payment_due", "not_paid")

    def _pay(self, group: Group) -> None:
        """Somebody notes in the ERP that an imported order is paid, or pays its invoice in Chargebee."""
        order, theirs = group.member("order"), group.member("cb_order")
        assert order and theirs
        is_imported = theirs.id.startswith(("order-", "quote-"))
        payer = self.rng.choice((order, theirs)) if is_imported else theirs
        group.is_paid = self.edit(group, payer, {"payment_status": "paid"})
        self.did[f"pay {payer.kind}"] += group.is_paid

    # --- conversions

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
        group.brought = shown
        for name in ("number", "status", "order_date", "line_status"):
            if name != "status" or was != shown[name]:  # an accepted quote's order says nothing new
                group.note(member.name, name, normal(shown[name]), started)
