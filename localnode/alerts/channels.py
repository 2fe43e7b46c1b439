"""Send a message to people: by e-mail, or through a webhook.

Every call has a time limit, and messages about failures contain no secret.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from typing import Any

import requests

from localnode.alerts import message
from localnode.alerts.rules import AlertRules, Channel
from localnode.alerts.settings import PORTS, STARTTLS, TLS, AlertSettings
from localnode.alerts.state import Event

TIMEOUT_S = 20.0
FORMATS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "slack": message.slack,
    "teams": message.teams,
    "webhook": message.plain,
}


class NotSent(Exception):
    """A message did not get through; the text says why, without addresses of hooks or passwords."""


def send(
    channel: Channel, events: Sequence[Event], rules: AlertRules, node: str, settings: AlertSettings
) -> None:
    """Send events to a channel. Raises NotSent."""
    if channel.type == "email":
        _mail(channel, message.subject(events, node), message.text(events, rules, node), settings)
    else:
        _post(channel.url, FORMATS[channel.type](events, rules, node))


def _mail(channel: Channel, subject: str, text: str, settings: AlertSettings) -> None:
    if not settings.host:
        raise NotSent("no mail server is configured: set ALERTS_SMTP_HOST and ALERTS_FROM")
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, settings.sender, ", ".join(channel.to)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail.set_content(text)
    host, port = settings.host, settings.port or PORTS[settings.tls]
    context = ssl.create_default_context()
    try:
        if settings.tls == TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
        with server:
            if settings.tls == STARTTLS:
                server.starttls(context=context)
            if settings.username:
                server.login(settings.username, settings.password)
            server.send_message(mail)
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"{host} answers {error.smtp_code}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"{host}:{port}: {type(error).__name__}") from error


def _post(url: str, body: dict[str, object]) -> None:
    try:
        with requests.Session() as session:
            answer = session.post(url, json=body, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        raise NotSent(f"the hook does not answer: {type(error).__name__}") from error
    if not answer.ok or answer.is_redirect:
        raise NotSent(f"the hook answers {answer.status_code}")
