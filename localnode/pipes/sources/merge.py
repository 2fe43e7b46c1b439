"""`merge`: entities of several datasets that are the same thing become one entity.

Incremental: a changed entity, and whatever joins with its old or new versions, are the seeds; the
components around them are computed again from indexes and emitted. What was emitted under which id is
remembered per member, so that an id which is no longer used gets a tombstone `{_deleted: true, $replaced:
true}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any, NamedTuple, Protocol

from localnode.pipes.base import Batch, BuildContext, Config, Entity
from localnode.pipes.errors import ConfigProblem, SourceFailed
from localnode.pipes.registry import FLAG, POSITIVE, SOURCE, STRINGS, register
from localnode.pipes.sources import readiness
from localnode.pipes.sources.connected_components import Component, Components, GraphNode, compile_edges
from localnode.pipes.sources.merged import Merger
from localnode.pipes.sources.offsets import Offsets, split_alias
from localnode.pipes.sources.union_datasets import SeveralDatasets
from localnode.store import Dataset, Stored
from localnode.store.members import MergeMembers

SEEDS = 1000
_SETS = {"type": "array", "items": {"type": "array", "minItems": 2}}
_EQUALITY = {"type": "array", "items": {"type": "array", "minItems": 3, "maxItems": 3}}
_PROPERTIES = {
    **readiness.SEVERAL_DATASETS,
    "datasets": STRINGS,
    "version": {"enum": [1, 2]},
    "equality": _EQUALITY,
    "equality_sets": _SETS,
    "identity": {"enum": ["composite", "first"]},
    "strategy": {"enum": ["default", "compact", "list"]},
    "include_internal_properties": FLAG,
    "max_merged": POSITIVE,
}


class Output(NamedTuple):
    """One entity to emit, and what to remember about its members with it."""

    entity: Entity
    members: dict[str, str | None]


Remember = Callable[[Mapping[str, str | None]], None]


@dataclass(frozen=True)
class LogRange:
    """Part of one dataset's log. `since` None: a full run, up to the offsets (by dataset) in `until`."""

    at: int
    dataset: Dataset
    since: int | None
    until: list[int] | None

    def rows(self) -> Iterator[Stored]:
        """Latest versions in a full run; all versions since the token otherwise."""
        rows = self.dataset.rows(self.since, history=self.since is not None)
        if self.until is None:
            return rows
        top = self.until[self.at]
        return takewhile(lambda row: row.updated <= top, rows)

    def is_due(self, component: Component, offset: int) -> bool:
        """In a full run a component comes out where the first of its members is met, so once.

        Members that have changed since the run began do not count: they are met again after it.
        """
        if self.until is None:
            return True
        places = [
            (node.at, row.updated) for node, row in component.items() if row.updated <= self.until[node.at]
        ]
        return not places or min(places) >= (self.at, offset)


class Memory(Protocol):
    """Where the representatives of members are looked up."""

    def representatives(self, members: Iterable[str]) -> dict[str, str]:
        """Return the representative each member was last emitted under."""


@register(SOURCE, "merge", _PROPERTIES, ("datasets",))
class MergeSource(SeveralDatasets):
    """See the module."""

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        pairs = [split_alias(entry) for entry in config["datasets"]]
        super().__init__({**config, "datasets": [name for name, _ in pairs]}, build_context)
        if len(set(self.names)) < len(self.names):
            raise ConfigProblem(("datasets",), "names a dataset twice")
        edges = compile_edges(_rules(config), [alias for _, alias in pairs], build_context.settings)
        limit = int(config.get("max_merged", build_context.engine.default("max_merged", 50_000)))
        self._components = Components(build_context.store, self.names, edges, limit)
        self._identity = str(config.get("identity", "composite"))
        self._merger = Merger(
            self._identity,
            str(config.get("strategy", "default")),
            build_context.settings.namespaced_identifiers,
            bool(config.get("include_internal_properties", False)),
        )

    @property
    def needs_history(self) -> bool:
        """See Source: what an entity joined with before it changed."""
        return True

    def batches(self, since: object, size: int) -> Iterator[Batch]:
        """See Source."""
        memory = MergeMembers(self.build_context.store, self.build_context.pipe_id)
        return self._batches(since, size, memory, memory.update)

    def preview_batches(self, since: object, size: int) -> Iterator[Batch]:
        """See Source: every member may have been emitted under its own id."""
        memory: Memory = _Nothing() if since is None or self._identity != "first" else _OwnIds()
        return self._batches(since, size, memory, None)

    def _batches(self, since: Any, size: int, memory: Memory, remember: Remember | None) -> Iterator[Batch]:
        offsets = Offsets(len(self.names), since)
        for at, name in enumerate(self.names):
            dataset = self.build_context.store.find(name)
            if dataset is None:
                continue
            # A full run: first the latest versions up to what is there now, then what changed meanwhile.
            if since is None:
                yield from self._log_range(
                    LogRange(at, dataset, None, self._tops()), offsets, size, memory, remember
                )
            done = offsets.since(at)
            changed = LogRange(at, dataset, -1 if done is None else done, None)
            yield from self._log_range(changed, offsets, size, memory, remember)

    def _log_range(
        self, log_range: LogRange, offsets: Offsets, size: int, memory: Memory, remember: Remember | None
    ) -> Iterator[Batch]:
        """Yield batches for one range of a log; `offsets` move along."""
        rows = log_range.rows()
        while chunk := list(islice(rows, SEEDS)):
            before = offsets.token
            outputs = self._outputs(log_range, chunk, memory)
            offsets.advance(log_range.at, chunk[-1].updated)
            yield from _cut(outputs, size, before, offsets.token, remember)

    def _tops(self) -> list[int]:
        found = [self.build_context.store.find(name) for name in self.names]
        tops = [dataset.max_updated if dataset else None for dataset in found]
        return [-1 if top is None else top for top in tops]

    def _outputs(self, log_range: LogRange, rows: list[Stored], memory: Memory) -> list[Output]:
        """Return what a chunk of a log leads to.

        Tombstones of ids no longer used, merged entities, deleted entities.
        """
        seeds = {GraphNode(log_range.at, row.id) for row in rows} | self._formerly_joined(log_range, rows)
        components, before = self._touched(seeds, memory)
        live = {node for component in components for node in component}
        outputs: list[Output] = []
        current: set[str] = set()
        self._refuse_one_id_for_two(components)
        for component in components:
            nodes = sorted(component)
            name = self._merger.entity_id(nodes)
            current.add(name)
            if log_range.is_due(component, rows[0].updated):
                entity = self._merger.merge([(node, component[node]) for node in nodes])
                outputs.append(Output(entity, {member_key(node): name for node in nodes}))
        deleted = {
            node: row for row in rows if row.deleted and (node := GraphNode(log_range.at, row.id)) not in live
        }
        for node, row in deleted.items():
            name = self._merger.entity_id([node])
            if name not in current and not self._lives_elsewhere(node):
                outputs.append(Output(self._merger.merge([(node, row)]), {member_key(node): None}))
                current.add(name)
        forgotten: dict[str, str | None] = {member_key(node): None for node in deleted}
        return [*(Output(_tombstone(name), forgotten) for name in sorted(before - current)), *outputs]

    def _formerly_joined(self, log_range: LogRange, rows: list[Stored]) -> set[GraphNode]:
        """Return entities that joined or join with the changed ones.

        That is with any version of them since, and just before, the range began.
        """
        if log_range.since is None:
            return set()
        versions = [
            *rows,
            *(earlier for row in rows if (earlier := log_range.dataset.previous(row)) is not None),
        ]
        return self._components.joined_to(log_range.at, [row for row in versions if not row.deleted])

    def _touched(self, seeds: set[GraphNode], memory: Memory) -> tuple[list[Component], set[str]]:
        """Components around `seeds`, and the ids under which their members were emitted before.

        An entity that gave its id to a former component is a seed too: it may be alive by itself.
        """
        components = self._components.around(seeds)
        members = {node for component in components for node in component} | seeds
        before = set(memory.representatives(map(member_key, members)).values())
        if self._identity == "first":
            heads = {GraphNode(at, name) for name in before for at in range(len(self.names))} - members
            if heads:
                components = self._components.around(seeds | heads)
        return components, before

    def _refuse_one_id_for_two(self, components: list[Component]) -> None:
        """SourceFailed if another entity would come out under the `_id` that a component comes out under."""
        if self._identity != "first":
            return
        heads = {min(component) for component in components}
        same = self._components.live(
            GraphNode(at, head.id) for head in heads for at in range(len(self.names)) if at != head.at
        )
        members = {node: min(component) for component in components for node in component}
        outside = [min(c) for c in self._components.around(same - members.keys())]
        for node in [*outside, *(same & heads)]:
            if any(head.id == node.id and head != node for head in heads):
                raise SourceFailed(
                    f"entities of {' and '.join(self._owners(node.id))} have the same _id {node.id!r} and are"
                    " not the same by any equality rule, so both would come out under it: add an equality set"
                    " over their _id, or use identity composite"
                )

    def _owners(self, entity_id: str) -> list[str]:
        found = self._components.live(GraphNode(at, entity_id) for at in range(len(self.names)))
        return [self.names[node.at] for node in sorted(found)]

    def _lives_elsewhere(self, node: GraphNode) -> bool:
        """Return whether an entity of the same id is alive in another dataset, so that its id is in use."""
        if self._identity != "first":
            return False
        others = [self.build_context.store.find(name) for at, name in enumerate(self.names) if at != node.at]
        rows = [dataset.get(node.id) for dataset in others if dataset]
        return any(row is not None and not row.deleted for row in rows)


class _Nothing:
    """A memory without anything in it."""

    def representatives(self, members: Iterable[str]) -> dict[str, str]:
        return {}


class _OwnIds:
    """A memory in which everything stood alone."""

    def representatives(self, members: Iterable[str]) -> dict[str, str]:
        return {member: member.partition("|")[2] for member in members}


def _rules(config: Config) -> list[tuple[object, object]]:
    rules: list[tuple[Any, Any]] = []
    for rule in config.get("equality") or ():
        if rule[0] != "eq":
            raise ConfigProblem(("equality",), f'{rule!r} must start with "eq"')
        rules.append((rule[1], rule[2]))
    for expressions in config.get("equality_sets") or ():
        rules.extend(zip(expressions, expressions[1:], strict=False))
    return rules


def member_key(node: GraphNode) -> str:
    """Return what a member is remembered as in `MergeMembers`."""
    return f"{node.at}|{node.id}"


def _tombstone(entity_id: str) -> Entity:
    return {"_id": entity_id, "_deleted": True, "$replaced": True}


def _cut(
    outputs: list[Output], size: int, before: str, after: str, remember: Remember | None
) -> Iterator[Batch]:
    """Yield batches of `size`; the token moves on with the last one.

    Every entity but the last carries the earlier token.
    """
    for start in range(0, max(len(outputs), 1), size):
        part = outputs[start : start + size]
        last = start + size >= len(outputs)
        entities = [{**output.entity, "_updated": before} for output in part]
        if last and entities:
            entities[-1]["_updated"] = after
        members: dict[str, str | None] = {}
        for output in part:
            members.update(output.members)
        commit = _commit(remember, members) if remember else None
        yield Batch(entities, after if last else before, None, commit)


def _commit(remember: Remember, members: dict[str, str | None]) -> Callable[[], None]:
    return lambda: remember(members)
