"""The reference of DTL as this node runs it, made of the registry: Markdown for people, data for tools."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType

from localnode.dtl.kinds import CONVERTERS
from localnode.dtl.library import FUNCTION_GROUPS, TRANSFORM_GROUPS
from localnode.dtl.registry import FUNCTIONS, TRANSFORMS, Definition

_INTRODUCTION = """\
# DTL reference

Every transform and expression function that the local node knows, with what it does where values are missing
or of another kind. This page is made by `python -m localnode.dtl.reference`.

* **Map-style** functions take one value or a list: one value in, one value out; list in, list out. Values
  that do not fit are dropped from a list, nulls included; a lone one gives null.
* `[X]` is optional, `X+` is one or more, `X*` none or more, `(X Y)+` a repeated group; *or* separates
  alternatives.
* An argument that must be something particular (a string, an integer, a pattern, a time zone, …) is checked
  when the rules are compiled if it is written out; if it is computed and does not fit, or is null, the result
  is null.
* Falsy are exactly `false`, `null` and `[]`.
* Values are equal if they are of the same kind and value: `1`, `1.0` and `true` are three different things,
  `~f1` and `~f1.0` are not. `gt` and its like, and sorting, compare numbers by value whatever their kind.
"""


def markdown() -> str:
    """Return the whole reference as a Markdown page."""
    parts = [_INTRODUCTION, "## Transforms\n"]
    parts += _chapters(TRANSFORM_GROUPS, TRANSFORMS.values())
    parts.append("## Expression functions\n")
    parts += _chapters(FUNCTION_GROUPS, FUNCTIONS.values())
    return "\n".join(parts)


def _chapters(modules: Iterable[ModuleType], definitions: Iterable[Definition]) -> Iterable[str]:
    by_group: dict[str, list[Definition]] = {}
    for definition in definitions:
        by_group.setdefault(definition.group, []).append(definition)
    for module in modules:
        group = module.__name__.rpartition(".")[2]
        yield f"### {_title(group)}\n\n{_flowing(module.__doc__ or '')}\n"
        for definition in by_group[group]:
            usages = " or ".join(f"`{usage.strip()}`" for usage in definition.usage.split("|"))
            yield f"#### {definition.name}\n\n{usages}\n\n{_flowing(definition.documentation)}\n"


def _title(group: str) -> str:
    return {"ni": "Namespaced identifiers", "json": "JSON", "uris": "URIs", "uuids": "UUIDs"}.get(
        group, group.capitalize()
    )


def _flowing(text: str) -> str:
    """Paragraphs of a docstring, each on one line."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def signatures() -> list[dict[str, object]]:
    """Return every transform and function as data.

    Each `{"name", "type": "transform" | "function", "group", "usage", "documentation", "parameters"}`, the
    parameters of each alternative as `{"name", "kind", "accepts"}`; `accepts` says in words what a particular
    kind takes.
    """
    tables = (("transform", TRANSFORMS), ("function", FUNCTIONS))
    return [_as_data(kind, definition) for kind, table in tables for definition in table.values()]


def _as_data(kind: str, definition: Definition) -> dict[str, object]:
    alternatives = [
        [*(p for p, _ in alternative.before), *alternative.group, *(p for p, _ in alternative.after)]
        for alternative in definition.signature.alternatives
    ]
    return {
        "name": definition.name,
        "type": kind,
        "group": definition.group,
        "usage": definition.usage,
        "documentation": definition.documentation,
        "parameters": [
            [
                {"name": p.name, "kind": p.kind, "accepts": CONVERTERS.get(p.kind, (None, None))[1]}
                for p in alternative
            ]
            for alternative in alternatives
        ],
    }


if __name__ == "__main__":
    sys.stdout.write(markdown())
