"""What the rest of the node and the DTL compiler agree on.

Settings, problems, errors, and the transform context.

Errors:
    DtlCompileError   the rules are wrong: every problem found, each with its place (fix the settings)
    DtlError          an entity could not be transformed: `fail!`, no `_id`, … (fix the data or the rules)
      └─ DtlTrip      `trip!`: as above, and the sink dataset's circuit breaker has to trip
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from localnode.readings import turned

if TYPE_CHECKING:
    from localnode.dtl.joins import IndexExpression, Subset

Entity = dict[str, Any]

NAMESPACE, PREFIXES = "namespace", "prefixes"
"""Settings of a pipe that functions may depend on, see `PipeSettings`."""


@dataclass(frozen=True)
class PipeSettings:
    """The settings of a pipe that change what its rules mean.

    `identity_namespace` and `property_namespace` default to the pipe's id. `namespaces` declares URI prefixes
    (`{"foo": "http://foo.org/"}`) for `ni`.

    A function that depends on settings names them in its decorator: NAMESPACE for the two namespaces of the
    pipe, PREFIXES for the declared URI prefixes. With `namespaced_identifiers` on every path may depend on
    the namespaces.
    """

    pipe_id: str
    namespaced_identifiers: bool = False
    identity_namespace: str | None = None
    property_namespace: str | None = None
    id_required: bool = True
    namespaces: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def identity(self) -> str:
        """The namespace of `_id` values."""
        return self.pipe_id if self.identity_namespace is None else self.identity_namespace

    @property
    def property(self) -> str:
        """The namespace of property names."""
        return self.pipe_id if self.property_namespace is None else self.property_namespace

    def in_index_key(self, read: Collection[str]) -> str:
        """Return what the settings that an expression reads add to the key of an index over it.

        Pipes share an index exactly where it holds the same for them.
        """
        key = ""
        if self.namespaced_identifiers or NAMESPACE in read:
            word = "in" if self.namespaced_identifiers else "beside"
            key = f" {word} {self.identity}, {self.property}"
        if PREFIXES in read:
            written = json.dumps(self.namespaces, sort_keys=True, ensure_ascii=False, default=dict)
            key += f" with {sha256(written.encode('utf-8', 'replace')).hexdigest()[:16]}"
        return f"{key} read {turned()}" if turned() else key


@dataclass(frozen=True)
class DtlProblem:
    """One thing that is wrong with the rules. `path` is the place below `rules`, e.g. `['default'][3][2]`."""

    path: str
    message: str
    level: str = "error"

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DtlCompileError(ValueError):
    """The rules cannot be used; `problems` holds every error that was found, in the order of the rules."""

    def __init__(self, problems: Sequence[DtlProblem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(str(p) for p in self.problems))


class DtlError(Exception):
    """An entity could not be transformed. `path` is the place within the rules, e.g. `['default'][3]`."""

    def __init__(self, rule: str, path: str, message: str, entity_id: str | None) -> None:
        self.rule, self.path, self.message, self.entity_id = rule, path, message, entity_id
        super().__init__(f"{message} (entity {entity_id!r}, rule {rule!r}, {path})")


class Refusal(Exception):
    """A function cannot go on with its arguments; the rule says where and for which entity."""


class DtlTrip(DtlError):
    """`trip!` was reached: the run fails and the sink dataset's circuit breaker trips."""


@dataclass(frozen=True)
class HopJoin:
    """An index that a program probes: `index` over `dataset`, narrowed by `subset`.

    `track` follows its changes.
    """

    dataset: str
    index: IndexExpression
    track: bool = True
    subset: Subset | None = None


class TransformContext(Protocol):
    """What the engine gives a program while it transforms.

    All entities are plain JSON dicts, never changed here.
    """

    params: Mapping[str, Any]
    """URL parameters, read as `_B` (empty unless the pipe ends in an HTTP endpoint)."""

    def lookup(self, dataset: str, entity_id: str) -> Entity | None:
        """Return the latest version of a live entity, or None."""

    def join(self, hop: HopJoin, keys: Sequence[str]) -> Iterable[Entity]:
        """Return live entities of the hop's dataset of which `index.values(entity)` overlaps `keys`.

        Each comes once, in the order of `_id`.

        If `index.primary_key`, the keys are entity ids (a key that is no id finds nothing). With `subset`
        only entities for which `subset.holds(entity)`; that subset is an index too (`subset.index`,
        `subset.keys`). `track` says whether a later change of what was found here has to bring the source
        entity back.
        """

    def trace_hop(self, trace: str, join: str, rows: int) -> None:
        """Note that a join (`"dataset alias"`) of the hops with this `trace` has led to so many rows."""

    def previous(self, entity_id: str) -> Entity | None:
        """Return the previous version of the source entity.

        None if there is none or the source is no dataset.
        """

    def completeness(self, via: str, dataset: str) -> int | None:
        """Completeness of `dataset` as known by dataset `via`: microseconds since 1970, or None."""

    def secret(self, name: str) -> str:
        """Return the value of `$SECRET(name)`; KeyError if there is none."""
