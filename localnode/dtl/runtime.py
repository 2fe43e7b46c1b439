"""What compiled rules run on: one frame per rule application, one run per source entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.jsonio import Json
from localnode.dtl.api import DtlError, Entity, HopJoin, Refusal, TransformContext
from localnode.dtl.paths import KeyLayout, layout_of

if TYPE_CHECKING:
    from localnode.dtl.scope import Step

FILTERED = "filtered"
"""Signal of `filter`: the target is not wanted, an earlier version in the sink is to be deleted."""
DISCARDED = "discarded"
"""Signal of `discard`: the target vanishes, an earlier version in the sink stays."""


class EntityRun:
    """The transformation of one source entity: the context, and what `create` has emitted so far."""

    __slots__ = ("context", "created", "entity_id", "source")

    def __init__(self, context: TransformContext, source: Entity) -> None:
        self.context = context
        self.created: list[Entity] = []
        self.source = source
        self.entity_id = source.get("_id")


class NoContext:
    """The context of expressions that are evaluated outside of any run, such as indexes.

    There is nothing in it.
    """

    params: Mapping[str, Any] = {}

    def lookup(self, dataset: str, entity_id: str) -> Entity | None:
        """Nothing."""

    def join(self, hop: HopJoin, keys: Sequence[str]) -> list[Entity]:
        """Nothing."""
        return []

    def trace_hop(self, trace: str, join: str, rows: int) -> None:
        """See TransformContext."""

    def previous(self, entity_id: str) -> Entity | None:
        """Nothing."""

    def completeness(self, via: str, dataset: str) -> int | None:
        """Nothing."""

    def secret(self, name: str) -> str:
        """KeyError: there are no secrets here."""
        raise KeyError(name)


NO_RUN = EntityRun(NoContext(), {})


class Frame:
    """The variables of one rule application.

    `_S`, `_T`, `_P`, `_R` and the row of dataset aliases within `hops`.

    `root` is None in the frame of the default rule itself (it is its own root). `layout` is that of `_S`, a
    dict, once it has been asked for.
    """

    __slots__ = ("layout", "p", "root", "row", "run", "s", "t")

    def __init__(
        self,
        s: Any,
        t: Entity,
        p: Frame | None,
        root: Frame | None,
        run: EntityRun,
        row: Mapping[str, object] | None = None,
    ) -> None:
        self.s, self.t, self.p, self.root, self.run, self.row = s, t, p, root, run, row
        self.layout: KeyLayout | None = None

    def source_layout(self) -> KeyLayout:
        """Return the key layout of `_S`, a dict; ask `layout` first."""
        layout = self.layout = layout_of(self.s)
        return layout

    def applied(self, value: object) -> Frame:
        """Return the frame of a rule that is applied to `value` from here."""
        return Frame(value, {}, self, self.root or self, self.run)

    def hopped(self, value: object, row: Mapping[str, object]) -> Frame:
        """Return the frame of expressions within `hops`: the same rule, with `value` as `_S` and one row."""
        return Frame(value, self.t, self.p, self.root or self, self.run, row)

    def parent_context(self) -> Json:
        """Return this frame as the value of `_P.`."""
        context = {"_S": self.s, "_T": self.t}
        return context if self.p is None else {**context, "_P": self.p.parent_context()}


class Rule:
    """A compiled rule: its transforms in order."""

    __slots__ = ("name", "paths", "steps")

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps: list[Step] = []
        self.paths: list[str] = []

    def apply(self, frame: Frame) -> str | None:
        """Run the transforms on the frame's target, until one gives a stop signal.

        Raises DtlError with the place of the failing transform.
        """
        return run_steps(self.name, self.steps, self.paths, frame)


def run_steps(rule: str, steps: list[Step], paths: list[str], frame: Frame) -> str | None:
    """Run transforms in order, until one gives a stop signal.

    Raises DtlError with the place of the failing one.
    """
    try:
        for step in steps:
            if (signal := step(frame)) is not None:
                return signal
    except DtlError:
        raise
    except Refusal as refusal:
        raise DtlError(rule, paths[steps.index(step)], str(refusal), frame.run.entity_id) from refusal
    except RecursionError as error:
        message = "the rules nest too deeply for this entity (does a rule apply itself without an end?)"
        raise DtlError(rule, paths[steps.index(step)], message, frame.run.entity_id) from error
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        raise DtlError(rule, paths[steps.index(step)], message, frame.run.entity_id) from error
    return None
