"""The sources that put several datasets together, over datasets in memory: merge, union_datasets,
merge_datasets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from localnode.dtl.api import Entity, PipeSettings
from localnode.dtl.functions.lists import distinct_by
from localnode.dtl.joins import IndexExpression
from localnode.dtl.program import compile_index
from localnode.dtl.values import as_list, own
from localnode.dtl.variables import identifier

MAX_MERGED = 50_000

Datasets = Mapping[str, Mapping[str, Entity]]
Member = tuple[int, str]
"""A member of a merge: the dataset's position and the entity's `_id`."""


def read_source(config: Mapping[str, Any], datasets: Datasets, settings: PipeSettings) -> list[Entity]:
    """The entities that a source gives. Raises ValueError for a type that is none of these."""
    kind = config.get("type")
    if kind == "merge":
        return _merge(config, datasets, settings)
    if kind == "union_datasets":
        return list(_union(config, datasets))
    if kind == "merge_datasets":
        return _latest(config, datasets)
    raise ValueError(f"source type {kind!r} is not known here; known: merge, union_datasets, merge_datasets")


def _union(config: Mapping[str, Any], datasets: Datasets) -> Iterator[Entity]:
    prefix = config.get("prefix_ids", True)
    for name in config["datasets"]:
        for entity in datasets.get(name, {}).values():
            yield {**own(entity), "_id": f"{name}:{entity['_id']}" if prefix else entity["_id"]}


def _latest(config: Mapping[str, Any], datasets: Datasets) -> list[Entity]:
    """`merge_datasets`: the newest version over all datasets, or (`all`) every dataset's under its id."""
    versions: dict[str, dict[str, Entity]] = {}
    for name in config["datasets"]:
        for entity_id, entity in datasets.get(name, {}).items():
            versions.setdefault(entity_id, {})[name] = entity
    merged = []
    for entity_id, by_dataset in versions.items():
        newest = max(by_dataset.values(), key=_timestamp)
        if config.get("strategy", "latest") == "all":
            newest = {"_id": entity_id, "_ts": _timestamp(newest), **by_dataset}
        merged.append(own(newest))
    return sorted(merged, key=_timestamp)


def _timestamp(entity: Entity) -> int:
    return int(entity.get("_ts", 0))


def _merge(config: Mapping[str, Any], datasets: Datasets, settings: PipeSettings) -> list[Entity]:
    names = [item.split() for item in config["datasets"]]
    offsets = {alias: offset for offset, (_, alias) in enumerate(names)}
    members = {
        (offset, entity_id): entity
        for offset, (name, _) in enumerate(names)
        for entity_id, entity in datasets.get(name, {}).items()
    }
    parents = {member: member for member in members}
    for left, right in _equalities(config):
        _unite(members, parents, _side(left, offsets, settings), _side(right, offsets, settings))
    classes: dict[Member, list[Member]] = {}
    for member in sorted(members):
        classes.setdefault(_root(parents, member), []).append(member)
    _check_classes(config, list(classes.values()))
    return [_combined(config, [(m, members[m]) for m in group], settings) for group in classes.values()]


def _check_classes(config: Mapping[str, Any], classes: list[list[Member]]) -> None:
    """Refuse what would fail the pipe: too much in one entity, or one id for two of them."""
    most = config.get("max_merged", MAX_MERGED)
    if any(len(group) > most for group in classes):
        raise ValueError(f"more than max_merged ({most}) entities merge into one")
    if config.get("version", 1) < 2 or config.get("identity", "composite") != "first":
        return
    seen: set[str] = set()
    for (_, entity_id), *_ in classes:
        if entity_id in seen:
            raise ValueError(
                f"two merged entities would have the _id {entity_id!r}; an equality on _id unites them"
            )
        seen.add(entity_id)


def _equalities(config: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    pairs = [(rule[1], rule[2]) for rule in config.get("equality", [])]
    for items in config.get("equality_sets", []):
        pairs += zip(items, items[1:], strict=False)
    return pairs


def _side(raw: Any, offsets: Mapping[str, int], settings: PipeSettings) -> tuple[int, IndexExpression]:
    """The dataset that a side of an equality reads, and its index."""
    used = {word.partition(".")[0] for word in _strings(raw)} & offsets.keys()
    if len(used) != 1:
        raise ValueError(f"each side of an equality reads exactly one dataset, not {raw!r}")
    alias = used.pop()
    return offsets[alias], compile_index(raw, alias, settings)


def _strings(raw: Any) -> Iterator[str]:
    if type(raw) is str:
        yield raw
    for item in raw if type(raw) is list else ():
        yield from _strings(item)


def _unite(
    members: Mapping[Member, Entity],
    parents: dict[Member, Member],
    left: tuple[int, IndexExpression],
    right: tuple[int, IndexExpression],
) -> None:
    """Unite every member of the left side with every one of the right side that shares a value with it."""
    known: dict[str, list[Member]] = {}
    for key, member in _keys(members, *left):
        known.setdefault(key, []).append(member)
    for key, member in _keys(members, *right):
        for other in known.get(key, ()):
            parents[_root(parents, member)] = _root(parents, other)


def _keys(
    members: Mapping[Member, Entity], offset: int, index: IndexExpression
) -> Iterator[tuple[str, Member]]:
    for member, entity in members.items():
        if member[0] == offset:
            for key in index.values(entity):
                yield key, member


def _root(parents: dict[Member, Member], member: Member) -> Member:
    while parents[member] != member:
        member = parents[member]
    return member


def _combined(
    config: Mapping[str, Any], group: list[tuple[Member, Entity]], settings: PipeSettings
) -> Entity:
    """The merged entity of one class, its members in order."""
    strategy = config.get("strategy", "default")
    first = config.get("identity", "composite") == "first"
    ids = [f"{offset}|{entity_id}" for (offset, entity_id), _ in group]
    merged: Entity = {"_id": group[0][0][1] if first else "|".join(ids)}
    if group[0][1].get("_deleted") is True:
        merged["_deleted"] = True
    merged["$ids"] = [item for _, entity in group for item in _ids(entity, settings)]
    if strategy == "list":
        internal = config.get("include_internal_properties", False)
        return {**merged, "$merged": [_visible(entity, internal) for _, entity in group]}
    for _, entity in group:
        for name, value in entity.items():
            if name[:1] != "_" and name != "$ids":
                merged[name] = (
                    [*_listed(merged[name]), *_listed(own(value))] if name in merged else own(value)
                )
    return _compact(merged) if strategy == "compact" else merged


def _listed(value: Any) -> list[Any]:
    """A value as a list in which null counts as a value."""
    return value if type(value) is list else [value]


def _ids(entity: Entity, settings: PipeSettings) -> list[Any]:
    if "$ids" in entity:
        return list(as_list(entity["$ids"]))
    return [identifier(entity["_id"], settings) if settings.namespaced_identifiers else entity["_id"]]


def _visible(entity: Entity, internal: bool) -> Entity:
    kept = ("_id", "_deleted")
    return {name: own(value) for name, value in entity.items() if internal or name[:1] != "_" or name in kept}


def _compact(merged: Entity) -> Entity:
    """Without duplicates in lists, without empty lists, single values unwrapped; `$ids` stays a list."""
    compact: Entity = {}
    for name, value in merged.items():
        if type(value) is not list or name == "$ids":
            compact[name] = value
            continue
        items = distinct_by(value, lambda item: item)
        if items:
            compact[name] = items[0] if len(items) == 1 else items
    return compact
