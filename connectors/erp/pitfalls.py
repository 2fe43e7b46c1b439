"""What a profile may say by the schema, but must not: secrets in plain text, questions that ask nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.erp.consistency import Problem
from connectors.erp.templates import names

_SECRET = re.compile(
    r"(proxy-)?authorization|(x-)?(api|auth|access|session)[-_]?(key|token)|cookie|token|secret|"
    r"(client|app)[-_]?secret|password|passwd|pwd",
    re.I,
)
_CALLS = ("list", "get", "create", "update", "delete")


def leaks(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Credentials that stand in the profile instead of the environment; their values are not repeated."""
    rest = document["connection"]["rest"]
    yield from _named_secrets(rest, ("connection", "rest"))
    parts = urlsplit(rest["base_url"])
    if parts.username or parts.password or parts.query:
        advice = "an address holds no user, password or query; credentials belong into auth, as ${NAME}"
        yield ("connection", "rest", "base_url"), advice
    places = [("defaults",), *(("entities", name) for name in document["entities"])]
    for place in places:
        entity = document.get("defaults", {}) if len(place) == 1 else document["entities"][place[1]]
        yield from _named_secrets(entity, place)
        for call in _CALLS:
            yield from _named_secrets(entity.get(call, {}), (*place, call))


def _named_secrets(holder: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[Problem]:
    for kind in ("headers", "query"):
        for name, value in holder.get(kind, {}).items():
            if _SECRET.fullmatch(name) and isinstance(value, str) and not names(value):
                advice = "secrets are never written into a profile; use connection.rest.auth with ${NAME}"
                yield (*place, kind, name), advice


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
    paginator = spec["paginator"]
    if paginator.get("param") is not None and paginator.get("param") == paginator.get("limit_param"):
        yield ("paginator", "limit_param"), "param and limit_param are one parameter; it cannot say both"
    if paginator["type"] == "keyset" and paginator["field"] in spec["modified"]:
        advice = "records that share a change stamp would be skipped at a page's end; use the key"
        yield ("paginator", "field"), advice
