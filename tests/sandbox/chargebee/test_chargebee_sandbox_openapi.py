"""Every record of the sandbox fits the schemas of Chargebee's OpenAPI document, where that is at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from jsonschema import Draft202012Validator

from tests.support.processes import ROOT
from tests.support.systems import Chargebee

DOCUMENT = ROOT.parent / "shared" / "reference" / "chargebee-openapi-subset.json"
SCHEMAS = {
    "customers": "Customer",
    "items": "Item",
    "item_families": "ItemFamily",
    "item_prices": "ItemPrice",
    "invoices": "Invoice",
    "orders": "Order",
    "events": "Event",
}

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(), reason="the OpenAPI document is not beside the project"
)


def validator(document: Path, name: str) -> Draft202012Validator:
    whole: dict[str, Any] = orjson.loads(document.read_bytes())
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": whole["components"]})


def known_names(document: Path, name: str) -> set[str]:
    return set(orjson.loads(document.read_bytes())["components"]["schemas"][name]["properties"])


SEEN_BESIDES = {"orders": {"exchange_rate", "base_currency_code"}}
"""What recorded answers of real sites hold and the published schemas do not name (facts.json)."""


@pytest.mark.parametrize("path", SCHEMAS)
def test_records_fit_the_published_schemas(path: str, site: Chargebee) -> None:
    requests.post(f"{site.root}/_sandbox/reset", json={"data": "demo"}, timeout=30).raise_for_status()
    site.turn_round("older-items-lack-deleted")
    records = site.all(path)
    site.turn_round()
    assert records
    check = validator(DOCUMENT, SCHEMAS[path])
    names = known_names(DOCUMENT, SCHEMAS[path]) | {"object"} | SEEN_BESIDES.get(path, set())
    for record in records:
        problems = [f"{list(error.path)}: {error.message[:200]}" for error in check.iter_errors(record)]
        assert not problems, record["id"]
        assert {name for name in record if not name.startswith("cf_")} <= names
