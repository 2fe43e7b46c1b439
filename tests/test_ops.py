"""The examples for operations fit what the services and the node really offer."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from connectors.common.metrics import Metrics
from localnode.api.metrics import METRICS
from tests.support.processes import ROOT

SERVICES = {
    "erp-service": "connectors/erp/Dockerfile",
    "chargebee-service": "connectors/chargebee/Dockerfile",
}
SETTINGS = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")


def test_the_dashboard_asks_for_metrics_that_exist() -> None:
    names = {name for name, _, _ in METRICS} | {"process_resident_memory_bytes"}
    for family in Metrics().registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        names |= {family.name + suffix for suffix in suffixes}
    dashboard = json.loads((ROOT / "ops" / "grafana" / "erp-chargebee.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = {
        name for query in queries for name in re.findall(r"\b(?:sesam|service|upstream|process)_\w+", query)
    }
    assert asked
    assert not sorted(asked - names)
    spots = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(set(spots)) == len(spots)


@pytest.mark.parametrize("name", SERVICES)
def test_the_kubernetes_example_fits_the_image(name: str) -> None:
    text = (ROOT / "ops" / "kubernetes" / f"{name}.yaml").read_text(encoding="utf-8")
    documents = list(yaml.safe_load_all(text))
    deployment = next(each for each in documents if each["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    image = (ROOT / SERVICES[name]).read_text(encoding="utf-8")
    assert f"USER {pod['securityContext']['runAsUser']}:" in image
    assert container["ports"][0]["containerPort"] == 5000
    assert container["resources"]["limits"]["memory"] == "128Mi"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    given = {each["name"] for each in container["env"]} | set(re.findall(r"--from-literal=([A-Z_]+)", text))
    assert not [setting for setting in given if f"`{setting}`" not in SETTINGS]
