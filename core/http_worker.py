"""Run gunicorn's threaded worker with limits on the time of each request and on concurrent requests.

gunicorn reads head and body of a request for as long as the caller sends a byte now and then, and each such
caller occupies a thread. Here the whole request must arrive within a time that grows with its size:
`request_seconds`, and one more second for every `SLOWEST` bytes. The time that a request waits here for its
turn does not count. There are more threads that read than threads that work, so slow callers delay nobody.
"""

from __future__ import annotations

import ctypes
import gc
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from gunicorn.http import get_parser  # type: ignore[import-untyped]
from gunicorn.http.errors import NoMoreData, ParseException  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

SLOWEST = 64 * 1024
"""Bytes a second below which a caller is too slow."""

READERS = 32
"""Threads that only read requests, besides those that work on them."""

UNREAD_SECONDS = 600
"""How long a caller may read nothing of its answer. A node that reads a stream works on each batch first."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Numbers of `mallopt`, from glibc's malloc.h."""

_COLLECT_AFTER = (20_000, 20, 10)
"""Thresholds of Python's cyclic garbage collector. At its own, 700 objects, a sync of 300 people spent 6 % of
its CPU time on looking at entities that reference counting frees anyway; its memory was the same, 152 MB."""

OPEN = ("/health", "/api/ping")
"""Paths that are answered also while all others have to wait."""

BadFraming = ParseException
"""Raised while a body is read whose framing is wrong, such as a chunk of the size -1."""

SETTINGS: dict[str, Any] = {
    "worker_connections": 1000,
    "limit_request_line": 8190,
    "forwarded_allow_ips": "",
    "forwarder_headers": "",
    "secure_scheme_headers": {},
    "header_map": "refuse",
    "control_socket_disable": True,
}
"""gunicorn's settings of both services and the node: nobody's headers stand for the server's own, such as
SCRIPT_NAME, and a header with an underscore, which WSGI would take for another, is refused."""


def keep_memory_together() -> None:
    """Make glibc return freed memory to the system; by default each thread keeps a heap of its own.

    https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return
    for parameter, value in ((_ARENA_MAX, 2), (_MMAP_THRESHOLD, 128 * 1024), (_TRIM_THRESHOLD, 128 * 1024)):
        mallopt(parameter, value)


def collect_seldom() -> None:
    """Make the garbage collector skip what is loaded by now, and examine the rest less often."""
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


class RequestTooSlow(NoMoreData, TimeoutError):  # type: ignore[misc]  # gunicorn has no types
    """The rest of a request did not arrive in time."""

    def __init__(self) -> None:
        super().__init__(None)


class _Reading:
    """A socket with a time limit for one request; everything else is delegated to the socket."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._seconds = seconds
        self._ends = 0.0
        self._timeout: float | None = None

    def begin(self) -> None:
        """Start the time of a request."""
        self._ends = time.monotonic() + self._seconds

    def go_on(self, seconds: float) -> None:
        """Exclude this much time from the limit."""
        self._ends += seconds

    def gettimeout(self) -> float | None:
        """Return the limit of a single read."""
        return self._timeout

    def settimeout(self, seconds: float | None) -> None:
        """Bound each single read, as gunicorn does when it discards a body."""
        self._timeout = seconds

    def recv(self, size: int) -> bytes:
        """Return what has arrived; `RequestTooSlow` once the time is up."""
        left = self._ends - time.monotonic()
        left = left if self._timeout is None else min(left, self._timeout)
        if left <= 0:
            raise RequestTooSlow
        self._sock.settimeout(left)
        try:
            data = self._sock.recv(size)
        except TimeoutError:
            raise RequestTooSlow from None
        finally:
            self._sock.settimeout(None)
        self._ends += len(data) / SLOWEST
        return data


_THIS = threading.local()
"""`reading`: the socket of the request that this thread works on."""


@contextmanager
def waiting_here() -> Iterator[None]:
    """Exclude the time in this context from the request's limit: the request waits for its turn."""
    began = time.monotonic()
    try:
        yield
    finally:
        reading = getattr(_THIS, "reading", None)
        if reading is not None:
            reading.go_on(time.monotonic() - began)


class BoundedWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """The worker of the services and of the node; `request_seconds` is the minimum time for a request."""

    request_seconds = 30.0

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._working = threading.BoundedSemaphore(self.cfg.threads)
        self.max_keepalived = max(1, self.cfg.worker_connections - self.cfg.threads - READERS)

    def get_thread_pool(self) -> object:
        """Return a pool of threads that read and threads that work; `handle_request` separates them."""
        return ThreadPoolExecutor(max_workers=self.cfg.threads + READERS)

    def init_process(self) -> None:
        """Limit how long an unread answer blocks; connections inherit this from the listening socket."""
        seconds = struct.pack("@ll", UNREAD_SECONDS, 0)
        for listener in self.sockets:
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)
        keep_memory_together()
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application; it stays as long as the process does."""
        super().load_wsgi()
        collect_seldom()

    def handle(self, conn: Any) -> object:
        """Read one request and answer it; close the connection if its head does not arrive in time."""
        if conn.parser is None:
            conn.parser = get_parser(self.cfg, _Reading(conn.sock, self.request_seconds), conn.client)
        _THIS.reading = conn.parser.unreader.sock
        _THIS.reading.begin()
        return super().handle(conn)

    def handle_request(self, req: Any, conn: object) -> object:
        """Process a request when it is its turn."""
        if req.path in OPEN:
            return super().handle_request(req, conn)
        with waiting_here():
            self._working.acquire()
        try:
            return super().handle_request(req, conn)
        finally:
            self._working.release()
