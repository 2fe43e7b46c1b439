"""docs/reference/metrics.md names every metric that the services and the node have, and no other."""

from __future__ import annotations

import re

from connectors.chargebee.app import create_app
from connectors.common.service import Runtime
from localnode.api.metrics import METRICS
from tests.support.processes import ROOT

SETTINGS = {
    "CHARGEBEE_SITE": "acme-test",
    "CHARGEBEE_API_KEY": "key",
    "WEBHOOK_USERNAME": "u",
    "WEBHOOK_PASSWORD": "p",
    "NODE_URL": "http://127.0.0.1:9/api",
}


def test_every_metric_is_described() -> None:
    parts = create_app(SETTINGS).extensions["connectors"]
    assert isinstance(parts, Runtime)
    has = {family.name for family in parts.service.metrics.registry.collect()}
    has = {name for name in has if not name.startswith("process_")} | {name for name, _, _ in METRICS}
    lines = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8").splitlines()
    cells = [line.split("|")[1] for line in lines if line.startswith("| `")]
    described = {name for cell in cells for name in re.findall(r"`([a-z0-9_]+)`", cell)}
    assert has == described
