"""`dtl`: Sesam's transformation language, compiled once when the pipe is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from localnode.dtl import DtlCompileError, compile_dtl
from localnode.pipes.base import BuildContext, Config, Item, Transform
from localnode.pipes.context import RunContext
from localnode.pipes.errors import ConfigProblem
from localnode.pipes.registry import FLAG, TRANSFORM, TRIGGER, register
from localnode.pipes.transforms.trigger import Trigger

_RULES = {
    "type": "object",
    "properties": {"default": {"type": "array"}},
    "required": ["default"],
    "additionalProperties": {"type": "array"},
}


@register(TRANSFORM, "dtl", {"rules": _RULES, "id_required": FLAG, "trigger_on": TRIGGER}, ("rules",))
class DtlTransform(Transform):
    """Each entity goes through the rule `default`."""

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        settings = replace(build_context.settings, id_required=bool(config.get("id_required", True)))
        try:
            self.program = compile_dtl(config.get("rules") or {}, settings)
        except DtlCompileError as error:
            raise ConfigProblem(("rules",), str(error)) from error
        self._trigger = Trigger(config)

    def apply(self, items: Sequence[Item], context: RunContext) -> list[Item]:  # type: ignore[override]
        """Return outputs in the order of their sources. Raises DtlError naming the entity."""
        outputs: list[Item] = []
        context.look_again()
        transform, matches = self.program.transform, self._trigger.matches
        for item in items:
            if not matches(item.entity):
                outputs.append(item)
                continue
            context.source_id = item.source_id
            outputs.extend(Item(item.source_id, entity) for entity in transform(item.entity, context))
        return outputs
