"""Commands about alerts: what is firing, whether the channels work, and the rules for Prometheus."""

from __future__ import annotations

import argparse
import os

from core.jsonio import Json
from localnode.alerts.prometheus import prometheus_rules
from localnode.alerts.rules import read_rules
from localnode.alerts.settings import alert_settings
from localnode.cli.client import NodeClient


def show(options: argparse.Namespace) -> int:
    """Print what is firing and how people are told; 1 when something is firing."""
    found = NodeClient(options.node, options.jwt).json("GET", "/alerts")
    for title, alerts in (("firing", found["firing"]), ("not for long enough yet", found["coming"])):
        for each in alerts:
            about = f"{each['about']}: {each['detail']} (since {each['since'][:19]})"
            print(f"{title}: {each['severity']} {each['rule']}: {about}")
    for channel in found["channels"]:
        print(f"channel {channel['id']}: {_channel(channel)}")
    if not found["channels"]:
        print(f"nobody is notified: {found['file']} has no channels")
    if found["problem"]:
        print(f"the former rules still count: {found['problem']}")
    return 1 if found["firing"] else 0


def _channel(channel: Json) -> str:
    if channel["error"]:
        return f"does not work: {channel['error']}; {channel['waiting']} events wait"
    return f"last sent {channel['sent'][:19]}" if channel["sent"] else "nothing sent yet"


def try_channels(options: argparse.Namespace) -> int:
    """Send a message over every channel; 1 when one does not get through."""
    node = NodeClient(options.node, options.jwt)
    results = node.json("POST", "/alerts/test", timeout=(5, 120))
    for each in results:
        print(f"channel {each['channel']}: {each['error'] or 'sent'}")
    if not results:
        print("there are no channels")
    return 1 if any(each["error"] for each in results) else 0


def check(options: argparse.Namespace) -> int:
    """Say whether a file of rules can be used."""
    rules = read_rules(options.file, os.environ)
    print(f"{options.file}: {len(rules.rules)} rules, {len(rules.channels)} channels")
    return 0


def prometheus(options: argparse.Namespace) -> int:
    """Print the rules as a rule file for Prometheus; channels are its alert manager's business."""
    print(prometheus_rules(read_rules(options.file or alert_settings(os.environ).rules, os.environ)), end="")
    return 0
