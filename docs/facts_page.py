"""The reference page of what is known about Chargebee, made from the sandbox's facts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from connectors.chargebee.check.probes import FACTS, Probes, load

Fact = Mapping[str, Any]


def page() -> Iterator[str]:
    """Yield the lines of the page: a section for each topic, a table of facts in it."""
    facts = json.loads(FACTS.read_bytes())["facts"]
    unsourced = sum(fact["source"] == "none: probe" for fact in facts)
    probes = load()
    yield from (
        "# Chargebee: facts",
        "",
        "What the services rely on and the sandbox imitates, made from `sandbox/chargebee/facts.json`.",
        f"{len(facts)} facts; {unsourced} have no public source: only a call to a test site settles those.",
        "[`make chargebee-check`](../howto/connect-chargebee.md) makes the calls, as far as they are short",
        "(*settled by*: check), some of them only with `WRITE=1` or `ALL=1`; they stand, with what answers",
        "mean, in `connectors/chargebee/check/probes.json`.",
        '`PUT /_sandbox/facts {"id": false}` turns a fact of the sandbox round, to see what then happens.',
    )
    for topic, those in groupby(facts, key=lambda fact: fact["topic"]):
        yield from ("", f"## {topic}", "", "| fact | statement | source | probe | settled by |")
        yield "|---|---|---|---|---|"
        for fact in those:
            cells = (_statement(fact), _source(fact), _cell(fact["probe"]), _settled_by(fact["id"], probes))
            yield f"| `{fact['id']}` | {' | '.join(cells)} |"


def _settled_by(fact_id: str, probes: Probes) -> str:
    fact = next(one for one in probes.facts if one.id == fact_id)
    if fact.assumed is None:
        return "hand"
    if fact.calls() <= probes.reading():
        return "check"
    return "check, `WRITE=1`" if fact.is_pressing else "check, `ALL=1`"


def _statement(fact: Fact) -> str:
    setting = fact.get("site_setting")
    return _cell(fact["statement"]) + (f" Depends on the site's `{setting}`." if setting else "")


def _source(fact: Fact) -> str:
    if isinstance(fact["source"], str):
        return "none"
    links = ", ".join(f"[{urlsplit(address).hostname}](<{address}>)" for address in fact["source"])
    return links + (f" ({_cell(fact['where'])})" if "where" in fact else "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
