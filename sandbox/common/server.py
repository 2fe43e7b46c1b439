"""Serving a sandbox: gunicorn with one worker of many threads, on the loopback interface only."""

from __future__ import annotations

import argparse
import ctypes
import signal
import sys
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from sandbox.common.app import CLOCK
from sandbox.common.data import DATA_SETS

THREADS = 32
PR_SET_PDEATHSIG = 1


class SandboxServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn around an app that is made in the worker, so that no database handle crosses a fork."""

    def __init__(self, create_app: Callable[[], Flask], port: int) -> None:
        self._create_app = create_app
        self._port = port
        super().__init__()

    def load_config(self) -> None:
        """Set everything here: no gunicorn file or environment variable of the user takes part."""
        options: dict[str, Any] = {
            "bind": [f"127.0.0.1:{self._port}"],
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": 75,
            "timeout": 0,
            "graceful_timeout": 1,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_fork": _die_with_master,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application; called by gunicorn in the worker."""
        app = self._create_app()
        _date_by(app.extensions[CLOCK])
        return app


def _date_by(clock: Callable[[], float]) -> None:
    """Date answers by the system's own clock; gunicorn drops an app's `Date` for the computer's time."""
    util.http_date = lambda: formatdate(clock(), usegmt=True)


def _die_with_master(server: object, worker: object) -> None:
    """Have Linux kill the worker with its master, so that `kill -9` of the sandbox frees the port at once.

    Elsewhere gunicorn's own check ends an orphaned worker after about a second.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def serve(create_app: Callable[[], Flask], port: int) -> None:
    """Serve on 127.0.0.1:`port` until SIGTERM or SIGINT."""
    SandboxServer(create_app, port).run()


def parse_arguments(prog: str, default_port: int, default_state: str) -> argparse.Namespace:
    """Return the command line of a sandbox: `port`, `state` (a Path), `data`, `seed`."""
    parser = argparse.ArgumentParser(prog=prog)
    parser.add_argument(
        "--port", type=int, default=default_port, help=f"on 127.0.0.1 (default {default_port})"
    )
    parser.add_argument(
        "--state", type=Path, default=Path(default_state), help=f"state file (default {default_state})"
    )
    parser.add_argument("--data", choices=DATA_SETS, default="demo", help="what a new state file starts with")
    parser.add_argument("--seed", type=int, default=1, help="seed of the demo data")
    return parser.parse_args()
