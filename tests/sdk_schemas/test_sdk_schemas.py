"""Every request of a full sync of the demo data, and of a soak, passes the request schemas of Chargebee's own client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import orjson
import pytest

from connectors.chargebee.billing import BILLING_INFO
from connectors.chargebee.datatype import CREATE_ONLY, NEVER_EMPTY
from connectors.chargebee.forms import fields
from tests.sdk_schemas.requests_judged import SERVICE, Judged, judged, undocumented
from tests.sdk_schemas.runs import demo, long_soak
from tests.support.openapi import DOCUMENT
from tests.support.processes import ROOT
from tests.support.thirdparty import CannotFetch

SCHEMAS = ROOT / "connectors" / "chargebee" / "schemas"
pytestmark = pytest.mark.slow


def verdict(recording: Path) -> Judged:
    try:
        return judged(recording)
    except CannotFetch as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=[demo, long_soak])
def recording(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run: Callable[[Path], Path] = request.param
    return run(tmp_path_factory.mktemp(run.__name__))


@pytest.mark.timeout(900)
def test_every_request_passes_the_clients_own_schemas(recording: Path) -> None:
    found = verdict(recording)
    assert found.requests > 200
    assert found.faults == [], found.summary()


@pytest.mark.timeout(900)
@pytest.mark.skipif(not DOCUMENT.exists(), reason="the OpenAPI document is not beside the project")
def test_every_request_is_in_the_openapi_document(recording: Path) -> None:
    assert undocumented(recording) == []


PATHS = {"customer": "/customers/x", "order": "/orders/x", "item": "/items/x", "item_price": "/item_prices/x"}


def test_whatever_is_emptied_passes_the_clients_own_schemas(tmp_path: Path) -> None:
    """Each property of each datatype that the service empties, in a request of its own."""
    recording, lines = tmp_path / "requests.jsonl", []
    for datatype, path in PATHS.items():
        rules = orjson.loads((SCHEMAS / f"{datatype}.schema.json").read_bytes())["properties"]
        for name, rule in rules.items():
            may_be_empty = "null" in rule.get("type", []) or None in rule.get("enum", []) or "default" in rule
            if not may_be_empty or rule.keys() & {NEVER_EMPTY, CREATE_ONLY, "readOnly"}:
                continue
            if name not in ("order_line_items", "payment_status", "accounting_detail", "tax_detail"):
                call = f"{path}/update_billing_info" if name in BILLING_INFO else path
                body = urlencode(fields({name: rule.get("default")}))
                request = {
                    "method": "POST",
                    "path": call,
                    "query": "",
                    "body": body,
                    "client": f"{SERVICE}/0.1",
                }
                lines.append(orjson.dumps(request))
    recording.write_bytes(b"\n".join(lines))
    found = verdict(recording)
    assert found.requests > 40
    assert found.faults == [], found.summary()


def test_what_is_wrong_is_noticed(tmp_path: Path) -> None:
    recording = tmp_path / "requests.jsonl"
    rows = [
        (
            "GET",
            "/customers",
            "limit=100&updated_at[between]=[1790000000,1790000001]&sort_by[asc]=updated_at",
            "",
        ),
        ("POST", "/customers/c1", "", "cf_tier=gold&net_term_days=5&meta_data=%7B%22a%22%3A1%7D"),
        ("GET", "/customers", "vat_number[is]=1", ""),
        ("POST", "/customers/c1", "", "vat_number=1&net_term_days=soon"),
        ("POST", "/orders/o1", "", "status=&cf_x=1"),
        ("POST", "/orders/import_order", "", "invoice_id=i1&status=queued"),
        ("POST", "/customers/c1/greet", "", ""),
    ]
    names = ("method", "path", "query", "body")
    lines = [orjson.dumps({**dict(zip(names, row, strict=True)), "client": f"{SERVICE}/0.1"}) for row in rows]
    recording.write_bytes(b"\n".join(lines))
    found = {fault["line"]: fault["problems"] for fault in verdict(recording).faults}
    assert sorted(found) == [3, 4, 5, 6, 7]
    assert found[3] == ["vat_number[is] is no parameter"]
    assert len(found[4]) == 2, "one is no parameter, the other no number"
    assert len(found[5]) == 1, "a status is never empty"
    assert len(found[6]) == 3, "created_at, order_date and shipping_date are required"
