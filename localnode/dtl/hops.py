"""Hops: specifications read and checked, joins found and put in order, rows enumerated through indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from localnode.dtl.api import Entity, HopJoin
from localnode.dtl.budget import spend_results
from localnode.dtl.compiler import compile_expression
from localnode.dtl.functions.comparisons import eq
from localnode.dtl.hop_specs import SOURCE, Spec, read_spec
from localnode.dtl.joins import IndexExpression, Subset, index_of, join_keys, uses_besides
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Evaluator, Scope
from localnode.dtl.values import truthy
from localnode.readings import reads

Follow = Callable[[Frame, list[Any]], list[Any]]
"""A compiled specification: from the entities that go in to the values that come out."""


Row = dict[str, Any]
"""One entity per alias."""

Reach = Callable[[Frame, Any], list[Row]]
"""From an entity that goes in to the rows that its joins lead to."""

Filter = tuple[Evaluator, frozenset[str]]
"""A condition and the aliases that it reads."""

MAX_ALTERNATIVES = 100
"""In how many ways the `or`s of one `where` may be gone through."""


@dataclass
class Side:
    """One side of a possible join: which dataset variables it reads, and what else."""

    raw: Any
    run: Evaluator
    reads: frozenset[str]
    uses: frozenset[str]
    settings_read: frozenset[str]


@dataclass
class Join:
    """A join between two dataset variables, by an expression over each."""

    sides: dict[str, Side]
    path: str


@dataclass(frozen=True)
class Condition:
    """One expression of `where`.

    As a filter with the aliases that it reads, as a join if it can be one, and an `or` as its alternatives.
    """

    path: str
    run: Evaluator
    reads: frozenset[str]
    join: Join | None = None
    alternatives: list[list[Condition]] = field(default_factory=list)

    @property
    def joins(self) -> bool:
        """Whether it is a join, or an `or` with joins in it."""
        return self.join is not None or any(c.joins for each in self.alternatives for c in each)


@dataclass
class Hop:
    """One step: how entities of `alias` are reached from what is bound before."""

    alias: str
    join: HopJoin
    origin: Evaluator
    checks: list[tuple[Evaluator, IndexExpression]] = field(default_factory=list)
    filters: list[Evaluator] = field(default_factory=list)

    def rows(self, f: Frame, value: object, rows: list[Row]) -> Iterator[Row]:
        """Yield every row continued with every entity it joins."""
        context = f.run.context
        for row in rows:
            frame = f.hopped(value, row)
            keys = join_keys(self.origin(frame, None))
            if not keys:
                continue
            for entity in context.join(self.join, keys):
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
    """Return the `hops` of a call whose arguments from `first_spec` on are specifications."""
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

    def run(f: Frame, v: object) -> list[object]:
        values = [f.s]
        for follow in follows:
            values = follow(f, values)
        return values

    return run


def _compile_spec(spec: Spec, scope: Scope) -> Follow:
    reach = _reach(spec, scope)
    if spec.recurse:
        return lambda f, values: [found for value in values for found in _recursed(spec, reach, f, value)]
    project = _projection(spec, scope)

    def rows(f: Frame, values: list[object]) -> list[object]:
        return [found for value in values for row in reach(f, value) for found in project(f, value, row)]

    def once(f: Frame, values: list[object]) -> list[object]:
        found: dict[tuple[str, str], Entity] = {}
        for row in (row for value in values for row in reach(f, value)):
            for alias in (alias for alias in spec.returned_aliases if row[alias] is not None):
                found.setdefault((alias, row[alias]["_id"]), row[alias])
        return list(found.values())

    return once if spec.returned_aliases and reads("hop-duplicates", "once") else rows


def _reach(spec: Spec, scope: Scope) -> Reach:
    """Return the rows of a specification.

    Those of its joins or, where aliases are only joined within an `or`, those of any of its alternatives,
    each once. What an alternative says nothing of is null in its rows.
    """
    subsets = {alias: _subset(spec, alias, scope) for alias in spec.datasets}
    chosen = _alternatives(spec, _conditions(spec.where, spec, scope), scope)
    alternatives = [
        _order(
            spec,
            *_joins_and_filters(conditions, scope),
            {alias: subsets[alias] for alias in spec.datasets if alias not in others},
            scope,
        )
        for conditions, others in zip(chosen, _left_out(spec, chosen), strict=True)
    ]
    if len(alternatives) == 1:
        (hops,) = alternatives
        return lambda f, value: _rows(spec, hops, f, value)

    def rows(f: Frame, value: object) -> list[Row]:
        found = {
            tuple(row[alias]["_id"] if row[alias] else "" for alias in spec.datasets): row
            for hops in alternatives
            for row in _rows(spec, hops, f, value)
        }
        return [found[ids] for ids in sorted(found)]

    return rows


def _rows(spec: Spec, hops: list[Hop], f: Frame, value: object) -> list[Row]:
    rows: list[Row] = [dict.fromkeys(spec.datasets)]
    for hop in hops:
        rows = list(hop.rows(f, value, rows))
        spend_results(len(rows))
        if spec.trace is not None:
            f.run.context.trace_hop(spec.trace, f"{hop.join.dataset} {hop.alias}", len(rows))
    return rows if hops else []


def _recursed(spec: Spec, reach: Reach, f: Frame, root: object) -> list[object]:
    """Return everything that is reached by hopping again and again, each entity once, in rounds."""
    found = [] if spec.exclude_root else [root]
    front, depth, seen = [root], 0, set()
    if spec.exclude_root and reads("root-again", "out"):
        seen.add(root.get("_id") if type(root) is dict else None)
    if reads("max-depth", "further"):
        depth = -1
    while front and (spec.max_depth is None or depth < spec.max_depth):
        reached = []
        for value in front:
            for row in reach(f, value):
                entity = row[spec.last_alias]
                if entity["_id"] not in seen:
                    seen.add(entity["_id"])
                    reached.append(entity)
        found += reached
        front, depth = reached, depth + 1
    return found


def _projection(spec: Spec, scope: Scope) -> Callable[[Frame, object, Row], list[object]]:
    """Return what a row contributes to the result."""
    if spec.returned_aliases:
        aliases = spec.returned_aliases
        return lambda f, value, row: [row[alias] for alias in aliases if row[alias] is not None]
    inner = scope.with_aliases(spec.aliases)
    result = compile_expression(spec.returns, inner, f"{spec.path}['return']").run
    for word in sorted(inner.uses):
        if word.startswith("?"):
            scope.error(f"{spec.path}['return']", f"there is no alias {word[1:]!r}; {spec.known_aliases()}")

    def project(f: Frame, value: object, row: Row) -> list[object]:
        found = result(f.hopped(value, row), None)
        return [] if found is None else [found]

    return project


def _conditions(where: list[tuple[Any, str]], spec: Spec, scope: Scope) -> list[Condition]:
    """Return the expressions of `where`, those within an `and` as if they stood beside it."""
    found: list[Condition] = []
    for raw, path in where:
        inner = [(raw[at], f"{path}[{at}]") for at in range(1, len(raw))] if type(raw) is list else []
        if inner and raw[0] == "and":
            found += _conditions(inner, spec, scope)
        elif inner and raw[0] == "or":
            found.append(_either([_conditions([argument], spec, scope) for argument in inner], path))
        else:
            found.append(_condition(raw, path, spec, scope))
    return found


def _condition(raw: object, path: str, spec: Spec, scope: Scope) -> Condition:
    """One expression: an `eq` that joins, or else a filter."""
    if type(raw) is not list or len(raw) != 3 or raw[0] != "eq":
        side = _side(raw, spec, scope, path)
        return Condition(path, side.run, side.uses & spec.aliases)
    sides = [_side(raw[index], spec, scope, f"{path}[{index}]") for index in (1, 2)]
    left, right = sides[0].run, sides[1].run
    return Condition(
        path,
        lambda f, v: eq(left(f, v), right(f, v)),
        (sides[0].uses | sides[1].uses) & spec.aliases,
        _as_join(sides, path),
    )


def _either(alternatives: list[list[Condition]], path: str) -> Condition:
    """Return an `or`, of which each alternative is a list of conditions that hold together."""
    runs = [[condition.run for condition in alternative] for alternative in alternatives]
    return Condition(
        path,
        lambda f, v: any(all(truthy(run(f, v)) for run in alternative) for alternative in runs),
        frozenset().union(*(c.reads for alternative in alternatives for c in alternative)),
        alternatives=alternatives,
    )


def _alternatives(spec: Spec, conditions: list[Condition], scope: Scope) -> list[list[Condition]]:
    """Return the conditions as they are if they join every alias.

    Else one list of them for each way of choosing one side of every `or` that joins.
    """
    if _unjoined(spec, conditions) and any(condition.joins for condition in conditions):
        chosen = [conditions]
        while len(chosen) <= MAX_ALTERNATIVES:
            at = next(
                (n for n, each in enumerate(chosen) if any(c.alternatives and c.joins for c in each)), None
            )
            if at is None:
                return chosen
            chosen[at : at + 1] = _first_or_resolved(chosen[at])
        scope.error(f"{spec.path}['where']", f"hops: more than {MAX_ALTERNATIVES} ways through its or")
    return [conditions]


def _first_or_resolved(conditions: list[Condition]) -> list[list[Condition]]:
    at = next(n for n, condition in enumerate(conditions) if condition.alternatives and condition.joins)
    return [[*conditions[:at], *chosen, *conditions[at + 1 :]] for chosen in conditions[at].alternatives]


def _joins_and_filters(conditions: list[Condition], scope: Scope) -> tuple[list[Join], list[Filter]]:
    """Conditions as joins and filters, with the warnings that they deserve."""
    joins: list[Join] = []
    filters: list[Filter] = []
    pairs: set[frozenset[str]] = set()
    for condition in conditions:
        join = condition.join
        pair = frozenset(join.sides) if join else frozenset()
        if join and pair not in pairs:
            pairs.add(pair)
            joins.append(join)
            continue
        if join:
            named = " and ".join(sorted(pair))
            scope.compilation.warn(
                condition.path,
                f"hops: {named} are joined already; this eq is an exact comparison, not a join. "
                'To join by several values at once use ["tuples", …] on both sides',
            )
        filters.append((condition.run, condition.reads))
    return joins, filters


def _side(raw: object, spec: Spec, scope: Scope, path: str) -> Side:
    """Return an expression that may use the aliases, and what it uses."""
    inner = scope.with_aliases(spec.aliases)
    compiled = compile_expression(raw, inner, path)
    spec.unknown |= {word[1:] for word in inner.uses if word.startswith("?")}
    reads = (spec.aliases | {SOURCE}) & inner.uses
    return Side(raw, compiled.run, reads, frozenset(inner.uses), frozenset(inner.settings_read))


def _as_join(sides: list[Side], path: str) -> Join | None:
    """Return the join that an `eq` is whose sides read exactly one dataset variable each, not the same."""
    by_variable = {next(iter(side.reads)): side for side in sides if len(side.reads) == 1}
    return Join(by_variable, path) if len(by_variable) == 2 else None


def _order(
    spec: Spec, joins: list[Join], filters: list[Filter], subsets: dict[str, Subset | None], scope: Scope
) -> list[Hop]:
    """Return an order in which each alias has a join to what is bound before it.

    Conditions go where they can be told.
    """
    bound = {SOURCE}
    hops: list[Hop] = []
    waiting = list(subsets)
    while waiting:
        alias = next((a for a in waiting if any(_links(join, a, bound) for join in joins)), None)
        if alias is None:
            _unreachable(spec, waiting, scope)
            return []
        hop = _hop(spec, alias, [join for join in joins if _links(join, alias, bound)], subsets[alias], scope)
        bound.add(alias)
        hop.filters = [
            run for run, reads in filters if reads <= bound and (alias in reads or not hops and not reads)
        ]
        hops.append(hop)
        waiting.remove(alias)
    return hops


def _left_out(spec: Spec, alternatives: list[list[Condition]]) -> list[frozenset[str]]:
    """Return the aliases that each alternative says nothing of while others do."""
    reads = [frozenset().union(*(each.reads for each in conditions)) for conditions in alternatives]
    kept = {spec.last_alias} if spec.recurse else set()
    return [frozenset().union(*reads) - own - kept for own in reads]


def _unjoined(spec: Spec, conditions: list[Condition]) -> list[str]:
    """Return the aliases that no chain of joins leads to from `_S`."""
    joins = [condition.join for condition in conditions if condition.join]
    bound, waiting = {SOURCE}, list(spec.datasets)
    while reached := [a for a in waiting if any(_links(join, a, bound) for join in joins)]:
        bound.update(reached)
        waiting = [alias for alias in waiting if alias not in bound]
    return waiting


def _links(join: Join, alias: str, bound: set[str]) -> bool:
    return alias in join.sides and bool((join.sides.keys() - {alias}) & bound)


def _hop(spec: Spec, alias: str, joins: list[Join], subset: Subset | None, scope: Scope) -> Hop:
    probes: list[tuple[Evaluator, IndexExpression]] = []
    for join in joins:
        side = join.sides[alias]
        origin = next(other for variable, other in join.sides.items() if variable != alias)
        if outside := uses_besides(alias, side.uses):
            scope.error(
                join.path,
                f"hops: the side of {alias} must depend on {alias} alone, not on {', '.join(outside)}",
            )
        probes.append((origin.run, index_of(side.raw, side.run, alias, scope.settings, side.settings_read)))
    (origin_run, index), *checks = probes
    hop_join = HopJoin(spec.datasets[alias], index, spec.track, subset)
    scope.compilation.joins.append(hop_join)
    return Hop(alias, hop_join, origin_run, checks)


def _subset(spec: Spec, alias: str, scope: Scope) -> Subset | None:
    """Return the subset of an alias: `["eq", expression over _S, literal]`, the sides in either order."""
    if alias not in spec.subsets:
        return None
    raw, path = spec.subsets[alias]
    if type(raw) is not list or len(raw) != 3 or raw[0] != "eq":
        scope.error(path, 'a subset is written ["eq", expression over _S, literal]')
        return None
    inner = [scope.with_aliases(frozenset([SOURCE])), scope.with_aliases(frozenset([SOURCE]))]
    sides = [compile_expression(raw[i], inner[i - 1], f"{path}[{i}]") for i in (1, 2)]
    literal = next((i for i in (1, 0) if sides[i].constant), None)
    used = frozenset() if literal is None else frozenset(inner[1 - literal].uses)
    if literal is None or uses_besides(SOURCE, used) or SOURCE not in used:
        scope.error(path, "a subset compares an expression over _S alone with a literal")
        return None
    other = 1 - literal
    read = inner[other].settings_read
    index = index_of(raw[other + 1], sides[other].run, SOURCE, scope.settings, read)
    return Subset(index, frozenset(join_keys(sides[literal].value)))


def _unreachable(spec: Spec, aliases: list[str], scope: Scope) -> None:
    hint = ""
    if spec.unknown:
        words = ", ".join(f'"{word}."' for word in sorted(spec.unknown))
        hint = f" ({words} in where is not an alias: {spec.known_aliases()})"
    for alias in aliases:
        scope.error(
            spec.path,
            f'hops: alias "{alias}" cannot be reached from _S: where needs an eq that joins it, such as '
            f'["eq", "_S.id", "{alias}._id"]{hint}',
        )
