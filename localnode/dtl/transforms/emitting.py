"""Transforms that make further entities."""

from __future__ import annotations

from typing import Any

from localnode.dtl.api import Refusal
from localnode.dtl.decorators import step
from localnode.dtl.functions.sets import union
from localnode.dtl.registry import shown
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Step
from localnode.dtl.values import as_list, own, with_one_id


def _entities(values: object, required: bool, name: str) -> list[Any]:
    """Return the values that are entities; Refusal for others if ids are required."""
    found = []
    for value in as_list(values):
        made = own(value)
        if type(made) is dict and not with_one_id(made):
            continue
        if type(made) is dict and type(made.get("_id")) is str:
            found.append(made)
        elif required:
            raise Refusal(f"{name} needs entities with a string _id (id_required is on), not {shown(value)}")
    return found


@step("create", signature="VALUES")
def create(call: Call) -> Step:
    """Emit each value as an entity of its own, besides the target and at once.

    A later `filter` does not take it back. A value without a string `_id` fails the run, or is left out if
    the pipe has `id_required` off.
    """
    values, required = call.args[0].run, call.scope.settings.id_required

    def run(f: Frame) -> None:
        f.run.created.extend(_entities(values(f, None), required, "create"))

    return run


@step("create-child", signature="VALUES")
def create_child(call: Call) -> Step:
    """Add the values to the target's `$children`, without duplicates.

    A dataset sink keeps track of children, and the transform `emit_children` makes entities of them. Values
    without a string `_id` as with `create`.
    """
    values, required = call.args[0].run, call.scope.settings.id_required
    call.scope.compilation.creates_children = True

    def run(f: Frame) -> None:
        children = _entities(values(f, None), required, "create-child")
        f.t["$children"] = union(f.t.get("$children"), children)

    return run
