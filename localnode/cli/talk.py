"""Commands about records and what the flow makes of them; they ask a node."""

from __future__ import annotations

import argparse
import json
from typing import Any
from urllib.parse import quote

from localnode.cli.client import NodeClient
from localnode.talk.explain_text import explanation_text


def explain(options: argparse.Namespace) -> int:
    """Print why a record is as it is."""
    node = NodeClient(options.node, options.jwt)
    parts = [quote(part, safe="") for part in (options.system, options.datatype, options.id)]
    found = node.json("GET", f"/talk/explain/{'/'.join(parts)}", params={"property": options.property})
    print(_json(found) if options.json else explanation_text(found))
    return 0


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
