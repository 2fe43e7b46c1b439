"""The time that a request has."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace

import pytest

from core import http_worker
from core.http_worker import SLOWEST, RequestTooSlow, _Reading, waiting_here


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the worker takes for the time: `now`, in seconds."""
    found = SimpleNamespace(now=100.0)
    monkeypatch.setattr(http_worker, "time", SimpleNamespace(monotonic=lambda: found.now))
    return found


@pytest.fixture
def reading(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Reading]:
    """A request that has ten seconds, of which 4 bytes have come."""
    caller, here = socket.socketpair()
    with closing(caller), closing(here):
        caller.sendall(b"GET ")
        found = _Reading(here, 10.0)
        found.begin()
        monkeypatch.setattr(http_worker._THIS, "reading", found, raising=False)
        yield found


def test_a_request_that_is_late_is_cut_off(reading: _Reading, clock: SimpleNamespace) -> None:
    clock.now += 10.1
    with pytest.raises(RequestTooSlow):
        reading.recv(4)


def test_what_has_come_gives_more_time(reading: _Reading, clock: SimpleNamespace) -> None:
    assert reading.recv(3) == b"GET"
    clock.now += 10 + 2 / SLOWEST
    assert reading.recv(1) == b" "


def test_waiting_for_its_turn_is_not_its_callers_slowness(reading: _Reading, clock: SimpleNamespace) -> None:
    with waiting_here():
        clock.now += 60
    clock.now += 9.9
    assert reading.recv(4) == b"GET "
    clock.now += 1
    with pytest.raises(RequestTooSlow):
        reading.recv(1)
