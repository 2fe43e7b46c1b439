"""The flow's naming convention: which pipes, datasets and identifiers belong to which record.

A pipe is called `<system>-<datatype>-<stage>` or `global-<concept>`, a record's namespaced identifier (NI) is
`~:<system>-<datatype>:<key>`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

ALL, EVENT, LOADED, DELETES = "all", "event", "loaded", "deletes"
COLLECT, ENRICH = "collect", "enrich"
GLOBAL, TRANSFORM, SHARE = "global", "transform", "share"
STAGES = (ALL, EVENT, LOADED, DELETES, COLLECT, ENRICH, GLOBAL, TRANSFORM, SHARE)


@dataclass(frozen=True, order=True, slots=True)
class Kind:
    """One datatype of one system: the pipes `billing-customer-…` are about `Kind("billing", "customer")`."""

    system: str
    datatype: str

    @property
    def name(self) -> str:
        """Return `billing-customer`, which is also the namespace of its identifiers."""
        return f"{self.system}-{self.datatype}"

    def pipe(self, stage: str) -> str:
        """Return the id of its pipe of a stage, which is also the id of the pipe's dataset."""
        return f"{self.name}-{stage}"

    def record(self, key: str) -> RecordName:
        """Return the name of one record of the kind."""
        return RecordName(self, key)


@dataclass(frozen=True, order=True, slots=True)
class RecordName:
    """One record of one system; as text `billing-customer:4711`, its `_id` in the enrich dataset."""

    kind: Kind
    key: str

    @classmethod
    def of(cls, ni: object) -> RecordName:
        """Return the record that a namespaced identifier names; ValueError if it names none of a system."""
        namespace, key = split_ni(ni) if isinstance(ni, str) and ni.startswith("~:") else ("", "")
        system, _, datatype = namespace.partition("-")
        if not datatype or not key:
            raise ValueError(f"{ni!r} names no record of a system")
        return cls(Kind(system, datatype), key)

    @property
    def system(self) -> str:
        """The system that has the record."""
        return self.kind.system

    @property
    def datatype(self) -> str:
        """The datatype of the record in its system."""
        return self.kind.datatype

    @property
    def ni(self) -> str:
        """Its namespaced identifier, `~:billing-customer:4711`."""
        return f"~:{self}"

    def __str__(self) -> str:
        return f"{self.kind.name}:{self.key}"

    def as_json(self) -> dict[str, str]:
        """Return `{"system", "datatype", "id", "ni"}`."""
        return {"system": self.system, "datatype": self.datatype, "id": self.key, "ni": self.ni}


def parse_ni(ni: object) -> RecordName | None:
    """Return the record that a namespaced identifier names; None if it names no record of a system."""
    try:
        return RecordName.of(ni)
    except ValueError:
        return None


def split_ni(ni: str) -> tuple[str, str]:
    """Return namespace and key: `customerp-contact` and `CT-1` of `~:customerp-contact:CT-1`."""
    namespace, _, key = ni.removeprefix("~:").partition(":")
    return namespace, key


def stage_of(pipe_id: str) -> str:
    """Return the stage at the end of a pipe id, "" if there is none."""
    name, _, stage = pipe_id.rpartition("-")
    return stage if name and stage in STAGES else ""


def parse_pipe(pipe_id: str, systems: Collection[str] = ()) -> tuple[Kind, str] | None:
    """Return kind and stage of a pipe id, None when it is not of the form `<system>-<datatype>-<stage>`.

    The system is the longest of `systems` that the id begins with, else what is before the first hyphen.
    """
    stage = stage_of(pipe_id)
    rest = pipe_id.removesuffix(f"-{stage}")
    first = rest.partition("-")[0]
    system = max((name for name in systems if rest.startswith(f"{name}-")), key=len, default=first)
    datatype = rest.removeprefix(f"{system}-") if rest != system else ""
    return (Kind(system, datatype), stage) if stage and datatype else None
