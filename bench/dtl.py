"""`python -m bench.dtl`: one mapping as DTL, as hand-written Python and as jmespath.

The mapping makes a canonical entity of a billing customer: 12 properties copied, 2 renamed, a concatenation,
seconds since 1970 to an ISO text, a condition, a list mapped, `_id` and `_deleted` set. All engines get
parsed entities and have to give the same result before they are timed. Rounds take turns, in CPU seconds, so
that a busy machine slows down all of them alike; the best round of each counts.
"""

from __future__ import annotations

import datetime
import random
import time
from collections.abc import Callable
from typing import Any

import jmespath  # type: ignore[import-untyped]
from jmespath import functions

from bench._figures import note
from core.jsonio import Json
from localnode.dtl import PipeSettings, compile_dtl
from localnode.dtl.memory import MemoryContext

Entity = dict[str, Any]
Engine = Callable[[Entity], Entity]

COPIED = [
    "email", "phone", "company", "vat_number", "auto_collection", "net_term_days", "taxability", "locale",
    "channel", "preferred_currency_code", "mrr", "net_id",
]  # fmt: skip
RULES = {
    "default": [
        ["copy", ["list", *COPIED]],
        ["add", "_id", ["concat", "chargebee-customer:", "_S.id"]],
        ["add", "_deleted", "_S.deleted"],
        ["rename", "cf_erp_id", "erp_number"],
        ["add", "city", "_S.billing_address.city"],
        ["add", "name", ["concat", "_S.first_name", " ", "_S.last_name"]],
        [
            "add",
            "updated",
            ["datetime-format", "%Y-%m-%dT%H:%M:%SZ", ["datetime", ["*", "_S.updated_at", 1_000_000_000]]],
        ],
        ["add", "segment", ["if", ["gt", "_S.mrr", 20000], "large", "small"]],
        ["add", "contact_emails", ["map", ["lower", "_.email"], "_S.contacts"]],
    ]
}
NAMESPACED = {
    "default": [
        *RULES["default"][:1],
        ["add", "_id", ["concat", "customer:", "_S.id"]],
        *RULES["default"][2:],
    ]
}
ROUNDS, ENTITIES, CHECKED = 5, 20_000, 200


def customers(count: int) -> list[Entity]:
    """Return entities as a billing API gives them, the same ones in every run."""
    rng = random.Random(7)
    return [_customer(number, rng) for number in range(count)]


def _customer(number: int, rng: random.Random) -> Entity:
    first, last = rng.choice(["Ada", "Dina", "Grace", "Jonas"]), rng.choice(["Berg", "Lie", "Okafor", "Vik"])
    person = {"first_name": first, "last_name": last}
    return {
        **person,
        "id": f"c{number:07d}",
        "_id": f"c{number:07d}",
        "email": f"{first}.{last}.{number}@example.com",
        "phone": f"+47{40_000_000 + number}",
        "company": f"{last} & Sons {number % 977}",
        "vat_number": f"NO{900_000_000 + number}MVA",
        "auto_collection": ("off", "on")[number % 2],
        "net_term_days": (0, 14, 30)[number % 3],
        "taxability": "taxable",
        "locale": "nb-NO",
        "channel": "web",
        "preferred_currency_code": "NOK",
        "mrr": number % 50 * 1000,
        "net_id": number,
        "cf_erp_id": f"ERP-{number}",
        "created_at": 1_704_067_200 + number * 600,
        "updated_at": 1_704_067_200 + number * 601,
        "deleted": number % 200 == 0,
        "billing_address": {**person, "line1": f"Storgata {number % 200}", "city": "Oslo", "country": "NO"},
        "contacts": [{**person, "id": f"con{number}", "email": f"{first}@{last}.EXAMPLE", "enabled": True}],
        "meta_data": {"source": "erp", "rank": number % 10},
    }


def _iso(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def hand_written(source: Entity) -> Entity:
    """Return the mapping as a Python programmer would write it: the ceiling."""
    target = {name: source[name] for name in COPIED}
    target["_id"] = "chargebee-customer:" + source["id"]
    target["_deleted"] = source["deleted"]
    target["erp_number"] = source["cf_erp_id"]
    target["city"] = source["billing_address"]["city"]
    target["name"] = source["first_name"] + " " + source["last_name"]
    target["updated"] = _iso(source["updated_at"])
    target["segment"] = "large" if source["mrr"] > 20000 else "small"
    target["contact_emails"] = [contact["email"].lower() for contact in source["contacts"]]
    return target


def dtl(settings: PipeSettings, rules: Json) -> Engine:
    """Return the mapping as a compiled DTL program."""
    transform, context = compile_dtl(rules, settings).transform, MemoryContext()
    return lambda source: transform(source, context)[0]


def as_jmespath() -> Engine:
    """Return the mapping as a jmespath expression with two functions added."""

    class Functions(functions.Functions):  # type: ignore[misc]  # jmespath has no types
        @functions.signature({"types": ["number"]})  # type: ignore[untyped-decorator]
        def _func_iso(self, seconds: int) -> str:
            return _iso(seconds)

        @functions.signature({"types": ["string"]})  # type: ignore[untyped-decorator]
        def _func_lower(self, value: str) -> str:
            return value.lower()

    copied = ", ".join(f"{name}: {name}" for name in COPIED)
    expression = jmespath.compile(
        f"{{{copied}, _id: join('', ['chargebee-customer:', id]), _deleted: deleted, erp_number: cf_erp_id, "
        "city: billing_address.city, name: join(' ', [first_name, last_name]), updated: iso(updated_at), "
        "segment: (mrr > `20000` && 'large') || 'small', contact_emails: contacts[*].email.lower(@)}"
    )
    options = jmespath.Options(custom_functions=Functions())
    return lambda source: expression.search(source, options=options)


def _seconds(engine: Engine, entities: list[Entity]) -> float:
    start = time.process_time()
    for entity in entities:
        engine(entity)
    return time.process_time() - start


def main() -> int:
    """Print entities per CPU second of each engine and their part of the ceiling.

    1 if one gives another result.
    """
    entities = customers(ENTITIES)
    plain = dtl(PipeSettings("bench"), RULES)
    engines = {"hand-written Python": hand_written, "DTL": plain, "jmespath": as_jmespath()}
    for name, engine in engines.items():
        wrong = next((e["_id"] for e in entities[:CHECKED] if engine(e) != hand_written(e)), None)
        if wrong:
            print(f"{name} gives another result for {wrong}")
            return 1
    namespaced = PipeSettings("bench", namespaced_identifiers=True, property_namespace="customer")
    engines["DTL, namespaces on"] = dtl(namespaced, NAMESPACED)
    best = dict.fromkeys(engines, float("inf"))
    for _ in range(ROUNDS):
        for name, engine in engines.items():
            best[name] = min(best[name], _seconds(engine, entities))
    ceiling = best["hand-written Python"]
    print(f"{'engine':24}{'entities/CPU s':>16}{'of the ceiling':>16}")
    for name, seconds in best.items():
        print(f"{name:24}{ENTITIES / seconds:>16,.0f}{ceiling / seconds:>16.0%}")
        if name.startswith("DTL"):
            note(f"dtl: {name}, of hand-written Python", ceiling / seconds, "share")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
