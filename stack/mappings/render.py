"""Pipes of mappings and templates: each stage's template once for each datatype, concept or node."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, FileSystemLoader

from core.suggestions import advice
from stack.mappings import creation, lines, references
from stack.mappings.cells import UnknownForm
from stack.mappings.concept import Concept, System
from stack.mappings.forms import without_nulls
from stack.mappings.layout import laid_out
from stack.mappings.reading import MappingsRefused, read_checked, read_json
from stack.mappings.record import Record
from stack.mappings.refusals import contradictions

PER_RECORD = ("all", "loaded", "deletes", "collect", "transform", "share", "event")
PER_NODE = (
    "audit",
    "audit-endpoint",
    "golden-endpoint",
    "open-endpoint",
    "decisions",
    "chargebee-webhook",
    "chargebee-webhook-forward",
)
Pipe = dict[str, Any]


def environment(root: Path) -> Environment:
    """Jinja as the vendor's connector templates have it: `{{@ x @}}` for values, `{% %}` for the rest."""
    made = Environment(
        loader=FileSystemLoader(root / "templates"),
        variable_start_string="{{@",
        variable_end_string="@}}",
        undefined=ChainableUndefined,
        autoescape=False,  # noqa: S701 - JSON is made here, no HTML
        keep_trailing_newline=True,
    )
    made.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    return made


class Mappings:
    """Everything in `mappings/` and `templates/` of a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._rendered: dict[str, Pipe] | None = None
        self._environment = environment(root)
        self._conversions = self._environment.get_template("conversions.json")
        folder = root / "mappings"
        given = read_checked(root, folder / "systems.json", folder / "systems.schema.json")
        self.systems = {name: System(name, each) for name, each in given.items() if not name.startswith("$")}
        files = [path for path in sorted(folder.glob("*.json")) if _is_mapping(path)]
        found = {path: read_checked(root, path, folder / "mapping.schema.json") for path in files}
        files_of = {
            path: Concept(each, self._convert, f"mappings/{path.name}") for path, each in found.items()
        }
        self.concepts = {concept.name: concept for concept in files_of.values()}
        for concept in self.concepts.values():
            concept.all = self.concepts
            for alias, each in concept.given["records"].items():
                concept.records[alias] = Record(alias, each, concept, self.systems)
        refused = [
            each
            for path, concept in files_of.items()
            for each in contradictions(path.relative_to(root), concept, root)
        ]
        if refused:
            raise MappingsRefused(refused)
        for record in self.records():
            record.test_data = read_json(root, folder / "test-data" / f"{record.type}.json")

    def records(self) -> list[Record]:
        """Return all records, those of the ERP first, each system's by name."""
        found = [record for concept in self.concepts.values() for record in concept.records.values()]
        return sorted(found, key=lambda each: (each.system.word != "erp", each.type))

    def personal(self) -> list[str]:
        """Return properties that are personal data.

        By their names in the shared model, and in the records.
        """
        rows = [
            row for concept in self.concepts.values() for row in concept.rows if row.given.get("personal")
        ]
        cells = [cell for row in rows for cell in row.cells.values() if not cell.is_related]
        found = {row.name for row in rows} | {cell.field for cell in cells}
        return sorted(found | {cell.given["else"] for cell in cells if "else" in cell.given})

    def pipes(self) -> dict[str, Pipe]:
        """Return all pipes by id; rendered once."""
        if self._rendered is None:
            self._rendered = {pipe["_id"]: pipe for pipe in self._pipes()}
        return self._rendered

    def _pipes(self) -> Iterator[Pipe]:
        for record in self.records():
            stages = [*PER_RECORD]
            stages += ["enrich"] if record.part_of is None else []
            for stage in stages:
                yield self.render(stage, record=record, system=record.system, concept=record.concept)
        for concept in self.concepts.values():
            yield self.render("global", concept=concept)
        for name in PER_NODE:
            yield self.render(name)

    def write(self) -> list[Path]:
        """Write the pipes that are not there as they come of the mappings; answers what was written."""
        written = []
        for pipe_id, pipe in self.pipes().items():
            path = self.root / "pipes" / f"{pipe_id}.conf.json"
            text = laid_out(pipe)
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
                written.append(path)
        return written

    def render(self, template: str, **context: object) -> Pipe:
        """Return the pipe that a template makes in a context."""
        text = self._environment.get_template(f"{template}.json").render(
            records=self.records(),
            concepts=list(self.concepts.values()),
            personal=self.personal(),
            creation=creation,
            lines=lines,
            references=references,
            **context,
        )
        try:
            pipe: Pipe = json.loads(text)
        except json.JSONDecodeError as error:
            around = text[max(0, error.pos - 200) : error.pos + 100]
            raise ValueError(f"{template}: {error}\n…{around}…") from error
        safe: Pipe = without_nulls(pipe)
        return safe

    def _convert(self, name: str, value: Any, currency: Any) -> Mapping[str, Any]:
        known = _conversions(self._conversions, json.dumps(value), json.dumps(currency))
        if name not in known:
            raise UnknownForm(f"there is no form {name!r}; {advice(name, known)}")
        return dict(known[name])


@lru_cache(maxsize=4096)
def _conversions(template: Any, value: str, currency: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(template.render(value=value, currency=currency))
    return found


def _is_mapping(path: Path) -> bool:
    return not path.name.startswith("systems") and ".schema." not in path.name
