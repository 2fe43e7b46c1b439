"""Studio: the node's web pages.

Pages are empty shells, open to whoever reaches the node; everything they show is fetched from
`/studio/data` and `/api`, which ask for the node's token as ever.
"""

from __future__ import annotations

from flask import Flask

from localnode.studio import browse, cases, dead_letters, flow, journal, overview, runs, summary
from localnode.studio.data import data
from localnode.studio.node_log import NodeLog
from localnode.studio.pages import pages
from localnode.studio.security import protect

__all__ = ["register"]

MODULES = (browse, cases, dead_letters, flow, journal, overview, runs, summary)
"""They add their routes to the `data` blueprint when imported."""


def register(app: Flask) -> None:
    """Add Studio to the node's application, and its headers to every answer."""
    NodeLog.attach(app)
    app.register_blueprint(pages)
    app.register_blueprint(data)
    protect(app)
