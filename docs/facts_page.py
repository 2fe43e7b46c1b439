"""The reference page of what is known about Chargebee, made from the sandbox's facts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FACTS = Path(__file__).resolve().parent.parent / "sandbox/chargebee/facts.json"
Fact = Mapping[str, Any]


def page() -> Iterator[str]:
    """The lines of the page: a section for each topic, a table of facts in it."""
    facts = json.loads(FACTS.read_bytes())["facts"]
    unsourced = sum(fact["source"] == "none: probe" for fact in facts)
    yield from (
        "# Chargebee: facts",
        "",
        "What the services rely on and the sandbox imitates, made from `sandbox/chargebee/facts.json`.",
        f"{len(facts)} facts; {unsourced} have no public source: only a call to a test site settles those.",
        '`PUT /_sandbox/facts {"id": false}` turns a fact of the sandbox round, to see what then happens.',
    )
    for topic, those in groupby(facts, key=lambda fact: fact["topic"]):
        yield from ("", f"## {topic}", "", "| fact | statement | source | probe |", "|---|---|---|---|")
        for fact in those:
            yield f"| `{fact['id']}` | {_statement(fact)} | {_source(fact)} | {_cell(fact['probe'])} |"


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
