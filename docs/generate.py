"""Make the reference pages that are read from the code.

Endpoints, pipes, commands, ERP profiles, facts about Chargebee.

`python docs/generate.py [FOLDER]` writes them (default: docs/reference). Each page says what the thing itself
says: the docstring of an endpoint, the help text of a command, the comment of a pipe.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flask import Flask  # noqa: E402

from connectors.chargebee import app as chargebee  # noqa: E402
from connectors.erp import app as erp  # noqa: E402
from docs.facts_page import page as facts_page  # noqa: E402
from docs.profile_page import SCHEMA, schema_text  # noqa: E402
from docs.profile_page import page as profile_page  # noqa: E402
from docs.readings_page import page as readings_page  # noqa: E402
from docs.settings_page import page as settings_page  # noqa: E402
from localnode.api.app import create_app  # noqa: E402
from localnode.cli.main import parser as localnode_parser  # noqa: E402
from localnode.config import NodeSettings  # noqa: E402
from localnode.node import Node  # noqa: E402
from stack.__main__ import parser as stack_parser  # noqa: E402

MADE = "<!-- Made by `make docs`; do not edit. -->"
SERVICES = """\
Both services answer these calls. The ERP service accepts webhooks if its profile has `webhooks`; only the
Chargebee service has `POST /webhooks/events`."""
NODE = """\
The API is that of a hosted node, as far as [the local node](../local-node.md) supports it. Additions are
`/api/diagnostics`, `/metrics` and the pages. `/api/talk` is the former name of `/api/diagnostics`."""
ENVIRONMENT = {
    "CHARGEBEE_SITE": "docs",
    "CHARGEBEE_API_KEY": "documentation",
    "WEBHOOK_USERNAME": "docs",
    "WEBHOOK_PASSWORD": "documentation",
    "NODE_URL": "http://127.0.0.1:9042/api",
    "ERP_BASE_URL": "http://127.0.0.1:8701/api/v1",
    "ERP_TOKEN": "documentation",
}


class Undescribed(Exception):
    """Something has no description of its own."""


def pages() -> dict[str, str]:
    """File name to text of every page."""
    made = {
        "endpoints": _endpoints(),
        "pipes": _pipes(),
        "commands": _commands(),
        "profile": profile_page(),
        "settings": settings_page(),
        "readings": readings_page(),
        "chargebee-facts": facts_page(),
    }
    return {f"{name}.md": "\n".join([MADE, "", *lines]).rstrip() + "\n" for name, lines in made.items()}


def _endpoints() -> Iterator[str]:
    yield from ("# Endpoints", "")
    yield from (
        "Errors are `application/problem+json` (RFC 9457), with the field, the rule and what to do.",
        "",
    )
    service = chargebee.create_app(ENVIRONMENT)
    yield from _application("The services", SERVICES, service)
    known = {rule.rule for rule in service.url_map.iter_rules()}
    own = sorted({rule.rule for rule in erp.create_app(ENVIRONMENT).url_map.iter_rules()} - known)
    if own:
        raise Undescribed(f"endpoints of the ERP service alone: {own}")
    with tempfile.TemporaryDirectory() as folder:
        node = Node(NodeSettings(data=Path(folder) / "data", schedule=False))
        yield from _application("The local node", NODE, create_app(node, node.token))
        node.close()


def _application(title: str, text: str, app: Flask) -> Iterator[str]:
    yield from (f"## {title}", "", text, "", "| call | what it does |", "|---|---|")
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        if rule.endpoint.endswith("static"):
            continue
        said = inspect.getdoc(app.view_functions[rule.endpoint])
        if not said:
            raise Undescribed(f"{app.name}: {rule.rule} ({rule.endpoint}) has no docstring")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield f"| `{method} {_path(rule.rule)}` | {_cell(said)} |"
    yield ""


def _path(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _pipes() -> Iterator[str]:
    yield from (
        "# Pipes",
        "",
        "Every pipe in `pipes/`, by the stages of the flow.",
        "",
        "| pipe | source | what it does |",
        "|---|---|---|",
    )
    for path in sorted((ROOT / "pipes").glob("*.conf.json")):
        pipe = json.loads(path.read_text(encoding="utf-8"))
        if not pipe.get("comment"):
            raise Undescribed(f"pipe {pipe['_id']} has no comment")
        yield f"| `{pipe['_id']}` | {_source(pipe['source'])} | {_cell(_text(pipe['comment']))} |"


def _text(comment: str | list[str]) -> str:
    return comment if isinstance(comment, str) else " ".join(comment)


def _source(source: dict[str, object]) -> str:
    names = source.get("datasets") or [source.get("dataset")]
    found = [str(name).split()[0] for name in names if name] if isinstance(names, list) else []
    return ", ".join(f"`{name}`" for name in found) or str(source["type"])


def _commands() -> Iterator[str]:
    yield from ("# Commands", "", "## make", "", "```")
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    yield from told.stdout.rstrip().splitlines()
    yield "```"
    for program in (localnode_parser(), stack_parser()):
        yield from ("", f"## {program.prog}", "", *_help(program))
        for command in _subparsers(program):
            yield from ("", f"### {command.prog}", "", *_help(command))


def _help(parser: argparse.ArgumentParser) -> Iterator[str]:
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=110)
    yield from ("```", *parser.format_help().rstrip().splitlines(), "```")


def _subparsers(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "reference"
    target.mkdir(parents=True, exist_ok=True)
    for file, page in pages().items():
        (target / file).write_text(page, encoding="utf-8")
    if len(sys.argv) == 1:
        SCHEMA.write_text(schema_text(), encoding="utf-8")
