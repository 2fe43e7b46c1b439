"""Write the alert rules for Prometheus, with rules for what no node can report about itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

from localnode.alerts.rules import AlertRules, Rule

OF_SERVICES = (
    ("SesamNodeDown", 'up{job="sesam-local-node"} == 0', 5, "error", "The local node does not answer."),
    ("SesamServiceDown", 'up{job="sesam-services"} == 0', 5, "error", "A service does not answer."),
    (
        "SesamUpstreamDown",
        "upstream_up == 0",
        10,
        "error",
        "The ERP or Chargebee cannot be reached, or refuses.",
    ),
    (
        "SesamSharesRejected",
        'increase(service_share_outcomes_total{status="rejected"}[1h]) > 0',
        5,
        "error",
        "Records are refused; open-endpoint names them.",
    ),
)
"""Name, expression, minutes, severity and meaning of the rules about services, and a node that is gone."""


def prometheus_rules(rules: AlertRules) -> str:
    """Return a rule file for Prometheus (YAML).

    See https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/.
    """
    of_findings = [line for rule in rules.rules for line in _of_findings(rule)]
    return "\n".join([*_head(), *of_findings, *_of_services(), ""])


def _head() -> Iterator[str]:
    yield "# Made by `python -m localnode alerts prometheus`; do not edit."
    yield "groups:"
    yield "  - name: sesam"
    yield "    rules:"


def _of_findings(rule: Rule) -> Iterator[str]:
    kinds = "|".join(sorted(rule.when))
    pipes = "|".join(pattern.replace("*", ".*") for pattern in rule.pipes)
    where = f'kind=~"{kinds}"' + (f', pipe=~"{pipes}"' if pipes else "")
    name = "Sesam" + "".join(part.title() for part in rule.name.split("-"))
    severity = rule.severity or "{{ $labels.severity }}"
    expression = f"sum by (kind, severity, pipe) (sesam_findings{{{where}}}) >= {rule.at_least}"
    said = "{{ $labels.pipe }}: {{ $labels.kind }}, {{ $value }} of them. " + rule.advice
    yield from _alert(name, expression, rule.seconds / 60, severity, said.strip())


def _of_services() -> Iterator[str]:
    for name, expression, minutes, severity, said in OF_SERVICES:
        yield from _alert(name, expression, minutes, severity, said)


def _alert(name: str, expression: str, minutes: float, severity: str, said: str) -> Iterator[str]:
    yield f"      - alert: {name}"
    yield f"        expr: {json.dumps(expression)}"
    yield f"        for: {minutes:g}m"
    yield "        labels:"
    yield f"          severity: {json.dumps(severity)}"
    yield "        annotations:"
    yield f"          summary: {json.dumps(said)}"
