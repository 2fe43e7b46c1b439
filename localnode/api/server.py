"""Serve the application: gunicorn with threads, in exactly one worker process, which holds the node.

The worker opens the node after the fork and closes it when it ends. SIGTERM and SIGINT first ask runs to end
after their present batch, so that stopping takes seconds and loses nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.errors import AppImportError  # type: ignore[import-untyped]

from core.http_worker import SETTINGS, BoundedWorker
from core.settings import BadSetting
from localnode.alerts.watch import AlertWatch
from localnode.api.app import create_app
from localnode.api.current import alerts_of
from localnode.config import ConfigRefused, NodeSettings
from localnode.errors import NodeError
from localnode.node import Node

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 75


class NodeWorker(BoundedWorker):
    """The only worker; when it is told to stop, it stops its node."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.request_seconds = self.app.settings.request_timeout

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle SIGTERM: finish current work, start nothing new."""
        _ask_to_end(self)
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Handle SIGINT and SIGQUIT in the same way."""
        _ask_to_end(self)
        super().handle_exit(sig, frame)


class NodeServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's application object; `opened` is called in the worker when the node is open."""

    def __init__(self, settings: NodeSettings, opened: Callable[[Node], None]) -> None:
        self.settings = settings
        self.opened = opened
        self.node: Node | None = None
        self.alerts: AlertWatch | None = None
        super().__init__()

    def load_config(self) -> None:
        """Set fixed options.

        One process, threads, loopback unless another address is given, no files left behind.
        """
        options: dict[str, Any] = {
            **SETTINGS,
            "bind": f"{self.settings.host}:{self.settings.port}",
            "workers": 1,
            "worker_class": NodeWorker,
            "threads": self.settings.http_threads,
            "keepalive": KEEP_ALIVE_SECONDS,
            "timeout": 0,
            "graceful_timeout": self.settings.stop_seconds,
            "loglevel": "warning",
            "proc_name": "localnode",
            "worker_exit": lambda _server, _worker: self.close(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Open the node; runs in the worker. An error of the config or the folder ends the server."""
        try:
            self.node = Node(self.settings)
            self.opened(self.node)
            app = create_app(self.node, self.node.token)
        except (BadSetting, ConfigRefused, NodeError) as error:
            raise AppImportError(f"localnode: {error}") from error
        self.alerts = alerts_of(app)
        self.alerts.start()
        return app

    def close(self) -> None:
        """Close the node; runs in the worker when it ends."""
        if self.alerts is not None:
            self.alerts.stop()
        if self.node is not None:
            self.node.close()


def _ask_to_end(worker: NodeWorker) -> None:
    node = getattr(worker.app, "node", None)
    if node is not None:
        node.ask_to_end()


def serve(settings: NodeSettings, opened: Callable[[Node], None]) -> bool:
    """Serve until a signal stops it; return False if the node could not be opened.

    gunicorn ends with SystemExit. The worker is a fork that also passes here, and must keep its own exit
    code.
    """
    parent = os.getpid()
    try:
        NodeServer(settings, opened).run()
    except SystemExit as end:
        if os.getpid() != parent:
            raise
        return not end.code
    return True
