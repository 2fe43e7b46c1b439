"""The file of alert rules: what it may say, and what is refused with its place."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings import BadSetting
from localnode.alerts.prometheus import OF_SERVICES, prometheus_rules
from localnode.alerts.rules import DEFAULT, HERE, read_rules
from localnode.alerts.settings import AlertSettings, alert_settings
from localnode.alerts.watch import check_settings
from localnode.api.metrics import METRICS
from localnode.diagnostics.findings import KINDS, NOTES, Finding
from tests.support.processes import ROOT

RULE = {"name": "r", "when": ["failed"]}


def written(path: Path, **document: Any) -> Path:
    path = path / "alerts.json"
    path.write_text(json.dumps({"rules": [RULE], **document}))
    return path


def test_the_default_rules_are_about_everything_that_needs_attention() -> None:
    rules = read_rules(DEFAULT, {})
    covered = {kind for rule in rules.rules for kind in rule.when}
    assert {kind for kind, (severity, _) in KINDS.items() if severity != NOTES} <= covered
    assert rules.channels == () and all(rule.advice for rule in rules.rules)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"rules": [{"name": "r"}]}, "/rules/0/when: is missing"),
        ({"rules": [{**RULE, "when": ["faild"]}]}, 'at /rules/0/when: there is no finding "faild"; did you mean "failed"'),
        ({"rules": [{**RULE, "for_minuts": 1}]}, 'is not a known property; did you mean "for_minutes"'),
        ({"rules": [{**RULE, "for_minutes": -1}]}, "/rules/0/for_minutes"),
        ({"rules": [RULE, RULE]}, 'two rules are called "r"'),
        ({"channels": [{"type": "pager"}]}, "/channels/0/type"),
        ({"channels": [{"type": "email"}]}, "/channels/0/to: is missing"),
        ({"channels": [{"type": "email", "to": ["nobody"]}]}, "/channels/0/to/0"),
        ({"channels": [{"type": "slack"}]}, "/channels/0/url: is missing"),
        ({"channels": [{"type": "slack", "url": "ftp://x"}]}, "/channels/0/url"),
        ({"channels": [{"type": "slack", "url": "${HOOK}"}]}, "HOOK is required by the alert rules"),
        ({"channels": [{"type": "slack", "url": "http://x", "rules": ["q"]}]}, 'there is no rule "q"'),
        ({"quiet_hours": {"from": "25:00", "to": "07:00"}}, "/quiet_hours/from"),
        ({"quiet_hours": {"from": "22:00", "to": "07:00", "time_zone": "Europe/Olso"}}, 'did you mean "Europe/Oslo"'),
        ({"quiet_hours": {"from": "22:00", "to": "07:00", "days": ["sun day"]}}, "/quiet_hours/days/0"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_place(
    tmp_path: Path, document: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadSetting) as caught:
        read_rules(written(tmp_path, **document), {})
    assert said in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="cannot be read"):
        read_rules(tmp_path / "none.json", {})
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(BadSetting, match="not JSON"):
        read_rules(tmp_path / "bad.json", {})


def test_addresses_of_hooks_come_from_the_environment(tmp_path: Path) -> None:
    path = written(tmp_path, channels=[{"type": "slack", "url": "${HOOK}"}])
    assert (
        read_rules(path, {"HOOK": "https://hooks.example/secret"}).channels[0].url
        == "https://hooks.example/secret"
    )


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"ALERTS_SMTP_HOST": "mail"}, "ALERTS_FROM is required"),
        ({"ALERTS_SMTP_HOST": "mail", "ALERTS_FROM": "x"}, "ALERTS_FROM must be an e-mail address"),
        ({"ALERTS_SMTP_HOST": "mail", "ALERTS_FROM": "a@b", "ALERTS_SMTP_USERNAME": "u"}, "needed both"),
        ({"ALERTS_SMTP_TLS": "ssl"}, "ALERTS_SMTP_TLS must be one of starttls, tls, none"),
        ({"ALERTS_SMTP_PORT": "0"}, "ALERTS_SMTP_PORT"),
        ({"NODE_ALERTS": "nowhere.json"}, "nowhere.json cannot be read"),
    ],
)
def test_settings_that_cannot_be_used(environment: dict[str, str], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        check_settings(environment)


def test_mail_needs_a_server(tmp_path: Path) -> None:
    path = written(tmp_path, channels=[{"type": "email", "to": ["a@b.example"]}])
    with pytest.raises(BadSetting, match="ALERTS_SMTP_HOST and ALERTS_FROM are needed"):
        check_settings({"NODE_ALERTS": str(path)})
    assert alert_settings({"ALERTS_SMTP_HOST": "m", "ALERTS_FROM": "a@b"}) == AlertSettings(
        host="m", sender="a@b"
    )


def test_a_rule_matches_kind_pipe_and_number(tmp_path: Path) -> None:
    rule = read_rules(written(tmp_path, rules=[{**RULE, "pipes": ["crm-*"], "at_least": 5}]), {}).rules[0]
    assert rule.matches(Finding("failed", "", "crm-person-share", count=5))
    assert not rule.matches(Finding("failed", "", "crm-person-share", count=4))
    assert not rule.matches(Finding("failed", "", "erp-person-share", count=5))
    assert not rule.matches(Finding("disabled", "", "crm-person-share", count=5))


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("2026-06-01T19:59:00+00:00", False),
        ("2026-06-01T20:00:00+00:00", True),
        ("2026-06-02T04:59:00+00:00", True),
        ("2026-06-02T05:00:00+00:00", False),
        ("2026-12-01T20:30:00+00:00", False),
        ("2026-06-06T10:00:00+00:00", True),
    ],
)
def test_quiet_hours_pass_midnight_and_keep_to_the_clock_of_their_place(
    tmp_path: Path, moment: str, quiet: bool
) -> None:
    hours = {"from": "22:00", "to": "07:00", "time_zone": "Europe/Oslo", "days": ["sat"]}
    found = read_rules(written(tmp_path, quiet_hours=hours), {}).quiet
    assert found is not None and found.holds(datetime.fromisoformat(moment).astimezone(UTC)) is quiet


def test_the_rules_for_prometheus_are_current_and_ask_for_metrics_that_exist() -> None:
    text = (ROOT / "ops" / "prometheus" / "alerts.yaml").read_text(encoding="utf-8")
    assert text == prometheus_rules(read_rules(DEFAULT, {})), "python -m localnode alerts prometheus makes it"
    alerts = yaml.safe_load(text)["groups"][0]["rules"]
    assert len(alerts) == len(read_rules(DEFAULT, {}).rules) + len(OF_SERVICES)
    assert "sesam_findings" in {name for name, _, _ in METRICS}
    for alert in alerts:
        assert {"alert", "expr", "for", "labels", "annotations"} == set(alert)


def test_the_page_has_every_property() -> None:
    schema = json.loads((HERE / "rules.schema.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "howto" / "alerts.md").read_text(encoding="utf-8")
    rule = schema["properties"]["rules"]["items"]["properties"]
    quiet = schema["properties"]["quiet_hours"]["properties"]
    names = [*rule, *quiet, *(name for name in schema["properties"] if name[:1] != "$")]
    assert [name for name in names if f"`{name}`" not in page and f'"{name}"' not in page] == []
