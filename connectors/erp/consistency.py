"""What a profile says in two places must fit together: names that are used are there, and lists end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.erp.stamps import zone
from connectors.erp.templates import names

Problem = tuple[tuple[str, ...], str]
"""Where in the entity, and what to do about it."""

_POSITIONS = {"page": "page", "offset": "offset", "cursor": "cursor", "keyset": "after"}


def problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything that is wrong with one entity, defaults filled in, which the schema cannot see."""
    yield from _fields(spec, spec.get("fields", {}), ("fields",))
    for name, item in spec.get("items", {}).items():
        if item.get("part", "") not in ("", *spec.get("parts", {})):
            yield ("items", name, "part"), f"there is no part {item['part']}; {_known(spec.get('parts', {}))}"
    for name in spec.get("keep", []):
        if "fields" in spec and name not in spec["fields"]:
            yield ("keep",), f"there is no field {name} in fields"
    for name in spec.get("actions", {}):
        if "fields" in spec and name not in spec["fields"]:
            yield ("actions", name), f"there is no field {name} in fields"
    yield from _paginator(spec["paginator"], spec["list"], spec.get("query", {}))
    yield from _parts(spec)
    yield from _zones(spec)


def _fields(spec: Mapping[str, Any], fields: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[Problem]:
    used = {
        "item": spec.get("items", {}),
        "part": spec.get("parts", {}),
        "lookup": spec.get("lookups", {}),
    }
    for name, field in fields.items():
        if not isinstance(field, Mapping):
            continue
        for kind, there in used.items():
            if kind in field and field[kind] not in there:
                yield (*place, name, kind), f"there is no {kind} {field[kind]}; {_known(there)}"
        for at, other in enumerate(field.get("also", [])):
            if other["lookup"] not in used["lookup"]:
                text = f"there is no lookup {other['lookup']}; {_known(used['lookup'])}"
                yield (*place, name, "also", str(at), "lookup"), text
        if "fields" in field:
            yield from _fields({**spec, "items": {}, "parts": {}}, field["fields"], (*place, name, "fields"))


def _paginator(
    paginator: Mapping[str, Any], listing: Mapping[str, Any], query: Mapping[str, Any]
) -> Iterator[Problem]:
    """A list whose next page is asked for like the first one would never end."""
    kind = paginator["type"]
    asked = names([listing.get("query"), listing.get("body"), listing.get("headers"), query])
    position = _POSITIONS.get(kind)
    if position is not None and "param" not in paginator and position not in asked:
        yield (
            ("paginator",),
            f"the list would never end: name the param that takes the {position},"
            f" or use {{{position}}} in list.query",
        )
    stop = paginator.get("stop", {})
    sized = "limit_param" in paginator or "size" in asked or "page_size" in listing
    if stop.get("type") == "short" and not sized:
        yield (
            ("paginator", "stop"),
            "it must be known how many were asked for: name limit_param, or list.page_size",
        )


def _parts(spec: Mapping[str, Any]) -> Iterator[Problem]:
    within = spec["create"].get("within", {}).get("part")
    parts = spec.get("parts", {})
    if within is not None and within not in parts:
        yield ("create", "within", "part"), f"there is no part {within}; {_known(parts)}"
    if within is not None and "commands" not in spec:
        yield ("create", "within"), "needs commands, which say how an item of a list is made"
    for name, part in parts.items():
        if name != within and "create" in part:
            for need in ("path", "into"):
                if need not in part["create"]:
                    yield ("parts", name, "create"), f"{need} is missing"


def _zones(spec: Mapping[str, Any]) -> Iterator[Problem]:
    given = {
        ("timezone",): spec.get("timezone"),
        ("values", "datetime", "timezone"): spec.get("values", {}).get("datetime", {}).get("timezone"),
    }
    for place, name in given.items():
        try:
            zone(name)
        except ValueError as error:
            yield place, str(error)


def _known(there: Mapping[str, Any]) -> str:
    return f"there are {', '.join(there)}" if there else "there are none"
