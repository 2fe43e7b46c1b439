"""The examples for operations fit what the services and the node really offer."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from connectors.common.metrics import Metrics
from localnode.api.metrics import METRICS
from tests.support.processes import ROOT

GRACEFUL_S = 30
"""gunicorn's graceful_timeout, see connectors/common/gunicorn.conf.py."""

SERVICES = ("erp-service", "chargebee-service")
DOCKERFILE = ROOT / "connectors" / "Dockerfile"
ZERO = "@sha256:" + "0" * 64
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
    image = DOCKERFILE.read_text(encoding="utf-8")
    assert f"USER {pod['securityContext']['runAsUser']}:" in image
    assert container["ports"][0]["containerPort"] == 5000
    assert container["resources"]["limits"]["memory"] == "128Mi"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    given = {each["name"] for each in container["env"]} | set(re.findall(r"--from-literal=([A-Z_]+)", text))
    assert not [setting for setting in given if f"`{setting}`" not in SETTINGS]
    assert container["image"].endswith(ZERO), "pinned by digest"
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert pod["terminationGracePeriodSeconds"] > GRACEFUL_S
    kinds = {each["kind"]: each for each in documents}
    for kind in ("NetworkPolicy", "PodDisruptionBudget"):
        selector = kinds[kind]["spec"].get("podSelector") or kinds[kind]["spec"]["selector"]
        assert selector["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert kinds["NetworkPolicy"]["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_webhooks_have_all_their_settings() -> None:
    text = (ROOT / "ops" / "kubernetes" / "chargebee-service.yaml").read_text(encoding="utf-8")
    for setting in ("WEBHOOK_USERNAME", "WEBHOOK_PASSWORD", "NODE_URL", "NODE_JWT"):
        assert setting in text


def test_scrapes_present_credentials() -> None:
    monitors = list(
        yaml.safe_load_all((ROOT / "ops" / "kubernetes" / "monitoring.yaml").read_text(encoding="utf-8"))
    )
    assert [each["metadata"]["name"] for each in monitors] == list(SERVICES)
    for monitor in monitors:
        [endpoint] = monitor["spec"]["endpoints"]
        secrets = (ROOT / "ops" / "kubernetes" / f"{monitor['metadata']['name']}.yaml").read_text(
            encoding="utf-8"
        )
        for part in endpoint["basicAuth"].values():
            assert part["name"] == monitor["metadata"]["name"]
            assert f"--from-literal={part['key']}=" in secrets
    jobs = yaml.safe_load((ROOT / "ops" / "prometheus" / "scrape.yaml").read_text(encoding="utf-8"))
    assert all("basic_auth" in job or "authorization" in job for job in jobs)


def test_compose_waits_for_requests_under_way_and_hands_on_settings_that_exist() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for service in services.values():
        assert int(service["stop_grace_period"].removesuffix("s")) > GRACEFUL_S
        assert not [name for name in service["environment"] if f"`{name}`" not in SETTINGS]


def test_nothing_but_what_is_copied_goes_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[1] == "*"
    kept = [line[1:] for line in ignored if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.M)
    assert copied
    assert {each.partition("/")[0] for each in copied} <= set(kept)
