"""Read names from the configuration of a node: kinds, concepts, members, and names for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.jsonio import Json
from core.names import ENRICH, Kind, RecordName, parse_ni, parse_pipe
from localnode.config import NodeConfig, PipeComponent

NAMES = (
    "name",
    "display_name",
    "external_name",
    "company",
    "title",
    "number",
    "document_number",
    "sku",
    "email",
)
"""Fields that hold what people call a record, best first; a first and a last name come before all of them."""


class Labels:
    """The names of systems, datatypes and records for people: `ERP contact CT-1`.

    `systems` has the name of each system by its id, from its config (`name`).
    """

    def __init__(self, systems: Mapping[str, str]) -> None:
        self.systems = dict(systems)

    @classmethod
    def of(cls, config: NodeConfig) -> Labels:
        """Return the names that the systems of a configuration have."""
        return cls({name: str(each.original.get("name") or name) for name, each in config.systems.items()})

    def kind(self, kind: Kind) -> str:
        """`Chargebee business entity`."""
        return f"{self.systems.get(kind.system, kind.system)} {kind.datatype.replace('_', ' ')}"

    def record(self, name: RecordName) -> str:
        """`ERP contact CT-1`."""
        return f"{self.kind(name.kind)} {name.key}"

    def ni(self, ni: object) -> str:
        """Return the same for a namespaced identifier; what names no record of a system stays as it is."""
        name = parse_ni(ni)
        return self.record(name) if name is not None else str(ni)

    def of_pipe(self, pipe_id: str) -> str:
        """Return the kind of record that a pipe is about, its id for one that is about none."""
        found = parse_pipe(pipe_id, self.systems)
        return self.kind(found[0]) if found is not None else pipe_id

    def json(self, record: Mapping[str, Any]) -> str:
        """Return the same for `{"system", "datatype", "id"}`."""
        return self.record(Kind(record["system"], record["datatype"]).record(record["id"]))


def kinds(config: NodeConfig, stage: str) -> list[Kind]:
    """Return the kinds that have a pipe of `stage`, in order of their names."""
    found = (parse_pipe(pipe_id) for pipe_id in config.pipes)
    return sorted(each[0] for each in found if each is not None and each[1] == stage)


def concepts(config: NodeConfig) -> list[PipeComponent]:
    """Return the pipes that merge enriched records into golden ones."""
    return [pipe for pipe in config.pipes.values() if pipe.source_type == "merge" and pipe.sink_dataset]


def concept_of(config: NodeConfig, kind: Kind) -> str | None:
    """Return the pipe that merges the records of a kind into golden ones, None for a kind that none does."""
    return next((each.id for each in concepts(config) if kind.pipe(ENRICH) in each.sources), None)


def listed(value: object) -> list[Any]:
    """Return a property that a merge wrote as a list, a single value, or left out, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def members(entity: Json) -> Iterator[tuple[RecordName, Json]]:
    """Yield the records that an enriched or golden entity is made of.

    `(name, {"of", "deleted", "claims", …})`.
    """
    for member in listed(entity.get("members")):
        name = parse_ni(member.get("of"))
        if name is not None:
            yield name, member


def payload_of(entity: Json) -> Json:
    """Return the target's own fields of a share entity: no `_…`, no `$…`, no `id`."""
    return {name: value for name, value in entity.items() if name[:1] not in ("_", "$") and name != "id"}


def called(entity: Mapping[str, object]) -> str:
    """Return what people call what an entity is about: a person's full name, a name, a title, a number."""
    full = " ".join(str(entity[name]) for name in ("first_name", "last_name") if entity.get(name))
    for name in (
        "name",
        "display_name",
        "external_name",
        "company",
        "title",
        "number",
        "order_number",
        "sku",
        "email",
    ):
        if full:
            break
        full = str(entity.get(name) or "")
    return " ".join(full.split())
