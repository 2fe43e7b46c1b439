"""The flow's naming convention: which pipes and datasets belong to which record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localnode.config import NodeConfig, PipeComponent

COLLECT, ENRICH, TRANSFORM, SHARE = "collect", "enrich", "transform", "share"
STAGES = (COLLECT, ENRICH, TRANSFORM, SHARE)


@dataclass(frozen=True, order=True)
class Kind:
    """One datatype of one system: the pipes `billing-customer-…` are about `Kind("billing", "customer")`."""

    system: str
    datatype: str

    @property
    def name(self) -> str:
        """`billing-customer`, which is also the namespace of its identifiers."""
        return f"{self.system}-{self.datatype}"

    def pipe(self, stage: str) -> str:
        """Id of its pipe of a stage, and of the dataset which that pipe writes."""
        return f"{self.name}-{stage}"

    def record(self, key: str) -> RecordName:
        """One record of the kind."""
        return RecordName(self, key)


@dataclass(frozen=True, order=True)
class RecordName:
    """One record of one system."""

    kind: Kind
    key: str

    @property
    def ni(self) -> str:
        """Its namespaced identifier, `~:billing-customer:4711`."""
        return f"~:{self.kind.name}:{self.key}"

    @property
    def enriched(self) -> str:
        """Its `_id` in the enrich dataset."""
        return f"{self.kind.name}:{self.key}"

    def as_json(self) -> dict[str, str]:
        """`{"system", "datatype", "id", "ni"}`."""
        return {"system": self.kind.system, "datatype": self.kind.datatype, "id": self.key, "ni": self.ni}


class Labels:
    """How systems, datatypes and records are called wherever a person reads them: `ERP contact CT-1`.

    `systems` has the name of each system by its id, as its config gives it (`name`).
    """

    def __init__(self, systems: Mapping[str, str]) -> None:
        self.systems = dict(systems)

    @classmethod
    def of(cls, config: NodeConfig) -> Labels:
        """The names that the systems of a configuration have."""
        return cls({name: str(each.original.get("name") or name) for name, each in config.systems.items()})

    def kind(self, kind: Kind) -> str:
        """`Chargebee business entity`."""
        return f"{self.systems.get(kind.system, kind.system)} {kind.datatype.replace('_', ' ')}"

    def record(self, name: RecordName) -> str:
        """`ERP contact CT-1`."""
        return f"{self.kind(name.kind)} {name.key}"

    def ni(self, ni: object) -> str:
        """The same for a namespaced identifier; what names no record of a system stays as it is."""
        name = parse_ni(ni)
        return self.record(name) if name is not None else str(ni)

    def json(self, record: Mapping[str, Any]) -> str:
        """The same for `{"system", "datatype", "id"}`."""
        return self.record(Kind(record["system"], record["datatype"]).record(record["id"]))


def parse_pipe(pipe_id: str) -> tuple[Kind, str] | None:
    """Kind and stage of a pipe id, None when it is not of the form `<system>-<datatype>-<stage>`."""
    parts = pipe_id.split("-")
    if len(parts) < 3 or parts[-1] not in STAGES:
        return None
    return Kind(parts[0], "-".join(parts[1:-1])), parts[-1]


def parse_ni(ni: object) -> RecordName | None:
    """The record that a namespaced identifier names; None when it is none of a system's record."""
    if not isinstance(ni, str) or not ni.startswith("~:"):
        return None
    namespace, _, key = ni[2:].partition(":")
    system, _, datatype = namespace.partition("-")
    return RecordName(Kind(system, datatype), key) if datatype and key else None


def kinds(config: NodeConfig, stage: str) -> list[Kind]:
    """The kinds that have a pipe of `stage`, in order of their names."""
    found = (parse_pipe(pipe_id) for pipe_id in config.pipes)
    return sorted(each[0] for each in found if each is not None and each[1] == stage)


def concepts(config: NodeConfig) -> list[PipeComponent]:
    """The pipes that merge enriched records into golden ones."""
    return [pipe for pipe in config.pipes.values() if pipe.source_type == "merge" and pipe.sink_dataset]


def listed(value: Any) -> list[Any]:
    """A property that a merge wrote as a list, a single value, or left out, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def members(entity: dict[str, Any]) -> Iterator[tuple[RecordName, dict[str, Any]]]:
    """The records that an enriched or golden entity is made of: `(name, {"of", "deleted", "claims", …})`."""
    for member in listed(entity.get("members")):
        name = parse_ni(member.get("of"))
        if name is not None:
            yield name, member
