"""Two records get one key: people give what is somebody else's, and set it right some time later."""

from __future__ import annotations

from tests.soundness.model import Group, Member
from tests.soundness.people import People

SAME_SIDE = {"person": "email", "organisation": "name"}
"""Keys that either system lets two records have: both stay what they are."""
ONLY_ERP = {"product": "sku", "order": "number"}
"""Keys that are unique in the ERP alone: what Chargebee says is refused there, and reported."""


class Clashes:
    """Clashes between settled groups; those that a system must refuse stand open until `end`."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._open: list[tuple[Group, str]] = []

    def begin(self) -> None:
        """Let one clash happen, if there are two groups for it."""
        rng = self._people.rng
        concept = rng.choice(self._people.concepts)
        whole = [g for g in self._people.groups if g.concept == concept and self._is_whole(g)]
        if len(whole) < 2:
            return
        one, other = rng.sample(whole, 2)
        if concept in SAME_SIDE:
            self._share(one, other, SAME_SIDE[concept])
        elif concept == "product" and rng.random() < 0.5:
            self._cross(one, other)
        else:
            self._take(one, other, ONLY_ERP[concept])

    def end(self) -> None:
        """Give every record that is refused a key of its own: in either system, but where the clash came from if
        the other's clock may be behind that.
        """
        for group, name in self._open:
            member = self._people.rng.choice(
                [m for m in group.members if m.kind in ("product", "item", "order", "cb_order")]
            )
            if name == "name" or self._people.world.drift.apart_us:
                member = next(m for m in group.members if m.name == group.clash_of)
            self._people.edit(group, member, {name: self._people.typist.value(name)})
            group.clash, group.clash_of = None, None
        self._open = []

    @staticmethod
    def _is_whole(group: Group) -> bool:
        kinds = {m.kind for m in group.members}
        both = len(kinds & {"product", "order", "contact", "employee", "company"}) and len(
            kinds & {"item", "cb_order", "cb_customer", "business_entity"}
        )
        no_quote = "quote" not in kinds
        alive = not any(m.deleted for m in group.members)
        return (
            bool(both) and no_quote and alive and group.settled and not group.parked and group.clash is None
        )

    def _share(self, one: Group, other: Group, name: str) -> None:
        """Both keep their links: who is who was decided when they met first."""
        member = self._people.rng.choice(one.members)
        value = other.agreed.get(name)
        if value and self._people.edit(one, member, {name: value}):
            self._people.did[f"clash {name}"] += 1

    def _take(self, one: Group, other: Group, name: str) -> None:
        """A Chargebee record gets the key of another's ERP record."""
        member = next(m for m in one.members if m.kind in ("item", "cb_order"))
        moving = one.edits.get(name) or other.edits.get(name)
        value = None if moving else other.agreed.get(name)
        if value and self._people.edit(one, member, {name: value}):
            self._stand(one, name, member)

    def _cross(self, one: Group, other: Group) -> None:
        """One name, given to a product here and to another one's item there."""
        if one.edits.get("name") or other.edits.get("name"):
            return
        name = self._people.typist.value("name").strip()
        product: Member = next(m for m in one.members if m.kind == "product")
        item: Member = next(m for m in other.members if m.kind == "item")
        if self._people.edit(one, product, {"name": name}):
            self._stand(one, "name", product)
            if self._people.edit(other, item, {"name": name}):
                self._stand(other, "name", item)

    def _stand(self, group: Group, name: str, member: Member) -> None:
        group.clash, group.clash_of = name, member.name
        self._open.append((group, name))
        self._people.did[f"clash {name}"] += 1
