"""What must be true after settling, derived from the history of outside edits alone.

Nothing here knows of pipes. A *group* is one person, company, product or order in the real world, with a
*member* for each record that stands for it in one of the systems. Outside edits are noted with the span of
time in which the system may say that they happened: a system tells when a *record* changed, not when a
property did, so an edit counts from the instant it was sent (`lo`) to the record's last change before the
sync could look (`hi`). Of two edits whose spans overlap either may win; otherwise the later one must.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

NEVER = 1 << 62


def normal(value: Any) -> Any:
    """A value as both systems must agree on it: texts trimmed, empty is None, also inside dicts."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, dict):
        kept = {key: normal(part) for key, part in value.items()}
        return {key: part for key, part in kept.items() if part is not None} or None
    return value


def _at(lines: list[Any] | None, place: int) -> Any:
    return lines[place] if lines and place < len(lines) else None


@dataclass
class Edit:
    """One property set to `value` (None: cleared) by somebody outside, microseconds since the epoch."""

    member: str
    value: Any
    lo: int
    hi: int = NEVER
    born: bool = False


@dataclass
class Member:
    """One record: `kind:id`, who made it (people or the sync), and whether it was deleted since."""

    kind: str
    id: str
    by_sync: bool = False
    deleted: bool = False

    @property
    def name(self) -> str:
        """`kind:id`, as edits refer to it."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True)
class Loser:
    """A value that somebody gave a property of a record and that a later edit elsewhere overruled."""

    member: str
    name: str
    value: str

    @property
    def is_chargebees(self) -> bool:
        """Whether it was in Chargebee, which has no conditional writes: what somebody types there between our
        read and our write is overwritten unseen. So it is looked for only where nobody types meanwhile.
        """
        return self.member.startswith(("cb_", "item:", "price:"))


@dataclass
class Group:
    """The records that are one thing, what they agreed on last, and what was edited since."""

    concept: str
    members: list[Member] = field(default_factory=list)
    agreed: dict[str, Any] = field(default_factory=dict)
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each record (by id) said at the beginning of the window, where it need not agree."""
    brought: dict[str, Any] = field(default_factory=dict)
    """What an order said when a quote became it: all that it says if the Chargebee order is deleted meanwhile."""
    settled: bool = False
    parked: bool = False
    """A person must decide: nothing may be linked or made for its records."""
    is_paid: bool = False
    """An order whose invoice somebody paid: nobody cancels or deletes it any more."""
    pays: bool = False
    """Orders are for this person, who is not deleted then."""
    bereft: bool = False
    """One of its records was deleted in a window before this one."""
    spared: bool = False
    """The other side was edited in the window of the deletion: the edit wins, and nothing is archived."""
    clash: str | None = None
    """The key that it wants and another record has: one side refuses it until people give it another."""
    clash_of: str | None = None
    """The record that was given the key."""
    is_overdue: bool = False
    """Windows went by in which it was not looked at: some of its edits were synced before others were made."""
    may_split: bool = False
    """Its records met while the sync was running: that one was shared before the other was seen is allowed."""

    def member(self, kind: str) -> Member | None:
        """Its record of a kind."""
        return next((each for each in self.members if each.kind == kind), None)

    def live(self, kinds: Iterable[str]) -> list[Member]:
        """Its records of some kinds that are not deleted."""
        return [each for each in self.members if each.kind in kinds and not each.deleted]

    def note(self, member: str, name: str, value: Any, lo: int, born: bool = False) -> None:
        """Somebody set a property. Unknown is not empty: what is born empty was not set."""
        if not (born and normal(value) is None):
            self.edits.setdefault(name, []).append(Edit(member, normal(value), lo, born=born))

    def close_spans(self, member: str, clock: int) -> None:
        """The record's clock stood at `clock` when the sync could look first: no edit so far is later."""
        for edits in self.edits.values():
            for edit in edits:
                if edit.member == member and edit.hi == NEVER:
                    edit.hi = clock

    def admissible(self, name: str, slack: int = 0, exact: bool = True) -> list[Any]:
        """The values that a property may have now. One of them, unless clocks cannot tell edits apart.

        `slack`: microseconds by which two clocks may disagree on what was later. `exact`: nothing was synced
        before all edits were made.
        """
        last = {edit.member: edit for edit in self.edits.get(name, [])}
        if not last:
            return [self.agreed.get(name)]
        if any(isinstance(edit.value, list) for edit in self.edits[name]):
            return self._line_by_line(name, slack, exact)
        winners = [
            one
            for one in last.values()
            if not any(other.lo > one.hi + slack for other in last.values() if other is not one)
        ]
        values = [one.value for one in winners]
        if len(last) > 1 and any(self._came_back(name, edit) for edit in last.values()):
            values = [one.value for one in last.values()]
        born_empty = name not in self.agreed and all(one.born for one in last.values())
        if not born_empty and len(last) == 1 and self._came_back(name, *last.values()):
            values.append(self.agreed.get(name))
        return values

    def _line_by_line(self, name: str, slack: int, exact: bool) -> list[Any]:
        """The lists that a property of lines may be: each line is edited by itself.

        A line that looks unchanged was changed after all if the other side's edit of it had been synced before.
        """
        found = []
        for place in range(max(len(edit.value or ()) for edit in self.edits[name])):
            agreed = {name: _at(self.agreed[name], place)} if name in self.agreed else {}
            held = {key: {name: _at(values.get(name), place)} for key, values in self.held.items()}
            line = Group(self.concept, agreed=agreed, held=held)
            says: dict[str, Any] = {}
            unchanged = []
            for edit in self.edits[name]:
                before = says.get(edit.member, held.get(edit.member.split(":", 1)[1], agreed).get(name))
                says[edit.member] = _at(edit.value, place)
                typed = replace(edit, value=says[edit.member])
                if typed.value != before:
                    line.edits.setdefault(name, []).append(typed)
                else:
                    unchanged.append(typed)
            values = line.admissible(name, slack)
            for one in () if exact else unchanged:
                if any(
                    other.member != one.member and other.lo <= one.hi for other in line.edits.get(name, [])
                ):
                    values.append(one.value)
            found.append(values)
        return [list(each) if any(each) else None for each in product(*found)]

    def _came_back(self, name: str, edit: Edit) -> bool:
        """A value that was there before: nobody who looks now and then can tell that it was edited."""
        earlier = [each.value for each in self.edits[name] if each is not edit]
        held = self.held.get(edit.member.split(":", 1)[1], {}).get(name, self.agreed.get(name))
        return edit.value in (held, self.agreed.get(name)) or edit.value in earlier

    def part(self, members: list[Member]) -> Group:
        """A group of its own for some of the members, which takes their edits along."""
        ids = {each.id for each in members}
        part = Group(self.concept, members, may_split=self.may_split)
        for name, edits in self.edits.items():
            part.edits[name] = [each for each in edits if each.member.split(":", 1)[1] in ids]
            self.edits[name] = [each for each in edits if each not in part.edits[name]]
        return part

    def settle(self, values: dict[str, Any], held: dict[str, dict[str, Any]]) -> None:
        """Both systems were seen to agree on these values: a new window begins."""
        self.agreed.update(values)
        self.held = held
        self.brought = {}
        self.edits.clear()
        self.settled = True
        self.is_overdue = False
