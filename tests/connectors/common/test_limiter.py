"""The rate limiter: so many a second, so many at a time, writes first."""

from __future__ import annotations

import threading
import time

from connectors.common.limiter import Limiter
from tests.support.processes import wait_until


def test_calls_are_spread_over_time() -> None:
    limiter = Limiter(per_second=50, burst=1)
    started = time.monotonic()
    for _ in range(11):
        with limiter.slot(write=False):
            pass
    assert 0.19 <= time.monotonic() - started < 5


def test_a_burst_goes_at_once() -> None:
    limiter = Limiter(per_second=1, burst=10)
    started = time.monotonic()
    for _ in range(10):
        with limiter.slot(write=False):
            pass
    assert time.monotonic() - started < 5, "one by one they would take nine seconds"


def test_no_limit_is_no_wait() -> None:
    limiter = Limiter(clock=lambda: 7.0)
    for _ in range(1000):
        with limiter.slot(write=True) as waited:
            assert waited == 0, "a clock that stands still lets nobody pass who has to wait"


def test_so_many_at_a_time() -> None:
    limiter, inside, most = Limiter(concurrency=3), [0], [0]

    def work() -> None:
        with limiter.slot(write=False):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most[0] == 3


def test_writes_go_before_reads() -> None:
    limiter, order = Limiter(per_second=50, burst=1, concurrency=1), []

    def work(write: bool) -> None:
        with limiter.slot(write=write):
            order.append(write)

    threads = [threading.Thread(target=work, args=(write,)) for write in (False, True) * 3]
    with limiter.slot(write=False):
        for thread in threads:
            thread.start()
        wait_until(lambda: limiter.waiting(True) == limiter.waiting(False) == 3, what="all waiting")
    for thread in threads:
        thread.join(60)
    assert order == [True] * 3 + [False] * 3


def test_a_refusal_stops_everybody_for_a_while() -> None:
    limiter = Limiter()
    limiter.refused(0.15)
    started = time.monotonic()
    with limiter.slot(write=True):
        assert time.monotonic() - started >= 0.14


def test_an_error_inside_frees_the_place() -> None:
    limiter = Limiter(concurrency=1)
    for _ in range(3):
        try:
            with limiter.slot(write=False):
                raise ValueError
        except ValueError:
            continue
    with limiter.slot(write=False):
        pass
