"""Which entities of several datasets belong together.

Connected components over join rules, found through indexes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from localnode.dtl import IndexExpression, PipeSettings, compile_index
from localnode.pipes.errors import ConfigProblem, SourceFailed
from localnode.store import Store, Stored


class GraphNode(NamedTuple):
    """An entity: position of its dataset, and its `_id`. Sorts in the order of members."""

    at: int
    id: str


@dataclass(frozen=True)
class Edge:
    """A join rule seen from one side.

    Values of `index` here are looked up in `other_index` of dataset `other`.
    """

    index: IndexExpression
    other: int
    other_index: IndexExpression


Component = dict[GraphNode, Stored]
KEPT_VALUES = 10_000
"""Versions of which it is kept what they join by: some megabytes."""


class Components:
    """The graph over `datasets` (ids in their order) that the rules span.

    Always as of what is committed now.
    """

    def __init__(
        self, store: Store, datasets: Sequence[str], edges: Sequence[Sequence[Edge]], max_size: int
    ) -> None:
        self._store = store
        self._datasets = datasets
        self._edges = edges
        self._max_size = max_size
        self._values: dict[tuple[int, int, bytes], tuple[list[str], ...]] = {}

    def around(self, seeds: Iterable[GraphNode]) -> list[Component]:
        """Return the components of the live entities among `seeds`, each once, members in no order."""
        known: Component = {}
        roots: dict[GraphNode, GraphNode] = {}
        front = set(seeds)
        while front:
            loaded = self._load(front)
            known.update(loaded)
            for node in loaded:
                roots.setdefault(node, node)
            found = self._neighbours(loaded)
            for node, other in found:
                roots.setdefault(other, other)
                _unite(roots, node, other)
            front = {other for _, other in found if other not in known}
            # All components together may be larger than that; a single one that is, is an error.
            if len(known) > self._max_size:
                self._check_sizes(roots)
        groups: dict[GraphNode, Component] = defaultdict(dict)
        for node, row in known.items():
            groups[_root(roots, node)][node] = row
        return list(groups.values())

    def live(self, nodes: Iterable[GraphNode]) -> set[GraphNode]:
        """Return those of `nodes` that are live entities."""
        return set(self._load(nodes))

    def joined_to(self, at: int, rows: Iterable[Stored]) -> set[GraphNode]:
        """Live entities that join with given versions of entities of dataset number `at`."""
        of_rows = [self._values_of(at, row) for row in rows]
        found: set[GraphNode] = set()
        for number, edge in enumerate(self._edges[at]):
            values = {value for of_row in of_rows for value in of_row[number]}
            found |= {GraphNode(edge.other, name) for _, name in self._find(edge, values)}
        return found

    def _values_of(self, at: int, row: Stored) -> tuple[list[str], ...]:
        """Return what a version joins by, for each of the edges of its dataset.

        A version is asked several times while it is merged, and once more when another takes its place; its
        values are a fraction of what it takes to decode it.
        """
        key = at, row.updated, row.hash
        values = self._values.get(key)
        if values is None:
            if len(self._values) >= KEPT_VALUES:
                self._values.clear()
            entity = row.entity() if self._edges[at] else {}
            values = self._values[key] = tuple(edge.index.values(entity) for edge in self._edges[at])
        return values

    def _load(self, nodes: Iterable[GraphNode]) -> Component:
        ids: dict[int, list[str]] = defaultdict(list)
        for node in nodes:
            ids[node.at].append(node.id)
        loaded: Component = {}
        for at, wanted in ids.items():
            dataset = self._store.find(self._datasets[at])
            rows = dataset.get_many(wanted) if dataset else {}
            loaded.update({GraphNode(at, name): row for name, row in rows.items() if not row.deleted})
        return loaded

    def _neighbours(self, loaded: Component) -> list[tuple[GraphNode, GraphNode]]:
        members: dict[int, list[tuple[GraphNode, tuple[list[str], ...]]]] = defaultdict(list)
        for node, row in loaded.items():
            members[node.at].append((node, self._values_of(node.at, row)))
        pairs: list[tuple[GraphNode, GraphNode]] = []
        for at, of_nodes in members.items():
            for number, edge in enumerate(self._edges[at]):
                holders: dict[str, list[GraphNode]] = defaultdict(list)
                for node, values in of_nodes:
                    for value in values[number]:
                        holders[value].append(node)
                for value, name in self._find(edge, holders):
                    other = GraphNode(edge.other, name)
                    pairs.extend((node, other) for node in holders[value])
        return pairs

    def _find(self, edge: Edge, values: Iterable[str]) -> list[tuple[str, str]]:
        dataset = self._store.find(self._datasets[edge.other])
        wanted = list(values)
        return dataset.indexes.find_ids(edge.other_index, wanted) if dataset and wanted else []

    def _check_sizes(self, roots: dict[GraphNode, GraphNode]) -> None:
        sizes: dict[GraphNode, int] = defaultdict(int)
        for node in list(roots):
            sizes[_root(roots, node)] += 1
        worst = max(sizes, key=lambda root: sizes[root])
        if sizes[worst] > self._max_size:
            raise SourceFailed(
                f"more than max_merged={self._max_size} entities are one, among them {worst.id!r} of"
                f" {self._datasets[worst.at]!r}: the equality rules join too much"
            )


def _root(roots: dict[GraphNode, GraphNode], node: GraphNode) -> GraphNode:
    while roots[node] != node:
        roots[node] = roots[roots[node]]
        node = roots[node]
    return node


def _unite(roots: dict[GraphNode, GraphNode], one: GraphNode, other: GraphNode) -> None:
    first, second = sorted((_root(roots, one), _root(roots, other)))
    roots[second] = first


def compile_edges(
    rules: Sequence[tuple[object, object]], aliases: Sequence[str], settings: PipeSettings
) -> list[list[Edge]]:
    """Join rules (pairs of expressions) as edges by dataset position, both directions.

    ConfigProblem names the rule.
    """
    edges: list[list[Edge]] = [[] for _ in aliases]
    for left, right in rules:
        one, other = _position(left, aliases), _position(right, aliases)
        try:
            one_index = compile_index(left, aliases[one], settings)
            other_index = compile_index(right, aliases[other], settings)
        except ValueError as error:
            raise ConfigProblem(("equality",), f"{left!r} = {right!r}: {error}") from error
        edges[one].append(Edge(one_index, other, other_index))
        edges[other].append(Edge(other_index, one, one_index))
    return edges


def _position(expression: object, aliases: Sequence[str]) -> int:
    """Return the dataset whose alias an expression refers to; exactly one."""
    used = {name for name in _variables(expression) if name in aliases}
    if len(used) != 1:
        raise ConfigProblem(
            ("equality",), f"{expression!r} must refer to exactly one of {', '.join(aliases)}"
        )
    return aliases.index(used.pop())


def _variables(expression: object) -> Iterable[str]:
    if isinstance(expression, str) and "." in expression:
        yield expression.partition(".")[0]
    elif isinstance(expression, list):
        for part in expression[1:]:
            yield from _variables(part)
