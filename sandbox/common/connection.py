"""Ending a client's TCP connection without an answer, as a crashing or overloaded system does."""

from __future__ import annotations

import contextlib
import socket

from core.jsonio import Json


def close_connection(environ: Json) -> None:
    """Shut the request's socket in both directions; the client sees the stream end instead of an answer.

    Outside the sandbox's server (Flask's test client) there is no socket: ConnectionAbortedError is raised.
    """
    sock: socket.socket | None = environ.get("gunicorn.socket")
    if sock is None:
        raise ConnectionAbortedError("the sandbox closed the connection")
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
