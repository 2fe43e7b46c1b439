"""Refresh tokens that change with each use, kept in a file over restarts and shared by replicas.

Most systems refuse a refresh token that was used before (RFC 9700, 4.14.2), so the new one is on the disk
before its access token is used. One process at a time refreshes; the others take what it brought.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from connectors.common.errors import Unavailable, UpstreamRefused
from connectors.erp.http.token_calls import Tokens
from core.tokens import EARLY_SECONDS

_LOG = logging.getLogger("connectors")
_PAUSE_S = 0.05


class _Kept(msgspec.Struct, frozen=True):
    """What the file holds.

    `begun_with`: a digest of the profile's own refresh token; `ends`: when the access token does, in seconds
    since 1970.
    """

    begun_with: str
    refresh: str
    access: str | None = None
    ends: float | None = None


class RefreshTokens:
    """The tokens of one profile, for `core.tokens.TokenCache`."""

    def __init__(
        self,
        first: str,
        exchange: Callable[[str], Tokens],
        file: Path | None,
        max_wait: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`exchange` makes the call; `max_wait`: seconds to wait for another process that makes it."""
        self._first = first
        self._exchange = exchange
        self._file = file
        self._max_wait = max_wait
        self._clock = clock
        self._given: str | None = None
        self._unsaved: _Kept | None = None

    def fetch(self) -> Tokens:
        """Return a token that this process has not had: from the file, or from a call."""
        if self._file is None:
            return self._exchange(self._first)
        with self._alone(self._file):
            kept = self._read(self._file)
            if kept.access is not None and kept.access != self._given and self._lasts(kept):
                self._given = kept.access
                return Tokens(kept.access, None if kept.ends is None else kept.ends - self._clock())
            tokens = self._call(kept.refresh)
            ends = None if tokens.lifetime is None else self._clock() + tokens.lifetime
            self._given = tokens.access
            self._keep(
                _Kept(kept.begun_with, tokens.refresh or kept.refresh, tokens.access, ends), self._file
            )
            return tokens

    def _call(self, refresh: str) -> Tokens:
        try:
            return self._exchange(refresh)
        except UpstreamRefused as error:
            error.detail += "; where the refresh token has ended, log in once more and set the new one"
            raise

    def _lasts(self, kept: _Kept) -> bool:
        return kept.ends is None or kept.ends - EARLY_SECONDS > self._clock()

    def _read(self, file: Path) -> _Kept:
        """Return what is kept; a refresh token that a person has changed counts from then on."""
        if self._unsaved is not None:
            return self._unsaved
        begun_with = hashlib.sha256(self._first.encode()).hexdigest()
        try:
            kept = msgspec.json.decode(file.read_bytes(), type=_Kept)
        except (FileNotFoundError, msgspec.MsgspecError):
            kept = None
        return kept if kept is not None and kept.begun_with == begun_with else _Kept(begun_with, self._first)

    def _keep(self, kept: _Kept, file: Path) -> None:
        """Write the file; while that fails, what this process remembers counts."""
        try:
            self._write(file, kept)
        except OSError as error:
            self._unsaved = kept
            _LOG.error("refresh token not kept", extra={"members": {"file": str(file), "error": str(error)}})
        else:
            self._unsaved = None

    def _write(self, file: Path, kept: _Kept) -> None:
        """Replace the file as a whole, readable by its owner alone, and on the disk when this returns."""
        beside = file.with_name(f"{file.name}.{os.getpid()}.new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as opened:
            opened.write(msgspec.json.encode(kept))
            opened.flush()
            os.fsync(opened.fileno())
        beside.replace(file)

    @contextlib.contextmanager
    def _alone(self, file: Path) -> Iterator[None]:
        """Hold the lock that processes with the same file share; `Unavailable` after so much max_wait."""
        until = time.monotonic() + self._max_wait
        with file.with_name(f"{file.name}.lock").open("w") as opened:
            while True:
                try:
                    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise Unavailable(
                            "another process fetches a token and does not come to an end"
                        ) from None
                    time.sleep(_PAUSE_S)
            yield
