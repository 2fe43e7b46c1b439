"""What counts as an echo of our own write, asked of an enrich pipe as `python -m localnode transform` runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.commands import localnode

MADE = "1970-01-01T00:00:00.000000Z"
SENT, EDITED = "2026-11-28T10:00:11.000000Z", "2026-11-28T10:00:48.000000Z"
NI = "~:chargebee-item:product-1"


def enriched(folder: Path, now: dict[str, Any], was: dict[str, Any]) -> dict[str, Any]:
    """The claims of an item whose enriched entity said `was` when it was read before."""
    member = {"of": NI, "type": "chargebee-item", "deleted": False, "modified": SENT, "claims": was}
    earlier = folder / "earlier.json"
    earlier.write_text(json.dumps([{"_id": NI[2:], "$ids": [NI], "links": [], "members": [member]}]))
    item = {"_id": "product-1", "id": "product-1", "name": "One", "$last-modified": EDITED, **now}
    words = ["transform", "chargebee-item-enrich", "--config", "."]
    words += ["--dataset", f"chargebee-item-enrich={earlier}"]
    done = localnode(*words, stdin=json.dumps([item]))
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout)[0]["members"][0]["claims"])


def test_what_was_made_otherwise_than_it_was_sent_is_edited_when_it_says_so_later(tmp_path: Path) -> None:
    """The second step of a create was lost; somebody does the same by hand, after the sync had changed its mind."""
    sent = {"status": {"v": "archived", "t": SENT}}
    was = {"status": {"v": "active", "t": MADE}}
    edited = enriched(tmp_path, {"status": "archived", "$sent": [sent]}, was)
    assert edited["status"]["t"] == EDITED
    asked = enriched(tmp_path, {"status": "archived", "$sent": [sent], "$in_flight": [sent]}, was)
    assert asked["status"]["t"] == SENT, "unless it is being written now"
