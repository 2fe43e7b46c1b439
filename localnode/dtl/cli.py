"""`python -m localnode dtl`: run cases. A JSON list of them comes in, a list of `{"id", "output" or "error"}`
goes out.

A case has `rules` or `transform` (of type `dtl`, `emit_children`, `json_schema` or `conditional`), the
`source` entities or a `source_config` (merge, union_datasets, merge_datasets), the `datasets` to read, and
`pipe` settings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from jsonschema.validators import validator_for

from localnode.dtl.api import DtlCompileError, DtlError, Entity, PipeSettings
from localnode.dtl.memory import MemoryContext
from localnode.dtl.memory_sources import read_source
from localnode.dtl.namespaces import add_entity_namespaces, remove_entity_namespaces
from localnode.dtl.patterns import wildcard
from localnode.dtl.program import compile_dtl
from localnode.dtl.values import is_string, own


def main(stdin: TextIO, stdout: TextIO) -> int:
    """Run the cases on `stdin`; 0, or 2 if that is no JSON list of cases."""
    try:
        cases = json.load(stdin)
    except (ValueError, RecursionError) as error:
        stdout.write(json.dumps({"error": f"standard input is not JSON: {error}"}) + "\n")
        return 2
    if type(cases) is not list:
        stdout.write(json.dumps({"error": "standard input must be a JSON list of cases"}) + "\n")
        return 2
    json.dump([run_case(case) for case in cases], stdout, ensure_ascii=False)
    stdout.write("\n")
    return 0


def run_case(case: Any) -> dict[str, Any]:
    """The outcome of one case: `output` as it would be in the sink dataset, or `error`."""
    if type(case) is not dict:
        return {"id": None, "error": "a case is an object"}
    try:
        return {"id": case.get("id"), "output": case_output(case)}
    except (DtlError, DtlCompileError, ValueError, KeyError, TypeError) as error:
        return {"id": case.get("id"), "error": str(error) or type(error).__name__}


def pipe_settings(pipe: Mapping[str, Any], transform: Mapping[str, Any]) -> PipeSettings:
    """The settings of a pipe config that matter for its rules."""
    namespaces = pipe.get("namespaces", {})
    return PipeSettings(
        pipe_id=pipe.get("_id", "pipe"),
        namespaced_identifiers=pipe.get("namespaced_identifiers", False),
        identity_namespace=namespaces.get("identity"),
        property_namespace=namespaces.get("property"),
        id_required=transform.get("id_required", True),
        namespaces=namespaces.get("default", {}),
    )


def case_output(case: Mapping[str, Any]) -> list[Entity]:
    """What ends up in the sink dataset. Raises DtlError, DtlCompileError or ValueError."""
    pipe = case.get("pipe") or {}
    transform = case.get("transform") or ({"type": "dtl"} if "rules" in case else None)
    context = MemoryContext(case.get("datasets"))
    settings = pipe_settings(pipe, transform or {})
    if "source_config" in case:
        entities = read_source(case["source_config"], context.datasets, settings)
    else:
        entities = case.get("source", [])
    namespaced = settings.namespaced_identifiers
    if namespaced and pipe.get("add_namespaces"):
        entities = [add_entity_namespaces(entity, settings) for entity in entities]
    if transform is not None:
        entities = _transformed(transform, case.get("rules"), entities, settings, context)
    if namespaced and pipe.get("remove_namespaces"):
        entities = [remove_entity_namespaces(entity) for entity in entities]
    return _written(entities)


def _written(entities: Iterable[Entity]) -> list[Entity]:
    """Entities as a dataset keeps them: the last of each id, without reserved fields and filtered ones."""
    written: dict[str, Entity] = {}
    for entity in entities:
        if entity.get("_filtered") is True:
            written.pop(entity["_id"], None)
            continue
        kept = {
            name: value for name, value in entity.items() if name[:1] != "_" or name in ("_id", "_deleted")
        }
        written[entity["_id"]] = kept
    return list(written.values())


def _transformed(
    transform: Mapping[str, Any],
    rules: Any,
    entities: list[Entity],
    settings: PipeSettings,
    context: MemoryContext,
) -> list[Entity]:
    kind = transform["type"]
    if kind == "conditional":
        chosen = transform["alternatives"][transform["condition"]]
        return _transformed(chosen, chosen.get("rules"), entities, settings, context)
    if kind == "emit_children":
        return [child for entity in entities for child in entity.get("$children", []) if "_id" in child]
    if kind == "json_schema":
        return _validated(transform, entities)
    if kind != "dtl":
        raise ValueError(
            f"transform type {kind!r} is not known here; known: dtl, emit_children, json_schema, conditional"
        )
    program = compile_dtl(transform.get("rules", rules), settings)
    trigger = transform.get("trigger_on")
    output: list[Entity] = []
    for entity in entities:
        if trigger is not None and not triggered(trigger, entity):
            output.append(own(entity))
        else:
            output += program.transform(entity, context)
    return output


def triggered(trigger: Mapping[str, Any], entity: Entity) -> bool:
    """Whether `trigger_on` lets a transform work on an entity; others pass through untouched."""
    value = entity.get(trigger.get("key", "_trigger"))
    return isinstance(value, str) and is_string(value) and wildcard(trigger["value"])(value)


def _validated(transform: Mapping[str, Any], entities: list[Entity]) -> list[Entity]:
    schema = transform["schema"]
    validator = validator_for(schema)(schema)
    valid, errors = transform.get("key_valid", "valid"), transform.get("key_errors", "errors")
    output = []
    for entity in entities:
        checked = {name: value for name, value in entity.items() if name[:1] != "_"}
        messages = [error.message for error in validator.iter_errors(checked)]
        result = {**own(entity), valid: not messages}
        output.append({**result, errors: messages} if messages else result)
    return output
