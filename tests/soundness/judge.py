"""Looks at both systems through their own APIs and says what is not as it must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.jsonio import Json
from tests.soundness.kinds import KINDS, PRICED, as_quote_status
from tests.soundness.model import NEVER, Group, Loser, Member, normal
from tests.soundness.world import World

ERP_KINDS = ("contact", "employee", "company", "product", "order", "quote")
OTHER_SIDE = {
    "contact": ("cb_customer",), "employee": ("cb_customer",), "cb_customer": ("contact", "employee"),
    "company": ("business_entity",), "business_entity": ("company",), "product": ("item",), "item": ("product",),
    "order": ("cb_order",), "quote": ("cb_order",), "cb_order": ("order", "quote"),
}  # fmt: skip
ASSIGNED = ("number", "line_status")
"""The ERP numbers what nobody numbered."""
NOT_IMPORTED = {"order": ("cancelled",), "quote": ("rejected", "expired")}
REASON_FILLERS = ("others", "invoice_voided")
DELETED_REASON = "others"
"""Why an open order is cancelled whose counterpart was deleted (docs/explanation/conflicts.md)."""
NEVER_EMPTIED = ("email", "shipped_at", "delivered_at", "cancellation_reason")
"""What Chargebee's API does not empty: it is reported, and stays there (docs/explanation/what-chargebee-cannot-do.md)."""
OWN_STATUS = ("blocked", "prospect")
FINAL = ("delivered", "returned")
"""States of an order that no deletion of its counterpart changes any more."""
ARCHIVED = {"order": "cancelled", "product": "archived"}
"""What becomes of the status of a record whose counterpart was deleted."""
FINAL = ("delivered", "returned")
"""What no deletion of a counterpart changes any more."""


class Systems:
    """Everything in both systems at one moment, deleted records too, by kind and id."""

    def __init__(self, world: World) -> None:
        self.records: dict[str, dict[str, Json]] = {}
        for kind in KINDS.values():
            self.records[kind.name] = {each["id"]: each for each in world.all(kind, with_deleted=True)}
        prices: dict[str, list[Json]] = {}
        for price in world.chargebee_all("item_prices"):
            prices.setdefault(price["item_id"], []).append(price)
        self.prices = prices
        for key, item in self.records["item"].items():
            item["price_record"] = next(iter(prices.get(key, [])), None)
        self.families = world.chargebee_all("item_families")
        self._named_by: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for kind_name in ("company", "order", "quote"):
            for key in self.records[kind_name]:
                for named in self.links(kind_name, key):
                    self._named_by.setdefault(named, []).append((kind_name, key))

    def record(self, member: Member) -> Json:
        """The record of a member."""
        return self.records[member.kind][member.id]

    def is_live(self, kind: str, key: str) -> bool:
        """Whether there is such a record and it is not deleted."""
        record = self.records[kind].get(key)
        return record is not None and not record.get("deleted") and not record.get("deleted_at")

    def links(self, kind: str, key: str) -> list[tuple[str, str]]:
        """(kind, id) of the records that a record names as itself on the other side."""
        record = self.records[kind][key]
        if kind == "business_entity" or kind == "cb_order":
            return self._named_by.get((kind, key), [])
        if kind == "company":
            pairs = [("business_entity", record.get("business_entity_id"))]
        elif kind == "cb_customer":
            mark = (record.get("meta_data") or {}).get("customerp") or {}
            pairs = [("contact", mark.get("contact_id")), ("employee", mark.get("employee_id"))]
        elif kind == "item":
            pairs = [("product", ((record.get("metadata") or {}).get("customerp") or {}).get("product_id"))]
        else:
            pairs = [(OTHER_SIDE[kind][0], (record.get("external_refs") or {}).get("chargebee"))]
        return [(other, linked) for other, linked in pairs if linked]

    def differs(self, kind: str, key: str) -> bool:
        """Whether a record and one that it is linked with say different things: a name that waits for the console."""
        said = KINDS[kind].read(self.records[kind][key]) if kind in KINDS else {}
        told = [KINDS[other].read(self.records[other][theirs]) for other, theirs in self.links(kind, key)]
        return any(
            normal(each[name]) != normal(said[name]) for each in told for name in said.keys() & each.keys()
        )


class Judge:
    """Checks a settled world against its history; what was wrong is in `found`."""

    def __init__(
        self,
        systems: Systems,
        groups: list[Group],
        clock: Callable[[Json], int],
        apart: int = 0,
        exact: bool = True,
    ) -> None:
        """`apart`: how many microseconds the two clocks are apart. `exact`: nothing was synced before all edits
        were made, so that what the clocks say of them decides.
        """
        self.systems = systems
        self.groups = groups
        self.clock = clock
        self.apart = apart
        self.slack = 0 if exact else apart
        self.exact = exact
        self.found: list[str] = []
        self.losers: list[Loser] = []

    def check(self) -> list[str]:
        """All checks; afterwards the groups stand at what both systems say."""
        self._adopt()
        self._split()
        for group in self.groups:
            self._close(group)
            if group.clash:
                group.is_overdue = True
                continue
            self._check_links(group)
            self._check_loss(group)
            self._check_values(group)
            if group.concept == "person":
                self._check_person(group)
        return self.found

    def wrong(self, what: str, group: Group | None = None) -> None:
        """Note a violation."""
        names = f" [{', '.join(each.name for each in group.members)}]" if group else ""
        self.found.append(what + names)

    # --- every record belongs to exactly one thing

    def _adopt(self) -> None:
        owner = {each.name: group for group in self.groups for each in group.members}
        for group in self.groups:
            for member in group.members:
                member.deleted = not self.systems.is_live(member.kind, member.id)
        for kind, records in self.systems.records.items():
            for key, record in records.items():
                if f"{kind}:{key}" not in owner:
                    self._adopt_one(kind, key, record, owner)

    def _adopt_one(self, kind: str, key: str, record: Json, owner: dict[str, Group]) -> None:
        linked = {f"{other}:{each}" for other, each in self.systems.links(kind, key)}
        groups = {id(owner[name]): owner[name] for name in linked if name in owner}
        if len(groups) != 1:
            self.wrong(f"unknown record {kind}:{key} (a twin, or made without cause); links {sorted(linked)}")
            return
        group = next(iter(groups.values()))
        if group.parked:
            self.wrong(f"{kind}:{key} was made for what a person must decide", group)
        twin = next((m for m in group.members if m.kind == kind and not m.deleted), None)
        if twin and not group.may_split:
            self.wrong(f"twin: {kind}:{key} beside {twin.name}", group)
        elif group.settled and any(m.kind == kind for m in group.members):
            self.wrong(f"resurrected: {kind}:{key}", group)
        member = Member(kind, key, by_sync=True, deleted=not self.systems.is_live(kind, key))
        group.members.append(member)
        owner[member.name] = group

    def _split(self) -> None:
        """Two records with one key of which one was shared before the other was there are two things for good."""
        for group in [each for each in self.groups if each.may_split and not each.settled]:
            apart = group.members[:1]
            rest = group.members[1:]
            while joined := [m for m in rest if any(self._are_linked(m, other) for other in apart)]:
                apart += joined
                rest = [m for m in rest if m not in joined]
            if rest and not group.parked:
                self.groups.append(group.part(rest))
                group.members = apart

    def _are_linked(self, one: Member, other: Member) -> bool:
        pairs = ((one, other), (other, one))
        return any((b.kind, b.id) in self.systems.links(a.kind, a.id) for a, b in pairs)

    # --- links

    def _check_links(self, group: Group) -> None:
        for member in group.members:
            if member.deleted:
                continue
            others = [m for m in group.members if m.kind in OTHER_SIDE[member.kind]]
            linked = self.systems.links(member.kind, member.id)
            if group.parked:
                if linked:
                    self.wrong(f"{member.name} was linked to {linked} though a person must decide", group)
                continue
            for kind, key in linked:
                if not any(m.kind == kind and m.id == key for m in others):
                    self.wrong(f"{member.name} names {kind}:{key}, which is something else", group)
            if not linked and not self._may_stand_alone(group, member, others):
                self.wrong(f"lost record: {member.name} has no counterpart", group)

    def _may_stand_alone(self, group: Group, member: Member, others: list[Member]) -> bool:
        """A company waits for its business entity; what was deleted before it was seen needs none.

        An order or a quote that nobody owes is not imported: its invoice could be collected.
        """
        if member.kind == "company":
            return not others
        if not others and self.systems.record(member).get("status") in NOT_IMPORTED.get(member.kind, ()):
            return True
        return bool(others) and all(m.deleted for m in others)

    # --- values

    def _close(self, group: Group) -> None:
        for member in group.members:
            record = self.systems.records[member.kind][member.id]
            price = record.get("price_record") if member.kind == "item" else None
            group.close_spans(member.name, self.clock(record))
            if price:
                group.close_spans(f"price:{member.id}", self.clock(price))

    def _check_values(self, group: Group) -> None:
        if group.parked:
            return
        live = [m for m in group.members if not m.deleted]
        if group.concept == "order":
            self._drop_hollow(group)
            if group.member("order"):
                live = [m for m in live if m.kind != "quote"]
        settled: dict[str, Any] = {}
        names = sorted({name for member in live for name in KINDS[member.kind].shown})
        for name in names:
            shows = [
                m for m in live if name in KINDS[m.kind].shown and not self._has_no_price(m, name, group)
            ]
            if shows:
                self._check_value(group, name, shows, settled)
        alone = any(m.deleted for m in group.members)
        group.settle(settled, {m.id: KINDS[m.kind].read(self.systems.record(m)) for m in live})
        group.settled = not alone

    @staticmethod
    def _drop_hollow(group: Group) -> None:
        """An accepted quote says of a delivery all that it can: it takes nothing of that back, however late it is."""
        edits = group.edits.get("status", [])
        last = {e.member.split(":")[0]: e.value for e in edits}
        delivered = last.get("cb_order")
        if last.get("quote") == as_quote_status(delivered) != delivered:
            group.edits["status"] = [e for e in edits if not e.member.startswith("quote:")]

    def _check_value(self, group: Group, name: str, members: list[Member], settled: dict[str, Any]) -> None:
        allowed = self._allowed(group, name, members)
        said = {each.name: KINDS[each.kind].read(self.systems.record(each))[name] for each in members}
        seen: list[tuple[Member, Any]] = []
        was_kept = False
        for member in members:
            value = said[member.name]
            others = [each for other, each in said.items() if other != member.name]
            if None in allowed and value not in others and self._is_filler(group, member, name, value):
                value = None
            if None in allowed and self._was_not_emptied(group, member, name, members):
                value, was_kept = None, True
            seen.append((member, value))
            is_assigned = name in ASSIGNED and allowed == [None]
            is_assigned |= value is None and self._was_reopened(group, name)
            if not is_assigned and not any(self._is(member, name, value, each) for each in allowed):
                self.wrong(f"lost update: {member.name}.{name} is {value!r}, must be {' or '.join(map(repr, allowed))}; "
                           f"{_history(group, name)}", group)  # fmt: skip
        best = max(seen, key=lambda pair: pair[0].kind != "quote")
        settled[name] = best[1]
        for member, value in seen:
            if not self._is(member, name, value, best[1]):
                self.wrong(
                    f"no agreement: {name} is {value!r} in {member.name}, {best[1]!r} in {best[0].name}",
                    group,
                )
        if not was_kept:
            self._note_losers(group, name, best[1])

    @staticmethod
    def _was_reopened(group: Group, name: str) -> bool:
        """Whether it is about the reason of an order that was cancelled: reopening it takes that away."""
        said = [group.agreed.get("status"), *(edit.value for edit in group.edits.get("status", []))]
        return name == "cancellation_reason" and "cancelled" in said

    def _was_not_emptied(self, group: Group, member: Member, name: str, members: list[Member]) -> bool:
        """Whether it stands in Chargebee as it was, since an ERP record was emptied, and perhaps deleted later."""
        value = KINDS[member.kind].read(self.systems.record(member))[name]
        held = group.held.get(member.id, {}).get(name)
        were = [group.agreed.get(name), held]
        were += [edit.value for edit in group.edits.get(name, [])]
        ours = [
            KINDS[m.kind].read(self.systems.record(m))[name] for m in members if not m.kind.startswith("cb_")
        ]
        is_theirs = member.kind.startswith("cb_") and name in NEVER_EMPTIED
        return is_theirs and (set(ours) == {None} and value in were if ours else value == held)

    def _is_filler(self, group: Group, member: Member, name: str, value: Any) -> bool:
        """Whether it is filled in, since Chargebee demands it and nobody said it: it stays there, and is nobody's.

        A cancelled order has a reason, every order a shipping date: its own date, or the one that it had when it
        was written last.
        """
        if member.kind != "cb_order":
            return False
        if name == "cancellation_reason":
            return value in REASON_FILLERS and self.systems.record(member)["status"] == "cancelled"
        if name == "shipping_date":
            dates = [group.agreed.get("order_date"), *(e.value for e in group.edits.get("order_date", []))]
            if group.agreed.get(name) is None:
                dates.append(group.held.get(member.id, {}).get(name))
            return value is not None and value in dates
        return False

    def _note_losers(self, group: Group, name: str, value: Any) -> None:
        """Texts that people typed last in a record which then had to follow another one's edit."""
        last = {edit.member: edit for edit in group.edits.get(name, []) if not edit.born}
        for edit in last.values():
            is_told = isinstance(edit.value, str) and any(char.isdigit() for char in edit.value)
            if edit.member.startswith("quote:") and group.member("order"):
                continue  # what became an order is left as it was
            if is_told and edit.value != value and not any(m.deleted for m in group.members):
                self.losers.append(Loser(edit.member, name, edit.value))

    def _has_no_price(self, member: Member, name: str, group: Group) -> bool:
        """An item that was archived when made gets its price once it is sold again, if its product is there."""
        if member.kind != "item" or name not in PRICED:
            return False
        record = self.systems.record(member)
        is_orphan = any(m.kind == "product" and m.deleted for m in group.members)
        return not record["price_record"] and (record["status"] == "archived" or is_orphan)

    def _allowed(self, group: Group, name: str, members: list[Member]) -> list[Any]:
        slack = self.apart if group.is_overdue else self.slack
        allowed = group.admissible(name, slack, exact=self.exact and not group.is_overdue)
        if group.concept == "organisation" and name == "name":
            allowed = allowed + self._own_spellings(group, allowed)
        if self.apart and (says := self._not_shared(group, name)):
            # Not visible on the other side, so the clocks decide (docs/explanation/conflicts.md).
            allowed = allowed + [group.agreed.get(name), *filter(None, says)]
        if group.concept == "order" and name == "status":
            allowed = allowed + self._reopened_on_both_sides(group)
        if group.concept == "order" and name == "shipping_date" and group.member("quote"):
            allowed = allowed + self._dates_that_look_typed(group)
        if group.concept == "organisation" and name == "status":
            own = [e.value for e in group.edits.get(name, []) if e.member.startswith("company")][-1:]
            present = normal(self.systems.record(members[0]).get("status"))
            if own and own[0] in OWN_STATUS:
                return own
            if present in OWN_STATUS and not own:
                return [present]
        if any(m.deleted for m in group.members):
            allowed = allowed + [group.agreed.get(name)] + [e.value for e in group.edits.get(name, [])]
            allowed += [group.brought[name]] if name in group.brought else []
            if name == "cancellation_reason":
                allowed.append(DELETED_REASON)
        return allowed

    @staticmethod
    def _own_spellings(group: Group, allowed: list[Any]) -> list[Any]:
        """What a company and its business entity were each born with, apart in case alone.

        Nobody typed that since they are linked, so both keep theirs; the judge compares values without outer blanks.
        """
        edits = group.edits.get("name", [])
        if not all(edit.born for edit in edits):
            return []
        folded = {str(each).casefold() for each in allowed}
        return [edit.value for edit in edits if str(edit.value).casefold() in folded]

    @staticmethod
    def _dates_that_look_typed(group: Group) -> list[Any]:
        """What stands in Chargebee before its quote becomes an order: a filled-in date may look typed (docs)."""
        if group.member("order") is None or group.agreed.get("shipping_date") is not None:
            return []
        held = [group.held.get(m.id, {}).get("shipping_date") for m in group.members if m.kind == "cb_order"]
        return [date for date in held if date is not None]

    @staticmethod
    def _reopened_on_both_sides(group: Group) -> list[Any]:
        """What the ERP said of an order that was reopened there and in Chargebee (docs: `queued` may yield to it)."""
        edits = group.edits.get("status", [])
        said = [group.agreed.get("status"), *(edit.value for edit in edits)]
        is_queued = any(e.member.startswith("cb_order:") and e.value == "queued" for e in edits)
        if "cancelled" not in said or not is_queued:
            return []
        return [e.value for e in edits if not e.member.startswith("cb_order:")][-1:]

    @staticmethod
    def _not_shared(group: Group, name: str) -> list[Any]:
        """Values of business entities that differed from the company's when the window began.

        The company's was only reported to people, or it was a status of its own that theirs does not replace.
        """
        says = [group.held.get(m.id, {}).get(name) for m in group.members if m.kind == "business_entity"]
        agreed = str(group.agreed.get(name)).casefold()
        return [each for each in says if str(each).casefold() != agreed]

    @staticmethod
    def _is(member: Member, name: str, value: Any, expected: Any) -> bool:
        if member.kind == "quote" and name == "status":
            return bool(value == as_quote_status(expected))
        return bool(value == expected)

    # --- deletions

    def _check_loss(self, group: Group) -> None:
        """A deletion reaches the counterpart, unless that was edited in the same window: then the edit stands."""
        gone = [m for m in group.members if m.deleted]
        left = [m for m in group.members if not m.deleted]
        if not gone or group.bereft:
            return
        group.bereft = True
        edits = [(name, edit) for name, edits in group.edits.items() for edit in edits]
        group.spared = any(edit.member == m.name for _, edit in edits for m in left)
        is_told = self.exact and group.settled and not group.is_overdue and not group.parked
        if not is_told or len(left) != 1:
            return
        if not any(edit.member.endswith(f":{left[0].id}") for _, edit in edits):
            self._check_archived(group, left[0], True)
        elif self._is_edited_alone(group, left[0]):
            self._check_archived(group, left[0], False)

    @staticmethod
    def _is_edited_alone(group: Group, member: Member) -> bool:
        """Whether it says something that the deleted record could have said, too, typed in this window, that nobody
        else typed over or had said before.
        """
        kinds = {KINDS[each.kind] for each in group.members}
        shared = [name for name in KINDS[member.kind].shown if all(name in kind.shown for kind in kinds)]
        shared = [name for name in shared if name != "status"]
        return any(
            edits[-1].value != group.agreed.get(name) and {e.member for e in edits} == {member.name}
            for name in shared
            if (edits := group.edits.get(name))
        )

    def _check_archived(self, group: Group, member: Member, must: bool) -> None:
        is_archived = self._is_archived(group, member, must)
        if is_archived is not None and is_archived is not must:
            told = "was not archived" if must else "was archived though it had been edited"
            edits = [f"{name}: {_history(group, name)}" for name in group.edits]
            self.wrong(
                f"lost deletion: {member.name} {told} when its counterpart was deleted; {edits}", group
            )

    def _is_archived(self, group: Group, member: Member, must: bool) -> bool | None:
        """Whether it is marked as gone; None where it was so before, or people decided it."""
        typed = {
            name: [edit.value for edit in edits if edit.member == member.name]
            for name, edits in group.edits.items()
        }
        if member.kind == "cb_customer":
            were_active = all(self._is_active(each) for each in group.members if each is not member)
            return self._mark(member).get("active") is False if were_active else None
        if group.concept == "person":
            is_active = self._is_active(member)
            return None if typed.get("active") or (not is_active and not must) else not is_active
        wanted = ARCHIVED.get(group.concept)
        if group.concept == "order" and group.agreed.get("status") in FINAL:
            return None
        decided = [group.agreed.get("status"), *(edit.value for edit in group.edits.get("status", []))]
        if wanted is None or wanted in decided:
            return None
        status = KINDS[member.kind].read(self.systems.record(member))["status"]
        return None if status in FINAL else bool(status == wanted)

    def _mark(self, customer: Member) -> Json:
        """What the sync notes in a Chargebee customer."""
        return dict((self.systems.record(customer).get("meta_data") or {}).get("customerp") or {})

    # --- what the ERP alone decides

    def _check_person(self, group: Group) -> None:
        customer, contact = group.live(("cb_customer",)), group.live(("contact",))
        if not customer or group.parked:
            return
        record = self.systems.record(customer[0])
        mark = self._mark(customer[0])
        ours = [m for m in group.members if m.kind in ("contact", "employee")]
        active = any(self._is_active(m) for m in ours if not m.deleted)
        is_spared = group.spared and mark.get("active") is True
        if ours and mark.get("active") is not active and not is_spared:
            self.wrong(
                f"{customer[0].name} is marked active={mark.get('active')}, its ERP records say {active}",
                group,
            )
        company = contact and self.systems.record(contact[0]).get("customer_id")
        if company:
            facts = self.systems.records["company"][company]
            for theirs, own in (("company", "name"), ("vat_number", "vat_number")):
                if normal(record.get(theirs)) != normal(facts.get(own)):
                    self.wrong(
                        f"{customer[0].name}.{theirs} is {record.get(theirs)!r}, the company says {facts.get(own)!r}",
                        group,
                    )
            days = facts.get("payment_terms_days")
            if (record.get("net_term_days") or 0) != (days or 0):
                self.wrong(
                    f"{customer[0].name}.net_term_days is {record.get('net_term_days')}, the company says {days}",
                    group,
                )

    def _is_active(self, member: Member) -> bool:
        record = self.systems.record(member)
        return record.get("active") is not False and record.get("status", "active") == "active"


def _history(group: Group, name: str) -> str:
    """What a property was, and who set it to what in which span of time."""
    edits = [
        f"{e.member}={e.value!r}@{e.lo}..{e.hi if e.hi != NEVER else ''}" for e in group.edits.get(name, [])
    ]
    return f"agreed {group.agreed.get(name)!r}, then {edits}"
