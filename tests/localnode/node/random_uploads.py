"""Random configurations: parts of real pipes, of every component's own properties, and of anything that is JSON."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from localnode.pipes import registry
from tests.support.processes import ROOT

REAL = [json.loads(path.read_text()) for path in sorted((ROOT / "pipes").glob("*.conf.json"))]
SYSTEMS = [json.loads(path.read_text()) for path in sorted((ROOT / "systems").glob("*.conf.json"))]
TEXTS = [
    "", "a", "x y", "a/b", "$ENV(e)", "$ENV(none)", "x$ENV(none)y", "$SECRET(s)", "{{ x }}", "{{", "{% if %}", "_S.a", "_S.", "default",
    "*", "(", "200-299", "~f0.1", "~fx", "~:a:b", "http://a/%s", "in", "in a", "system:x", "0 0 * * ?", "0/3 * * * ?", "eq", "copy",
]  # fmt: skip
NAMES = [
    "type", "system", "url", "operation", "operations", "rules", "default", "dataset", "datasets", "equality", "equality_sets",
    "condition", "alternatives", "transforms", "template", "transform", "properties", "schema", "$ref", "pattern", "subset",
    "trigger_on", "key", "value", "columns", "indexes", "method", "payload", "headers", "params", "next_page_link",
    "entities", "_id", "completeness", "expression", "wrapper", "xml-property", "set_initial_offset", "circuit_breakers",
    "$conditional_properties", "namespaces", "compaction", "keep_versions", "metadata", "strategy", "identity", "id_required",
]  # fmt: skip
PIPE_PROPERTIES = [
    "batch_size", "checkpoint_interval", "add_namespaces", "remove_namespaces", "namespaced_identifiers", "namespaces", "compaction",
    "exclude_completeness", "include_completeness", "reprocessing_policy", "$conditional_properties", "comment", "bach_size",
]  # fmt: skip
PUMP_PROPERTIES = [
    "mode", "schedule_interval", "cron_expression", "run_at_startup", "rescan_run_count", "rescan_cron_expression",
    "max_write_errors_in_retry_dataset", "write_retry_delay", "dead_letter_dataset", "partial_rescan_run_count", "shedule",
]  # fmt: skip
SYSTEM_TYPES = ["url", "rest", "microservice", "mssql", "smtp", "x", ""]
ELSEWHERE = ["sql", "mail", "ldap", "csv", "kafka", "elasticsearch", "rdf", "nope"]


class Generator:
    """Configurations from one seed: the same again for the same."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def upload(self) -> list[Any]:
        """Entities as they could be uploaded, in most cases with different ids."""
        makers: Sequence[Callable[[], Any]] = (
            self.pipe,
            self.pipe,
            self.changed,
            self.system,
            self.metadata,
            self.value,
        )
        found = [self.random.choice(makers)() for _ in range(self.random.randint(0, 4))]
        for number, entity in enumerate(found):
            if isinstance(entity, dict) and self.random.random() < 0.9:
                entity["_id"] = self.random.choice([f"p{number}", "in", "out", "s_1", "node"])
        if self.random.random() < 0.8:
            found = list(
                {str(each.get("_id")) if isinstance(each, dict) else "": each for each in found}.values()
            )
        return found

    def variables(self) -> dict[str, Any]:
        """Environment variables."""
        return {name: self.value(1) for name in ("e", "f", "none") if self.random.random() < 0.5}

    def value(self, depth: int = 3) -> Any:
        """Any JSON value."""
        roll = self.random.random()
        if depth == 0 or roll < 0.55:
            return self.random.choice(
                [None, True, False, 0, 1, -3, 7.5, 1e300, 10**20, self.random.randint(-9, 9999), *TEXTS]
            )
        if roll < 0.75:
            return [self.value(depth - 1) for _ in range(self.random.randint(0, 4))]
        names = self.random.sample([*NAMES, *TEXTS], self.random.randint(0, 4))
        return {name: self.value(depth - 1) for name in names}

    def component(self, kind: str) -> Any:
        """A source, transform or sink with some of its own properties, right or wrong."""
        if self.random.random() < 0.1:
            return self.value()
        name = self.random.choice([*registry.types(kind), *ELSEWHERE])
        found = registry.find(kind, name)
        schema = found.schema if found else {"properties": {}, "required": []}
        part: dict[str, Any] = {"type": name}
        for key, wanted in schema["properties"].items():
            if key != "type" and (key in schema["required"] or self.random.random() < 0.2):
                part[key] = self.of(wanted)
        return part

    def of(self, schema: dict[str, Any]) -> Any:
        """A value that fits a property, more often than not."""
        if self.random.random() < 0.35:
            return self.value()
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        kinds = schema.get("type", "object")
        kind = self.random.choice(kinds) if isinstance(kinds, list) else kinds
        makers: dict[str, Callable[[], Any]] = {
            "string": lambda: self.random.choice(TEXTS),
            "boolean": lambda: self.random.random() < 0.5,
            "integer": lambda: self.random.choice([0, 1, 2, 100, -1]),
            "number": lambda: self.random.choice([0, 0.5, 30, "~f0.1"]),
            "array": lambda: [self.of(schema.get("items") or {}) for _ in range(self.random.randint(0, 3))],
            "object": lambda: self.rules() if self.random.random() < 0.4 else self.value(),
        }
        return makers.get(kind, self.value)()

    def rules(self) -> dict[str, Any]:
        """The rules of a dtl transform of a real pipe, or of none."""
        rules = [link.get("rules") for pipe in self.random.sample(REAL, 3) for link in _links(pipe)]
        return self.random.choice([each for each in rules if each] or [{"default": []}])

    def pipe(self) -> dict[str, Any]:
        """A pipe of components."""
        made: dict[str, Any] = {"_id": "p", "type": "pipe", "source": self.component("source")}
        if self.random.random() < 0.5:
            transforms = [self.component("transform") for _ in range(self.random.randint(1, 2))]
            made["transform"] = transforms if self.random.random() < 0.5 else transforms[0]
        if self.random.random() < 0.5:
            made["sink"] = self.component("sink")
        if self.random.random() < 0.5:
            made["pump"] = {name: self.value(1) for name in self.random.sample(PUMP_PROPERTIES, 2)}
        for name in self.random.sample(PIPE_PROPERTIES, self.random.randint(0, 2)):
            made[name] = self.value(2)
        return made

    def changed(self) -> Any:
        """A real pipe or system with something else in a few places."""
        entity = json.loads(json.dumps(self.random.choice([*REAL, *SYSTEMS])))
        for _ in range(self.random.randint(1, 3)):
            *way, last = self.random.choice(places(entity)[1:])
            inner = entity
            for key in way:
                inner = inner[key]
            inner[last] = self.value()
        return entity

    def system(self) -> dict[str, Any]:
        """A system."""
        made: dict[str, Any] = {"_id": "s", "type": f"system:{self.random.choice(SYSTEM_TYPES)}"}
        for name in (
            "url_pattern",
            "operations",
            "oauth2",
            "custom_auth",
            "retry_strategy",
            "docker",
            "headers",
            "read_timeout",
        ):
            if self.random.random() < 0.3:
                made[name] = self.value()
        return made

    def metadata(self) -> dict[str, Any]:
        """A metadata entity."""
        made: dict[str, Any] = {"_id": "node", "type": "metadata"}
        for name in (
            "namespaced_identifiers",
            "namespaces",
            "global_defaults",
            "task_manager",
            "dependency_tracking",
        ):
            if self.random.random() < 0.3:
                made[name] = self.value()
        return made


def _links(pipe: dict[str, Any]) -> list[dict[str, Any]]:
    found = pipe.get("transform") or []
    return [link for link in (found if isinstance(found, list) else [found]) if isinstance(link, dict)]


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in inner for place in places(item, (*at, key)))]
