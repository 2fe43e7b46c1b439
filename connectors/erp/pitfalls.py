"""What a profile may say by the schema, but must not: questions that ask nothing or are always the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.erp.consistency import Problem
from connectors.erp.templates import names

_PAGING = {"page": "page", "offset": "offset", "cursor": "cursor", "keyset": "after"}
"""What templates may use of each paginator, besides {size}."""

_VALUES = {"since", "origin", "ids", "id", "value", "size", "page", "offset", "cursor", "after"}
_NAMED = re.compile(r"\{([^{}]+)\}")


def pitfalls(spec: Mapping[str, Any]) -> Iterator[Problem]:
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


def _questions(spec: Mapping[str, Any]) -> Iterator[Problem]:
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


def _children(children: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    for name, child in children.items():
        own = set(_NAMED.findall(child["path"])) - {"path"}
        if "parent" not in child and not own:
            advice = "every record would be given the same children; put {id} into it, or name their parent"
            yield ("children", name, "path"), advice


def _log(deleted: Mapping[str, Any]) -> Iterator[Problem]:
    if "log" in deleted:
        asked = names([deleted["log"].get(part) for part in ("query", "body", "headers")])
        for need in ("since", "ids"):
            if need not in asked:
                advice = "the log is asked with {since}, and with {ids} of which records"
                yield ("deleted", "log", "query"), f"put {{{need}}} into it: {advice}"
