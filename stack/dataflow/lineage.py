"""Where the values of a DTL rule come from, found by reading the rule instead of running it.

A value is described by a `Lineage`: the source paths it is made of, what was done to it on the way, and its
keys where it is a dict that the rule builds. Lists are described by their elements. Conditions decide which
value is taken, they do not make it: they count only where every branch is a constant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Rules = Mapping[str, Sequence[Any]]

MEMBERS = ":members"
VIA = " via "
"""Between a golden record and the own property that leads there."""


@dataclass(frozen=True)
class Lineage:
    """`origins`: paths such as `customerp-contact:address.line1`; `done`: what was done to them, in words."""

    origins: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()
    keys: Mapping[str, Lineage] = field(default_factory=dict)

    def at(self, name: str) -> Lineage:
        """The value below `name`."""
        if name in self.keys:
            return self.keys[name]
        return Lineage(frozenset(below(origin, name) for origin in self.origins), self.done)

    def noting(self, what: str) -> Lineage:
        """The same value after something was done to it."""
        keys = {name: value.noting(what) for name, value in self.keys.items()}
        done = self.done | {what} if self.origins else self.done
        return Lineage(self.origins, done, keys)

    def all(self) -> Lineage:
        """The value and everything below it, as one."""
        return union([Lineage(self.origins, self.done), *(value.all() for value in self.keys.values())])


NOTHING = Lineage()


def record(name: str) -> Lineage:
    """A record that is not looked into: every path below it is an origin of its own."""
    return Lineage(frozenset([f"{name}:"]))


def below(origin: str, name: str) -> str:
    """The origin of a property of what comes from `origin`."""
    return origin + name if origin.endswith(":") else f"{origin}.{name}"


def union(values: Sequence[Lineage]) -> Lineage:
    """What may be any of these."""
    names = [name for value in values for name in value.keys]
    keys = {
        name: union([value.keys[name] for value in values if name in value.keys])
        for name in dict.fromkeys(names)
    }
    return Lineage(
        frozenset().union(*(value.origins for value in values)),
        frozenset().union(*(value.done for value in values)),
        keys,
    )


@dataclass
class Frame:
    """The variables of one rule that is being read."""

    source: Lineage
    target: dict[str, Lineage] = field(default_factory=dict)
    parent: Frame | None = None
    element: Lineage = NOTHING
    merged: Lineage = NOTHING

    def made(self) -> Lineage:
        """The target: what was added by name, and below that what was merged from a record as a whole."""
        return Lineage(self.merged.origins, self.merged.done, self.target)


class Reader:
    """Reads the rules of one pipe. `applied`: by rule name, all that its applications gave."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.applied: dict[str, Lineage] = {}

    def rule(self, name: str, source: Lineage, parent: Frame | None = None) -> Lineage:
        """What the rule `name` makes of `source`."""
        frame = Frame(source, parent=parent)
        self.read(self.rules[name], frame)
        found = frame.made()
        self.applied[name] = union([self.applied[name], found]) if name in self.applied else found
        return found

    def read(self, transforms: Sequence[Any], frame: Frame) -> None:
        """Read transforms one after the other; the frame's target is what they make."""
        if transforms and isinstance(transforms[0], str):
            transforms = [transforms]
        for transform in transforms:
            self._transform(transform, frame)

    def _transform(self, transform: Sequence[Any], frame: Frame) -> None:
        name, *args = transform
        target = frame.target
        if name == "add":
            target[args[0]] = self.value(args[1], frame)
        elif name in ("add-if", "default"):
            target[args[0]] = union([frame.made().at(args[0]), self.value(args[1], frame)])
        elif name == "merge":
            self._merge(self.value(args[0], frame), frame)
        elif name == "copy" and args[0] != "*":
            for key in args[0][1:] if isinstance(args[0], list) else [args[0]]:
                target[key] = frame.source.at(key)
        elif name == "copy":
            self._merge(frame.source, frame)
        elif name == "remove":
            target.pop(args[0], None)
        elif name == "if":
            self._branches(args[:1], args[1:], frame, has_else=len(args) == 3)
        elif name == "case":
            pairs = len(args) // 2 * 2
            self._branches(
                args[:pairs:2], [*args[1:pairs:2], *args[pairs:]], frame, has_else=pairs < len(args)
            )
        elif name == "create":
            self.value(args[0], frame)

    def _branches(self, conditions: list[Any], branches: list[Any], frame: Frame, has_else: bool) -> None:
        """Only one of the branches is taken; a constant that one adds is decided by the conditions."""
        before = dict(frame.target)
        decided = union([self.value(each, frame) for each in conditions]).all().noting("decided by its value")
        results = [] if has_else else [before]
        for branch in branches:
            frame.target = dict(before)
            self.read(branch, frame)
            for name in _constants_added(branch):
                frame.target[name] = decided
            results.append(frame.target)
        names = dict.fromkeys(name for result in results for name in result)
        merged = {name: union([result[name] for result in results if name in result]) for name in names}
        frame.target = merged

    @staticmethod
    def _merge(value: Lineage, frame: Frame) -> None:
        frame.merged = union([frame.merged, Lineage(value.origins, value.done)])
        for key, each in value.keys.items():
            frame.target[key] = union([frame.target.get(key, NOTHING), each])

    def value(self, expression: Any, frame: Frame) -> Lineage:
        """Where the value of an expression comes from."""
        if isinstance(expression, str):
            return self._path(expression, frame)
        if isinstance(expression, list) and expression and isinstance(expression[0], str):
            return self._call(expression[0], expression[1:], frame)
        return NOTHING

    def _path(self, text: str, frame: Frame | None) -> Lineage:
        steps = text.split(".")
        while steps[0] == "_P" and frame is not None:
            frame, steps = frame.parent, steps[1:]
        if frame is None or steps[0] not in ("_S", "_T", "_"):
            return NOTHING
        start = {"_S": frame.source, "_T": frame.made(), "_": frame.element}[steps[0]]
        for step in filter(None, steps[1:]):
            start = start.at(step)
        return start

    def _call(self, name: str, args: list[Any], frame: Frame) -> Lineage:
        special = getattr(self, f"_do_{name.replace('-', '_')}", None)
        if special is not None:
            found: Lineage = special(args, frame)
            return found
        values = union([self.value(arg, frame) for arg in args])
        note = _note(name, args)
        return values.noting(note) if note else values

    def _do_apply(self, args: list[Any], frame: Frame) -> Lineage:
        return self.rule(args[0], self.value(args[1], frame) if len(args) > 1 else frame.source, frame)

    def _do_dict(self, args: list[Any], frame: Frame) -> Lineage:
        if len(args) == 1:
            return self.value(args[0], frame)
        return Lineage(
            keys={key: self.value(value, frame) for key, value in zip(args[::2], args[1::2], strict=True)}
        )

    def _do_list(self, args: list[Any], frame: Frame) -> Lineage:
        is_pair = len(args) == 2 and isinstance(args[0], str) and not args[0].startswith("_")
        if is_pair:
            return Lineage(keys={args[0]: self.value(args[1], frame)})
        return union([self.value(arg, frame) for arg in args])

    def _do_path(self, args: list[Any], frame: Frame) -> Lineage:
        value = self.value(args[1], frame)
        steps = args[0][1:] if isinstance(args[0], list) and args[0][0] == "list" else [args[0]]
        for step in steps:
            value = value.at(step) if isinstance(step, str) else value.all()
        return value

    def _over(self, args: list[Any], frame: Frame) -> Frame:
        return Frame(frame.source, frame.target, frame.parent, self.value(args[-1], frame), frame.merged)

    def _do_map(self, args: list[Any], frame: Frame) -> Lineage:
        return self.value(args[0], self._over(args, frame))

    def _do_map_dict(self, args: list[Any], frame: Frame) -> Lineage:
        return self.value(args[-1], frame)

    def _do_filter(self, args: list[Any], frame: Frame) -> Lineage:
        """Members of a golden record are told apart by their type: `member T` is one of type T."""
        value = self.value(args[-1], frame)
        kind = _member_type(args[0])
        if kind is None or not any(map(_are_members, value.origins)):
            return value
        ways = {_way(origin) for origin in value.origins}
        return union([record(f"member {kind}{way}") for way in sorted(ways)])

    def _do_sorted(self, args: list[Any], frame: Frame) -> Lineage:
        return self.value(args[-1], frame)

    _do_sorted_descending = _do_max = _do_sorted

    def _do_enumerate(self, args: list[Any], frame: Frame) -> Lineage:
        return Lineage(keys={"key": NOTHING, "value": self.value(args[-1], frame)})

    def _do_nth(self, args: list[Any], frame: Frame) -> Lineage:
        return self.value(args[-1], frame)

    def _do_difference(self, args: list[Any], frame: Frame) -> Lineage:
        return self.value(args[0], frame)

    def _do_hops(self, args: list[Any], frame: Frame) -> Lineage:
        named = dict(reversed(each.split()) for each in args[0]["datasets"])
        alias = args[0].get("return", next(iter(named)))
        found = named[alias] if isinstance(alias, str) and alias in named else next(iter(named.values()))
        if not found.startswith("global-"):
            return record(found)
        where = args[0].get("where", [])
        own = next((path for path in _paths(where) if path.startswith("_S.")), None)
        return record((_golden_of(where) or found) + (f"{VIA}{own.removeprefix('_S.')}" if own else ""))

    def _do_lookup_entity(self, args: list[Any], frame: Frame) -> Lineage:
        return record(args[0])

    def _do_if(self, args: list[Any], frame: Frame) -> Lineage:
        return self._either([args[0]], args[1:], frame)

    def _do_case(self, args: list[Any], frame: Frame) -> Lineage:
        pairs = len(args) // 2 * 2
        return self._either(args[:pairs:2], [*args[1:pairs:2], *args[pairs:]], frame)

    def _either(self, conditions: list[Any], branches: list[Any], frame: Frame) -> Lineage:
        found = union([self.value(branch, frame) for branch in branches])
        if found.origins or found.keys or not any(isinstance(branch, str) for branch in branches):
            return found
        return union([self.value(condition, frame) for condition in conditions]).noting(
            "decided by its value"
        )

    def _do_case_eq(self, args: list[Any], frame: Frame) -> Lineage:
        pairs = list(zip(args[1:-1:2], args[2:-1:2], strict=True))
        if all(isinstance(old, str) and isinstance(new, str) for old, new in pairs):
            told = ", ".join(f"{old} = {new}" for old, new in pairs)
            return union([self.value(args[0], frame), self.value(args[-1], frame)]).noting(told)
        return union([self.value(each, frame) for each in [*args[2::2], args[-1]]])

    def _do_coalesce_args(self, args: list[Any], frame: Frame) -> Lineage:
        """The first that has a value: the others are only named."""
        values = [value for arg in args if (value := self.value(arg, frame)).origins or value.keys]
        if not values:
            return NOTHING
        others = sorted(
            origin.partition(":")[2].removeprefix("raw.") for value in values[1:] for origin in value.origins
        )
        return values[0].noting(f"where empty: {', '.join(others)}") if others else values[0]

    _do_if_null = _do_coalesce_args
    _do_any = _do_map


def _constants_added(branch: list[Any]) -> list[str]:
    transforms = [branch] if branch and isinstance(branch[0], str) else branch
    return [
        each[1]
        for each in transforms
        if each[0] == "add" and isinstance(each[2], str) and not each[2].startswith("_")
    ]


def _golden_of(where: Any) -> str | None:
    """`golden TYPE` for a hop to the golden record of a record of that type, named by its `ni`."""
    if not isinstance(where, list):
        return None
    if where[:1] == ["ni"] and len(where) == 3:
        return f"golden {where[1]}"
    return next(filter(None, map(_golden_of, where)), None)


def _paths(where: Any) -> Iterator[str]:
    if isinstance(where, str):
        yield where
    elif isinstance(where, list):
        for each in where:
            yield from _paths(each)


def _way(origin: str) -> str:
    """` via ` and the property that leads to the golden record an origin belongs to, if one does."""
    _, via, way = origin.partition(":")[0].partition(VIA)
    return via + way


def _are_members(origin: str) -> bool:
    return origin.endswith(MEMBERS) or (origin.startswith("member !") and origin.endswith(":"))


def _member_type(condition: Any) -> str | None:
    """The type a filter over members asks for; `!T` is every other."""
    if not isinstance(condition, list):
        return None
    if condition[0] == "and":
        return next(filter(None, map(_member_type, condition[1:])), None)
    if condition[:2] == ["eq", "_.type"]:
        return str(condition[2])
    return f"!{condition[2]}" if condition[:2] == ["neq", "_.type"] else None


_NOTES = {
    "lower": "case-folded",
    "concat": "joined with others",
    "decimal": "exact in the currency's minor units",
    "datetime-format": "date and unix seconds",
    "datetime-diff": "date and unix seconds",
}


def _note(name: str, args: list[Any]) -> str | None:
    if name == "substring" and isinstance(args[1], int):
        return f"at most {args[1]} characters"
    if name == "replace" and isinstance(args[0], str):
        return f"{json.dumps(args[0])} becomes {json.dumps(args[1])}"
    return _NOTES.get(name)
