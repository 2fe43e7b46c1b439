"""Rules to programs: `compile_dtl` compiles every rule once, `Program.transform` runs them on one entity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

import localnode.dtl.library  # noqa: F401 - fills the registry
from localnode.dtl import budget
from localnode.dtl.api import (
    DtlCompileError,
    DtlError,
    DtlProblem,
    Entity,
    HopJoin,
    PipeSettings,
    TransformContext,
)
from localnode.dtl.compiler import compile_expression, compile_steps
from localnode.dtl.joins import IndexExpression, index_of, uses_besides
from localnode.dtl.registry import shown
from localnode.dtl.runtime import DISCARDED, FILTERED, EntityRun, Frame, Rule
from localnode.dtl.scope import Compilation, Scope
from localnode.dtl.values import with_one_id
from localnode.readings import reads, turned

DEFAULT = "default"
KEPT = 1024
"""Programs that are kept: a few times as many as a large configuration has."""


class Program:
    """Compiled rules.

    `hop_joins` are the indexes it will probe, `datasets` every dataset it reads (`tracked_datasets` those of
    which a change brings source entities back), `warnings` what is probably not meant as written.
    """

    def __init__(self, compilation: Compilation, rule: Rule) -> None:
        self.settings = compilation.settings
        self.hop_joins: list[HopJoin] = compilation.joins
        self.datasets = {join.dataset for join in compilation.joins} | compilation.lookups
        self.tracked_datasets = {join.dataset for join in compilation.joins if join.track}
        self.creates_children = compilation.creates_children
        self.warnings: list[DtlProblem] = compilation.warnings
        self._rule = rule

    def transform(self, entity: Entity, context: TransformContext) -> list[Entity]:
        """Transform one source entity: what `create` emitted, in order, then the target.

        A target that `filter` stopped carries `_filtered: true`; one that `discard` stopped is left out.
        Nothing in the result is shared with `entity` or the entities that `context` gave. Raises DtlError and
        DtlTrip.
        """
        run = EntityRun(context, entity)
        target: Entity = {"_id": entity["_id"]} if "_id" in entity else {}
        if entity.get("_deleted") is True and reads("deleted-carried", "yes"):
            target["_deleted"] = True
        before = budget.begin()
        try:
            signal = self._rule.apply(Frame(entity, target, None, None, run))
        finally:
            budget.end(before)
        if signal is DISCARDED:
            return run.created
        if type(target.get("_id")) is not str and not with_one_id(target):
            return run.created
        if type(target.get("_id")) is not str:
            if self.settings.id_required and signal is None:
                raise DtlError(DEFAULT, f"['{DEFAULT}']", _no_id(target), run.entity_id)
            return run.created
        if signal is FILTERED:
            target["_filtered"] = True
        if run.created:
            return [*run.created, target] if reads("created-first", "before") else [target, *run.created]
        return [target]


def _no_id(target: Entity) -> str:
    if "_id" not in target:
        return "the target has no _id, and id_required is on"
    return f"the target's _id is not a string but {shown(target['_id'])}, and id_required is on"


def compile_dtl(rules: Mapping[str, object], settings: PipeSettings) -> Program:
    """Compile the `rules` of a `dtl` transform. Raises DtlCompileError with every problem found.

    A program keeps nothing between entities, so the same rules give the same one: a configuration is checked
    before its pipes are made of it, and a plan runs it beside the node that has it.
    """
    try:
        text = json.dumps(rules)
    except (TypeError, ValueError, RecursionError):
        return _compile(rules, settings)
    return _kept(text, settings, turned())


@lru_cache(maxsize=KEPT)
def _kept(text: str, settings: PipeSettings, _readings: str) -> Program:
    return _compile(json.loads(text), settings)


def _compile(rules: Mapping[str, object], settings: PipeSettings) -> Program:
    compilation = Compilation(settings)
    if not isinstance(rules, Mapping):
        raise DtlCompileError([DtlProblem("", "rules must be an object with a list of transforms per rule")])
    if DEFAULT not in rules:
        compilation.error("", 'there is no rule "default"; it is the one that runs for every source entity')
    compilation.rules = {name: Rule(name) for name in rules}
    for name, transforms in rules.items():
        _compile_rule(compilation, name, transforms)
    compilation.check_applied()
    if compilation.problems:
        raise DtlCompileError(compilation.problems)
    return Program(compilation, compilation.rules[DEFAULT])


def _compile_rule(compilation: Compilation, name: str, transforms: object) -> None:
    path = f"['{name}']"
    if type(transforms) is not list:
        compilation.error(path, "a rule is a list of transforms, or one transform")
        return
    rule = compilation.rules[name]
    scope = Scope(compilation, name)
    rule.steps, rule.paths = compile_steps(transforms, scope, path)


def compile_index(expression: object, alias: str, settings: PipeSettings) -> IndexExpression:
    """Return one side of a join as an index over the dataset with this alias.

    For example `["lower", "c.email"]`, alias `c`.

    For equality rules of the merge source; the alias is what `c.` stands for. Raises DtlCompileError.
    """
    compilation = Compilation(settings)
    scope = Scope(compilation, "equality", frozenset([alias]))
    compiled = compile_expression(expression, scope, "")
    if outside := uses_besides(alias, scope.uses):
        compilation.error("", f"an index must depend on {alias} alone, not on {', '.join(outside)}")
    if compilation.problems:
        raise DtlCompileError(compilation.problems)
    return index_of(expression, compiled.run, alias, settings, scope.settings_read)
