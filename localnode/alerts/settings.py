"""Settings of the alerts: the file of rules, and the mail server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.settings import BadSetting, choice, integer, read, setting, text
from localnode.alerts.rules import DEFAULT

STARTTLS, TLS, NONE = "starttls", "tls", "none"
PORTS = {STARTTLS: 587, TLS: 465, NONE: 25}


def address(value: str) -> str:
    """Return an e-mail address."""
    name, at, host = value.rpartition("@")
    if not (name and at and host) or any(character.isspace() for character in value):
        raise ValueError("must be an e-mail address")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """The file of alert rules, and the mail server; no e-mail without `host`."""

    rules: Path = setting(
        "NODE_ALERTS",
        "file of [alert rules](../howto/alerts.md)",
        Path,
        DEFAULT,
        shown="built in, notifies nobody",
    )
    host: str = setting("ALERTS_SMTP_HOST", "SMTP server for alerts", text, "")
    port: int | None = setting(
        "ALERTS_SMTP_PORT", "its port", integer(1, 65535), None, shown="587, 465 or 25, depending on TLS"
    )
    tls: str = setting(
        "ALERTS_SMTP_TLS",
        "`starttls`, `tls` from the first byte, or `none`",
        choice(STARTTLS, TLS, NONE),
        STARTTLS,
    )
    username: str = setting("ALERTS_SMTP_USERNAME", "user name on the SMTP server", text, "")
    password: str = setting("ALERTS_SMTP_PASSWORD", "the password for it", text, "", secret=True)
    sender: str = setting("ALERTS_FROM", "sender address of alerts", address, "")


def alert_settings(environment: Mapping[str, str]) -> AlertSettings:
    """Return the settings; BadSetting names what is wrong, or missing beside another."""
    found = read(AlertSettings, environment)
    if found.host and not found.sender:
        raise BadSetting("ALERTS_FROM is required beside ALERTS_SMTP_HOST")
    if bool(found.username) != bool(found.password):
        raise BadSetting("ALERTS_SMTP_USERNAME and ALERTS_SMTP_PASSWORD are needed both, or neither")
    return found
