"""Rows of the dataflow documents: which ERP property belongs to which Chargebee property, and which way.

A pair of datatypes is read from four kinds of pipes. `<type>-enrich` says what golden property a type's own
property is (rule `model`, or what the member's `values` apply), which of them it only observes, and what it
gives to a record made from it (`create`). `<type>-transform` says where golden properties end up (rule
`update`), what more a new record gets (rule `insert`), and which figures of its own the target takes from
nobody, so that a difference is reported (rule `compared`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stack.dataflow.lineage import MEMBERS, NOTHING, VIA, Frame, Lineage, Reader, record, union

CREATE_ONLY = "x-createOnly"
LINK = "the key of the linked "
REPORTED = "x-reported"
"""Marks a schema whose records no API can write: what should be written is reported to a person."""


@dataclass
class Row:
    """One ERP property and one Chargebee property. `arrow`: ↔ → ← ⇥ ⇤ (the last two: set when created)."""

    erp: str
    chargebee: str
    to_chargebee: str | None = None
    to_erp: str | None = None
    done: set[str] = field(default_factory=set)
    is_match_key: bool = False
    is_reported: bool = False
    is_compared: bool = False

    @property
    def arrow(self) -> str:
        """The direction, ERP on the left."""
        if "always" in (self.to_chargebee, self.to_erp):
            ways = {(True, True): "↔", (True, False): "→", (False, True): "←"}
            return ways[self.to_chargebee == "always", self.to_erp == "always"]
        ways = {(True, True): "⇥⇤", (True, False): "⇥", (False, True): "⇤"}
        return ways[self.to_chargebee is not None, self.to_erp is not None]


@dataclass
class Side:
    """What the pipes of one datatype say; `name` is `<system>-<datatype>`."""

    name: str
    claims: dict[str, Lineage]
    observed: set[str]
    create: Lineage
    keys: set[str]
    update: Lineage
    insert: Lineage
    compared: Lineage
    schema: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Any]:
        """The schema's top-level properties."""
        found: Mapping[str, Any] = self.schema["properties"]
        return found

    def is_fixed(self, name: str) -> bool:
        """True for a top-level property that is set when a record is created and never after."""
        return bool(self.properties.get(name, {}).get(CREATE_ONLY))


class Pipes:
    """The pipes of a configuration folder, read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        paths = sorted((root / "pipes").glob("*.conf.json"))
        self.configs = {path.name.removesuffix(".conf.json"): json.loads(path.read_bytes()) for path in paths}

    def rules(self, pipe: str) -> dict[str, Any]:
        """The DTL rules of a pipe; none if there is no such pipe or it has no DTL."""
        transforms = self.configs.get(pipe, {}).get("transform", [])
        return next((each["rules"] for each in transforms if each["type"] == "dtl"), {})

    def side(self, name: str) -> Side:
        """Everything the pipes say about one datatype."""
        mine = list(self._members(name))
        applied = self._transform(name)
        return Side(
            name=name,
            claims={key: value for each in mine for key, value in each["values"].keys.items()},
            observed={prop for each in mine for prop in each["observed"]},
            create=union([each["create"] for each in mine]),
            keys=self._match_keys(name),
            update=applied.get("update", NOTHING),
            insert=applied.get("insert", NOTHING),
            compared=applied.get("compared", NOTHING),
            schema=self.schema(name),
        )

    def schema(self, name: str) -> dict[str, Any]:
        """The JSON Schema that the service of a type's system ships."""
        system, datatype = name.split("-", 1)
        folder = {"customerp": "erp"}.get(system, system)
        path = self.root / "connectors" / folder / "schemas" / f"{datatype}.schema.json"
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found

    def _members(self, name: str) -> Iterator[dict[str, Any]]:
        """The members of this type that enrich pipes put into a golden record."""
        for pipe in self.configs:
            if pipe.endswith("-enrich"):
                yield from self._members_of(pipe.removesuffix("-enrich"), name)

    def _members_of(self, pipe: str, name: str) -> Iterator[dict[str, Any]]:
        rules = self.rules(f"{pipe}-enrich")
        reader = Reader(rules)
        frame = Frame(record(pipe))
        reader.read([each for each in rules["default"] if each[0] != "remove"], frame)
        for call in _calls(rules["default"], ["apply", "member"]):
            given = dict(zip(call[2][1::2], call[2][2::2], strict=True))
            if given["type"] == name:
                yield {
                    "values": reader.value(given["values"], frame),
                    "observed": _constants(given.get("observed", [])),
                    "create": reader.value(given.get("create", []), frame),
                }

    def _match_keys(self, name: str) -> set[str]:
        """Properties of this type by which an enrich pipe, of any type, finds counterparts."""
        found = set()
        for pipe in self.configs:
            if pipe.endswith("-enrich"):
                for hops in _calls(self.rules(pipe).get("default", []), ["hops"]):
                    found |= _compared(hops[1], name, pipe.removesuffix("-enrich"))
        return found

    def _transform(self, name: str) -> Mapping[str, Lineage]:
        """By rule of the transform pipe, what it makes of golden records."""
        rules = self.rules(f"{name}-transform")
        if not rules:
            return {}
        reader = Reader(rules)
        reader.rule(
            "default",
            Lineage(keys={"golden": record("golden"), "members": Lineage(frozenset([f"golden{MEMBERS}"]))}),
        )
        return reader.applied


def _calls(tree: Any, start: list[Any]) -> Iterator[Any]:
    """Every list in a piece of DTL that starts so."""
    if isinstance(tree, list):
        if tree[: len(start)] == start:
            yield tree
        for each in tree:
            yield from _calls(each, start)
    elif isinstance(tree, dict):
        for each in tree.values():
            yield from _calls(each, start)


def _constants(expression: Any) -> set[str]:
    """The strings of a `list`; of an `if`, those that both branches name."""
    if not isinstance(expression, list) or not expression:
        return set()
    if expression[0] == "if":
        return _constants(expression[2]) & _constants(expression[3])
    return {str(each) for each in expression[1:]}


def _compared(hops: Mapping[str, Any], name: str, own: str) -> set[str]:
    """Properties of type `name` in the `eq` conditions of a hop between two systems."""
    aliases = dict(reversed(each.split()) for each in hops["datasets"])
    types = {alias: dataset.removesuffix("-collect") for alias, dataset in aliases.items()} | {"_S": own}
    found = set()
    for where in hops.get("where", []):
        paths = [path for path in _strings(where) if path.partition(".")[0] in types]
        systems = {types[path.partition(".")[0]].partition("-")[0] for path in paths}
        if len(systems) == 2:
            found |= {path.partition(".")[2] for path in paths if types[path.partition(".")[0]] == name}
    return found


def _strings(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        for each in tree:
            yield from _strings(each)


def rows(pipes: Pipes, erp: str, chargebee: tuple[str, ...]) -> list[Row]:
    """The rows of a mapping between an ERP type and a Chargebee type (and its lesser types)."""
    left = pipes.side(f"customerp-{erp}")
    found: dict[tuple[str, str], Row] = {}
    for datatype in chargebee:
        right = pipes.side(f"chargebee-{datatype}")
        for target, source, how, done in _edges(left, right):
            row = _row(found, source, target)
            if right.schema.get(REPORTED):
                row.is_reported = True
                continue
            row.to_chargebee = "always" if "always" in (how, row.to_chargebee) else how
            row.done |= done
        for target, source, how, done in _edges(right, left):
            row = _row(found, target, source)
            row.to_erp = "always" if how == "compared" or "always" in (how, row.to_erp) else how
            row.is_compared |= how == "compared"
            row.done |= done
        keys = {f"{erp}.{key}" for key in left.keys}, {f"{datatype}.{key}" for key in right.keys}
        for (a, b), row in found.items():
            is_link = any(each.startswith(LINK) for each in row.done)
            row.is_match_key |= a in keys[0] and b in keys[1] and not is_link
    for row in found.values():
        row.erp = row.erp.removeprefix(f"{erp}.")
        row.chargebee = (
            row.chargebee.removeprefix(f"{chargebee[0]}.") if len(chargebee) == 1 else row.chargebee
        )
    return list(found.values())


def _row(found: dict[tuple[str, str], Row], erp: str, chargebee: str) -> Row:
    return found.setdefault((erp, chargebee), Row(erp, chargebee))


def _edges(source: Side, target: Side) -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """(target property, source property, `always`, `created` or `compared`, what is done on the way)."""
    for tree, how in ((target.update, "always"), (target.insert, "created"), (target.compared, "compared")):
        for path, lineage in _leaves(tree, ""):
            top = path.partition(".")[0]
            if node(target.schema, top) is None or top == "id" and how == "created":
                continue
            for origin in sorted(lineage.origins):
                for sub, name, done in _resolved(origin, source, target):
                    is_given_once = name == f"{_datatype(source.name)}.id" and not source.schema.get(REPORTED)
                    kind = "created" if is_given_once or target.is_fixed(top) else how
                    yield f"{_datatype(target.name)}.{path}{sub}", name, kind, lineage.done | done


def _leaves(tree: Lineage, path: str) -> Iterator[tuple[str, Lineage]]:
    if tree.origins:
        yield path, tree
    for name, value in tree.keys.items():
        if not name.startswith(("_", "$")):
            yield from _leaves(value, f"{path}.{name}" if path else name)


def _resolved(origin: str, source: Side, target: Side) -> Iterator[tuple[str, str, frozenset[str]]]:
    """The source's properties behind an origin in the target's transform: (below the target, name, done)."""
    kind, _, path = origin.partition(":")
    member = kind.removeprefix("member ")
    if kind == "golden":
        lineage = _golden(source, path.removesuffix(".v"))
    elif not kind.startswith("member ") or not _is_of(member, source.name, target.name):
        return
    elif path == "of":
        lineage = record(source.name).at("id")
    elif path.startswith("raw."):
        lineage = _at(record(source.name), path.removeprefix("raw."))
    elif path.startswith("claims."):
        lineage = _golden(source, path.removeprefix("claims.").removesuffix(".v"))
    else:
        lineage = _at(source.create, path.removeprefix("create.")) if path.startswith("create.") else NOTHING
    for sub, leaf in _leaves(lineage, ""):
        for each in sorted(leaf.origins):
            own = each.removeprefix(f"{source.name}:").removeprefix(f"{source.name}-collect:")
            if own == each or own == "_id" or node(source.schema, own) is not None:
                yield (
                    (f".{sub}" if sub else ""),
                    _label(each, _datatype(source.name)),
                    leaf.done | _link(each),
                )


def node(schema: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """The part of a JSON Schema on the property at a path, through lists; None if there is none."""
    found: Any = schema
    for step in path.split("."):
        found = _target(schema, found)
        found = _target(schema, found.get("items", found))
        if "properties" not in found and found is not schema:
            return {}
        named = found.get("properties", {}).get(step)
        patterns = found.get("patternProperties", {}).items()
        found = named or next((each for pattern, each in patterns if re.search(pattern, step)), None)
        if found is None:
            return None
    described: Mapping[str, Any] = _target(schema, found)
    return described


def _target(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = part.get("$ref")
    found: Mapping[str, Any] = schema["$defs"][reference.rpartition("/")[2]] if reference else part
    return found


def _is_of(member: str, source: str, target: str) -> bool:
    return member == source or (member.startswith("!") and member != f"!{source}")


def _golden(side: Side, path: str) -> Lineage:
    name = path.partition(".")[0]
    return (
        NOTHING if name in side.observed or name not in side.claims else _at(Lineage(keys=side.claims), path)
    )


def _at(value: Lineage, path: str) -> Lineage:
    for step in path.split("."):
        value = value.at(step)
    return value


def _link(origin: str) -> frozenset[str]:
    """Said of the key of a linked record that a property of the own record leads to."""
    where, _, path = origin.partition(":")
    where, _, way = where.partition(VIA)
    linked = path == "of" and way
    return frozenset([f"{LINK}{_datatype(where.removeprefix('member '))}"]) if linked else frozenset()


def _label(origin: str, own: str) -> str:
    """A property as people call it, with the datatype of the record that it belongs to.

    The key of a linked record has the name of the property, of datatype `own`, that leads there.
    """
    where, _, path = origin.partition(":")
    where, _, way = where.partition(VIA)
    if where.startswith("golden "):
        where, path = where.removeprefix("golden "), path.removeprefix("golden.").removesuffix(".v")
    datatype = _datatype(where.removesuffix("-collect").removeprefix("member "))
    if path == "of" and way:
        return f"{own}.{way}"
    return f"(the linked {datatype})" if path == "of" else f"{datatype}.{path.removeprefix('raw.')}"


def _datatype(name: str) -> str:
    return name.partition("-")[2]
