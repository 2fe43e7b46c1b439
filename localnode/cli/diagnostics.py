"""Commands that ask a node about records and the flow."""

from __future__ import annotations

import argparse
import json
from typing import Any
from urllib.parse import quote

from localnode.cli.client import NodeClient
from localnode.cli.progress import told_meanwhile
from localnode.config import pack_directory, read_variables
from localnode.diagnostics.compare_text import compare_text
from localnode.diagnostics.explain_text import explanation_text
from localnode.diagnostics.plan_text import plan_text
from localnode.diagnostics.verify_text import verify_markdown, verify_text

NOTHING, ERROR, SOMETHING = 0, 1, 2
AGAIN = "Reading both systems again"
COLLECTED = "Comparing the two configurations over what was collected so far"


def explain(options: argparse.Namespace) -> int:
    """Print why a record is as it is."""
    node = NodeClient(options.node, options.jwt)
    parts = [quote(part, safe="") for part in (options.system, options.datatype, options.id)]
    found = node.json("GET", f"/diagnostics/explain/{'/'.join(parts)}", params={"property": options.property})
    print(_json(found) if options.json else explanation_text(found))
    return 0


def plan(options: argparse.Namespace) -> int:
    """Print what a run, or another configuration, would do; 0 nothing, 2 something, 1 the command failed."""
    node = NodeClient(options.node, options.jwt)
    if options.config is None:
        found = _ask(node, "/diagnostics/plan", options, AGAIN)
        print(_json(found) if options.json else plan_text(found))
    else:
        files = {"file": ("config", pack_directory(options.config), "application/zip")}
        variables = read_variables(options.config, options.profile) if options.profile else None
        form = {} if variables is None else {"env": json.dumps(variables)}
        found = _ask(node, "/diagnostics/plan", options, COLLECTED, files=files, data=form)
        print(_json(found) if options.json else compare_text(found))
    return _exit_code(found["status"])


def verify(options: argparse.Namespace) -> int:
    """Print whether both sides agree; 0 they do, 2 they do not, 1 the command failed."""
    node = NodeClient(options.node, options.jwt)
    found = _ask(node, "/diagnostics/verify", options, AGAIN)
    print(_json(found) if options.json else verify_text(found))
    if options.report is not None:
        options.report.write_text(verify_markdown(found), encoding="utf-8")
    return _exit_code(found["status"])


def _ask(node: NodeClient, path: str, options: argparse.Namespace, what: str, **content: object) -> Any:
    """One question; the node is given the time it may take, and a minute to answer."""
    limit = {"max_run_time": options.max_run_time}
    with told_meanwhile(NodeClient(options.node, options.jwt), what):
        return node.json("POST", path, params=limit, timeout=(5, options.max_run_time + 60), **content)


def _exit_code(status: str) -> int:
    return {"nothing": NOTHING, "agree": NOTHING, "failed": ERROR}.get(status, SOMETHING)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
