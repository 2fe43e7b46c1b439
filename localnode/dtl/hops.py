"""Hops: specifications read and checked, joins found and put in order, rows enumerated through indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from localnode.dtl.api import Entity, HopJoin
from localnode.dtl.compiler import compile_expression
from localnode.dtl.functions.comparisons import eq
from localnode.dtl.hop_specs import SOURCE, Spec, read_spec
from localnode.dtl.joins import IndexExpression, Subset, index_of, join_keys
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Evaluator, Scope
from localnode.dtl.values import as_list, truthy

Follow = Callable[[Frame, list[Any]], list[Any]]
"""A compiled specification: from the entities that go in to the values that come out."""


Filter = tuple[Evaluator, frozenset[str]]
"""A condition and the aliases that it reads."""


@dataclass
class Side:
    """One side of a possible join: which dataset variables it reads, and what else."""

    raw: Any
    run: Evaluator
    reads: frozenset[str]
    uses: set[str]


@dataclass
class Join:
    """A join between two dataset variables, by an expression over each."""

    sides: dict[str, Side]
    path: str


@dataclass
class Hop:
    """One step: how entities of `alias` are reached from what is bound before."""

    alias: str
    dataset: str
    index: IndexExpression
    origin: Evaluator
    subset: Subset | None
    track: bool
    checks: list[tuple[Evaluator, IndexExpression]] = field(default_factory=list)
    filters: list[Evaluator] = field(default_factory=list)

    def rows(self, f: Frame, value: Any, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Every row continued with every entity it joins."""
        context = f.run.context
        for row in rows:
            frame = f.hopped(value, row)
            keys = join_keys(self.origin(frame, None))
            if not keys:
                continue
            for entity in context.join(self.dataset, self.index, keys, self.subset, self.track):
                if self._joins_all(frame, entity):
                    longer = {**row, self.alias: entity}
                    inner = f.hopped(value, longer)
                    if all(truthy(condition(inner, None)) for condition in self.filters):
                        yield longer

    def _joins_all(self, frame: Frame, entity: Entity) -> bool:
        return all(
            not set(join_keys(origin(frame, None))).isdisjoint(index.values(entity))
            for origin, index in self.checks
        )


def compile_hops(call: Call, first_spec: int) -> Evaluator:
    """The `hops` of a call whose arguments from `first_spec` on are specifications."""
    call.scope.compilation.hopping.add(call.scope.rule)
    last = len(call.args) - 1
    read = [
        read_spec(call.args[index], call.scope, call.place(index), is_last=index == last)
        for index in range(first_spec, len(call.args))
    ]
    specs = [spec for spec in read if spec is not None]
    for spec in specs:
        spec.trace = specs[-1].trace
    follows = [_compile_spec(spec, call.scope) for spec in specs]

    def run(f: Frame, v: Any) -> list[Any]:
        values = [f.s]
        for follow in follows:
            values = follow(f, values)
        return values

    return run


def _compile_spec(spec: Spec, scope: Scope) -> Follow:
    hops = _order(spec, *_conditions(spec, scope), scope)
    if spec.recurse:
        return lambda f, values: [found for value in values for found in _recursed(spec, hops, f, value)]
    project = _projection(spec, scope)
    return lambda f, values: [
        found for value in values for row in _rows(spec, hops, f, value) for found in project(f, value, row)
    ]


def _rows(spec: Spec, hops: list[Hop], f: Frame, value: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{}]
    for hop in hops:
        rows = list(hop.rows(f, value, rows))
        if spec.trace is not None:
            f.run.context.trace_hop(spec.trace, f"{hop.dataset} {hop.alias}", len(rows))
    return rows if hops else []


def _recursed(spec: Spec, hops: list[Hop], f: Frame, root: Any) -> list[Any]:
    """Everything that is reached by hopping again and again, each entity once, in rounds."""
    found = [] if spec.exclude_root else [root]
    front, depth, seen = [root], 0, set()
    while front and (spec.max_depth is None or depth < spec.max_depth):
        reached = []
        for value in front:
            for row in _rows(spec, hops, f, value):
                entity = row[spec.last_alias]
                if entity["_id"] not in seen:
                    seen.add(entity["_id"])
                    reached.append(entity)
        found += reached
        front, depth = reached, depth + 1
    return found


def _projection(spec: Spec, scope: Scope) -> Callable[[Frame, Any, dict[str, Any]], list[Any]]:
    """What a row contributes to the result."""
    if spec.returned_aliases:
        aliases = spec.returned_aliases
        return lambda f, value, row: [row[alias] for alias in aliases]
    inner = scope.with_aliases(spec.aliases)
    result = compile_expression(spec.returns, inner, f"{spec.path}['return']").run
    for word in sorted(inner.uses):
        if word.startswith("?"):
            scope.error(f"{spec.path}['return']", f"there is no alias {word[1:]!r}; {spec.known_aliases()}")

    def project(f: Frame, value: Any, row: dict[str, Any]) -> list[Any]:
        return [item for item in as_list(result(f.hopped(value, row), None)) if item is not None]

    return project


def _conditions(spec: Spec, scope: Scope) -> tuple[list[Join], list[Filter]]:
    """The `where` expressions as joins and filters, with the warnings that they deserve."""
    joins: list[Join] = []
    filters: list[Filter] = []
    pairs: set[frozenset[str]] = set()
    for raw, path in spec.where:
        if type(raw) is not list or len(raw) != 3 or raw[0] != "eq":
            filters.append(_filter(_side(raw, spec, scope, path), spec))
            continue
        sides = [_side(raw[index], spec, scope, f"{path}[{index}]") for index in (1, 2)]
        join = _as_join(sides, path)
        pair = frozenset(join.sides) if join else frozenset()
        if join and pair not in pairs:
            pairs.add(pair)
            joins.append(join)
            continue
        if join:
            named = " and ".join(sorted(pair))
            scope.compilation.warn(
                path,
                f"hops: {named} are joined already; this eq is an exact comparison, not a join. "
                'To join by several values at once use ["tuples", …] on both sides',
            )
        filters.append(_comparison(sides, spec))
    return joins, filters


def _side(raw: Any, spec: Spec, scope: Scope, path: str) -> Side:
    """An expression that may use the aliases, and what it uses."""
    inner = scope.with_aliases(spec.aliases)
    compiled = compile_expression(raw, inner, path)
    spec.unknown |= {word[1:] for word in inner.uses if word.startswith("?")}
    return Side(raw, compiled.run, (spec.aliases | {SOURCE}) & inner.uses, inner.uses)


def _as_join(sides: list[Side], path: str) -> Join | None:
    """The join that an `eq` is whose sides read exactly one dataset variable each, not the same."""
    by_variable = {next(iter(side.reads)): side for side in sides if len(side.reads) == 1}
    return Join(by_variable, path) if len(by_variable) == 2 else None


def _filter(side: Side, spec: Spec) -> Filter:
    return side.run, frozenset(side.uses) & spec.aliases


def _comparison(sides: list[Side], spec: Spec) -> Filter:
    """An `eq` that does not join: the exact comparison."""
    left, right = sides[0].run, sides[1].run
    return lambda f, v: eq(left(f, v), right(f, v)), frozenset(sides[0].uses | sides[1].uses) & spec.aliases


def _order(spec: Spec, joins: list[Join], filters: list[Filter], scope: Scope) -> list[Hop]:
    """An order in which each alias has a join to what is bound before it; conditions go where they can be
    told."""
    bound = {SOURCE}
    hops: list[Hop] = []
    waiting = dict(spec.datasets)
    while waiting:
        alias = next((a for a in waiting if any(_links(join, a, bound) for join in joins)), None)
        if alias is None:
            _unreachable(spec, list(waiting), scope)
            return []
        hop = _hop(spec, alias, [join for join in joins if _links(join, alias, bound)], scope)
        bound.add(alias)
        hop.filters = [
            run for run, reads in filters if reads <= bound and (alias in reads or not hops and not reads)
        ]
        hops.append(hop)
        del waiting[alias]
    return hops


def _links(join: Join, alias: str, bound: set[str]) -> bool:
    return alias in join.sides and bool((join.sides.keys() - {alias}) & bound)


def _hop(spec: Spec, alias: str, joins: list[Join], scope: Scope) -> Hop:
    probes: list[tuple[Evaluator, IndexExpression]] = []
    for join in joins:
        side = join.sides[alias]
        origin = next(other for variable, other in join.sides.items() if variable != alias)
        if outside := sorted(side.uses - {alias, "_"} - {word for word in side.uses if word.startswith("?")}):
            scope.error(
                join.path,
                f"hops: the side of {alias} must depend on {alias} alone, not on {', '.join(outside)}",
            )
        probes.append((origin.run, index_of(side.raw, side.run, alias, scope.settings)))
    (origin_run, index), *checks = probes
    dataset, subset = spec.datasets[alias], _subset(spec, alias, scope)
    scope.compilation.joins.append(HopJoin(dataset, index, spec.track, subset))
    return Hop(alias, dataset, index, origin_run, subset, spec.track, checks)


def _subset(spec: Spec, alias: str, scope: Scope) -> Subset | None:
    """The subset of an alias: `["eq", expression over _S, literal]`, the sides in either order."""
    if alias not in spec.subsets:
        return None
    raw, path = spec.subsets[alias]
    if type(raw) is not list or len(raw) != 3 or raw[0] != "eq":
        scope.error(path, 'a subset is written ["eq", expression over _S, literal]')
        return None
    inner = [scope.with_aliases(frozenset()), scope.with_aliases(frozenset())]
    sides = [compile_expression(raw[i], inner[i - 1], f"{path}[{i}]") for i in (1, 2)]
    literal = next((i for i in (1, 0) if sides[i].constant), None)
    if literal is None or inner[1 - literal].uses - {"_", SOURCE} or SOURCE not in inner[1 - literal].uses:
        scope.error(path, "a subset compares an expression over _S alone with a literal")
        return None
    other = 1 - literal
    index = index_of(raw[other + 1], sides[other].run, SOURCE, scope.settings)
    return Subset(index, frozenset(join_keys(sides[literal].value)))


def _unreachable(spec: Spec, aliases: list[str], scope: Scope) -> None:
    hint = ""
    if spec.unknown:
        words = ", ".join(f'"{word}."' for word in sorted(spec.unknown))
        hint = f" ({words} in where is no alias: {spec.known_aliases()})"
    for alias in aliases:
        scope.error(
            spec.path,
            f'hops: alias "{alias}" cannot be reached from _S: where needs an eq that joins it, such as '
            f'["eq", "_S.id", "{alias}._id"]{hint}',
        )
