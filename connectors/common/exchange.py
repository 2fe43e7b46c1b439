"""Send a request to another system and read the answer, with limits of time and size.

`requests` limits each silence, not the whole call: one byte every few seconds would keep a call open forever.
So each call has a time limit, and a connection that is still busy then is closed. Answers may be plain or in
gzip, and are unpacked only up to the size limit.
"""

from __future__ import annotations

import heapq
import itertools
import os
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from connectors.common.errors import InvalidResponse
from connectors.common.in_flight import IN_FLIGHT, VALUE
from core.jsonio import values_in

CODING = "gzip"
_PIECE = 64 * 1024
_GZIP = 31
"""What zlib takes for: gzip, with the largest window."""


class CallTooLong(requests.exceptions.ReadTimeout):
    """A call had not ended when its time was up."""


class _Call:
    """The connection of one call, and whether it was closed."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.is_over = False
        self._lock = threading.Lock()
        self._handle: int | None = None

    def hold(self, fileno: int) -> None:
        """Remember the connection of the call; the handle is another one of the same connection."""
        self.let_go()
        with self._lock:
            self._handle = os.dup(fileno)

    def cut(self) -> None:
        """Close the connection while others read or write it."""
        with self._lock:
            self.is_over = True
            if self._handle is None:
                return
            try:
                with socket.socket(fileno=self._handle) as same:
                    same.shutdown(socket.SHUT_RDWR)
            except OSError:  # ended by itself
                pass
            self._handle = None

    def let_go(self) -> None:
        """Release the handle."""
        with self._lock:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None


class _Watch:
    """Closes the calls whose time is up; one thread for all of them."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, _Call]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, call: _Call) -> None:
        """Watch a call."""
        with self._changed:
            heapq.heappush(self._due, (call.ends, next(self._order), call))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="call-deadlines", daemon=True)
                self._thread.start()
            if self._due[0][2] is call:
                self._changed.notify()

    def remove(self, call: _Call) -> None:
        """Stop watching a call."""
        with self._changed:
            self._due = [each for each in self._due if each[2] is not call]
            heapq.heapify(self._due)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                call = heapq.heappop(self._due)[2]
            call.cut()


_WATCH = _Watch()
_present = threading.local()


def _note(sock: Any) -> None:
    call: _Call | None = getattr(_present, "call", None)
    if call is not None and sock is not None:
        call.hold(sock.fileno())


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        _note(sock)
        return sock

    def getresponse(self) -> Any:
        _note(self.sock)
        return super().getresponse()


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS: HTTPSConnection also creates its sockets with `_new_conn`."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class BoundedAdapter(HTTPAdapter):
    """Connections that can be closed when the time of a call is up."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pools, with connections that are known to their calls."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> object:
        """Make the pools behind a proxy in the same way."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


@contextmanager
def _within(seconds: float) -> Iterator[_Call]:
    call = _Call(time.monotonic() + seconds)
    _present.call = call
    _WATCH.add(call)
    try:
        yield call
    finally:
        _present.call = None
        _WATCH.remove(call)
        call.let_go()


def exchange(
    session: requests.Session,
    request: requests.PreparedRequest,
    *,
    timeout: tuple[float, float],
    seconds: float,
    max_bytes: int,
    verify: bool | str,
    max_wait: float,
) -> tuple[requests.Response, bytearray]:
    """Send a request; return the answer and its whole body.

    `timeout`: seconds to connect, and without a byte. `seconds`: for all of it. `max_wait`: how long to wait
    while other large answers are in work. Raises what `requests` and `urllib3` raise, `CallTooLong`, and
    `InvalidResponse` for an answer that is too large or in another content coding.
    """
    IN_FLIGHT.next_answer()
    with _within(seconds) as call:
        try:
            with session.send(
                request,
                stream=True,
                allow_redirects=False,
                timeout=timeout,
                verify=verify,
                proxies=session.proxies,
            ) as response:
                body = _body(response, max_bytes, max_wait)
        except (requests.RequestException, HTTPError) as error:
            if call.is_over:
                raise _too_long(seconds) from error
            raise
        if call.is_over:
            raise _too_long(seconds)
    return response, body


def _too_long(seconds: float) -> CallTooLong:
    return CallTooLong(f"not done within {seconds} s")


def _body(response: requests.Response, most: int, max_wait: float) -> bytearray:
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity", CODING):
        raise InvalidResponse("the upstream answer comes in a content coding that was not asked for")
    unpack = zlib.decompressobj(_GZIP) if coding == CODING else None
    found = bytearray()
    while piece := response.raw.read(_PIECE, decode_content=False):
        if unpack is None:
            found += piece
        else:
            found += _unpacked(unpack, piece, most + 1 - len(found))
        IN_FLIGHT.answer(len(found), max_wait)
        if len(found) > most:
            raise InvalidResponse(f"the upstream answer is larger than {most} bytes")
    if unpack is not None and found and not unpack.eof:
        raise InvalidResponse("the upstream answer broke off")
    IN_FLIGHT.answer(values_in(found) * VALUE, max_wait)
    return found


def _unpacked(unpack: Any, piece: bytes, most: int) -> bytes:
    try:
        found: bytes = unpack.decompress(piece, most)
    except zlib.error:
        raise InvalidResponse("the upstream answer is said to be gzip and is not") from None
    if unpack.unused_data:
        raise InvalidResponse("the upstream answer continues after its gzip data")
    return found
