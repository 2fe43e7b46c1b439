"""What a profile must not say although its schema allows it.

Names that are used must be there, lists must end, and no query may ask the same for every record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.erp.mapping.stamps import zone
from connectors.erp.mapping.templates import names

ProfileProblem = tuple[tuple[str, ...], str]
"""Where in the entity, and what to do about it."""


_PAGING = {"page": "page", "offset": "offset", "cursor": "cursor", "keyset": "after"}
"""What templates may use of each paginator, besides {size}."""

_VALUES = {"since", "origin", "ids", "id", "value", "size", "page", "offset", "cursor", "after"}
_NAMED = re.compile(r"\{([^{}]+)\}")


def semantic_checks(spec: Mapping[str, Any]) -> Iterator[ProfileProblem]:
    """Yield everything that is wrong with one entity, defaults filled in, which the schema cannot see."""
    yield from _contradictions(spec)
    yield from _fixed_queries(spec)


def _contradictions(spec: Mapping[str, Any]) -> Iterator[ProfileProblem]:
    """Yield what two places of one entity say differently."""
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


def _fields(
    spec: Mapping[str, Any], fields: Mapping[str, Any], place: tuple[str, ...]
) -> Iterator[ProfileProblem]:
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
) -> Iterator[ProfileProblem]:
    """A list whose next page is asked for like the first one would never end."""
    kind = paginator["type"]
    asked = names([listing.get("query"), listing.get("body"), listing.get("headers"), query])
    position = _PAGING.get(kind)
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


def _parts(spec: Mapping[str, Any]) -> Iterator[ProfileProblem]:
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


def _zones(spec: Mapping[str, Any]) -> Iterator[ProfileProblem]:
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


def _fixed_queries(spec: Mapping[str, Any]) -> Iterator[ProfileProblem]:
    """Questions of one entity, defaults filled in, that would always be answered in the same way."""
    incremental = spec.get("incremental", {})
    if "template" in incremental and "since" not in names(incremental["template"]):
        yield ("incremental", "template"), "the filter would never change; put {since} into it"
    if "origin" in spec and "origin" not in names(spec["origin"]["query"]):
        yield (
            ("origin", "query"),
            "every record would be looked up by the same question; put {origin} into it",
        )
    for call in ("get", "update", "delete"):
        used = names([spec[call].get(part) for part in ("path", "query", "headers", "body")])
        if "id" not in used and not used - {"path"}:
            yield (call, "path"), "every record would have the same address; put {id} into it"
    yield from _questions(spec)
    yield from _children(spec.get("children", {}))
    yield from _log(spec["deleted"])
    lock = spec["update"].get("lock", {})
    if lock.get("template", "*") != "*" and "{version}" not in lock["template"]:
        yield ("update", "lock", "template"), "no write would ever fit; put {version} into it"
    paginator = spec["paginator"]
    if paginator["type"] == "keyset" and "{value}" not in paginator.get("template", "{value}"):
        yield ("paginator", "template"), "every page would be asked for alike; put {value} into it"
    if paginator.get("param") is not None and paginator.get("param") == paginator.get("limit_param"):
        yield ("paginator", "limit_param"), "param and limit_param are one parameter; it cannot say both"
    if paginator["type"] == "keyset" and paginator["field"] in spec["modified"]:
        advice = "records that share a change stamp would be skipped at a page's end; use the key"
        yield ("paginator", "field"), advice


def _questions(spec: Mapping[str, Any]) -> Iterator[ProfileProblem]:
    """Names in templates that nothing stands for: what asks for them would silently be left out."""
    paging = _PAGING.get(spec["paginator"]["type"], "")
    never = {"page", "offset", "cursor", "after"} - {paging}
    for part in ("query", "headers", "body"):
        for name in sorted(names(spec["list"].get(part)) & never):
            there = f"has {{{paging}}}" if paging else "has no such value"
            text = f"{{{name}}} is never there: the paginator {spec['paginator']['type']} {there}"
            yield ("list", part), text
    places = [(), ("list",), ("get",), ("create",), ("update",), ("delete",), ("incremental",), ("origin",)]
    for place in places:
        holder = spec.get(place[0], {}) if place else spec
        for part in ("query", "headers", "template"):
            for name in sorted(names(holder.get(part)) - _VALUES):
                yield (*place, part), f"there is no value {{{name}}}; there are {', '.join(sorted(_VALUES))}"


def _children(children: Mapping[str, Mapping[str, Any]]) -> Iterator[ProfileProblem]:
    for name, child in children.items():
        own = set(_NAMED.findall(child["path"])) - {"path"}
        if "parent" not in child and not own:
            advice = "every record would be given the same children; put {id} into it, or name their parent"
            yield ("children", name, "path"), advice


def _log(deleted: Mapping[str, Any]) -> Iterator[ProfileProblem]:
    if "log" in deleted:
        asked = names([deleted["log"].get(part) for part in ("query", "body", "headers")])
        for need in ("since", "ids"):
            if need not in asked:
                advice = "the log is asked with {since}, and with {ids} of which records"
                yield ("deleted", "log", "query"), f"put {{{need}}} into it: {advice}"
