"""The rate that refusals teach: below what was too much, up again with time, never beyond the plan."""

from __future__ import annotations

import math
from collections import deque

import pytest

from connectors.common.errors import Unavailable
from connectors.common.limiter import Limiter
from connectors.common.rate_limit import AdaptiveRateLimit


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def calls(rate: AdaptiveRateLimit, clock: Clock, count: int, seconds: float) -> None:
    for _ in range(count):
        clock.now += seconds / count
        rate.called(clock.now)


def test_the_plan_is_the_pace_until_a_refusal() -> None:
    clock, rate = Clock(), AdaptiveRateLimit(120)
    calls(rate, clock, 500, 60)
    assert rate.per_minute(clock.now) == 120
    assert AdaptiveRateLimit(None).per_minute(0) is None


def test_a_refusal_teaches_what_was_too_much_and_time_heals() -> None:
    clock, rate = Clock(), AdaptiveRateLimit(120)
    calls(rate, clock, 50, 60)
    rate.refused(clock.now)
    assert rate.per_minute(clock.now) == pytest.approx(45, abs=1)
    clock.now += 61
    assert rate.per_minute(clock.now) == pytest.approx(57, abs=1)
    clock.now += 3600
    assert rate.per_minute(clock.now) == 120


def test_however_often_refused_something_is_tried() -> None:
    clock, rate = Clock(), AdaptiveRateLimit(120)
    for _ in range(50):
        rate.called(clock.now)
        clock.now += 20
        rate.refused(clock.now)
    assert rate.per_minute(clock.now) == 6


def test_without_a_limit_nothing_is_learned() -> None:
    clock, rate = Clock(), AdaptiveRateLimit(None)
    calls(rate, clock, 5, 1)
    rate.refused(clock.now)
    assert rate.per_minute(clock.now) is None


def test_refusals_of_calls_under_way_count_once_and_close_for_all() -> None:
    clock = Clock()
    limiter = Limiter(2.0, burst=12, clock=clock)
    for _ in range(12):
        with limiter.slot(write=False):
            pass
    for pause in (5.0, 3.0, 4.0):
        limiter.refused(pause)
    assert limiter.per_minute == 0.0
    with pytest.raises(Unavailable) as raised, limiter.slot(True, max_wait=2.0):
        pass
    assert raised.value.retry_after == 5.0
    clock.now += 5.1
    assert limiter.per_minute == pytest.approx(0.9 * 120)
    with limiter.slot(False) as waited:
        assert waited == 0.0
    assert Limiter().per_minute == math.inf


class Upstream:
    """Takes `limit` calls within any minute and refuses the rest."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken: deque[float] = deque()

    def takes(self, now: float) -> bool:
        while self.taken and self.taken[0] <= now - 60:
            self.taken.popleft()
        if len(self.taken) >= self.limit:
            return False
        self.taken.append(now)
        return True


@pytest.mark.parametrize(("limit", "replicas"), [(60, 1), (30, 1), (90, 3), (150, 2), (1000, 1)])
def test_replicas_find_their_shares_of_a_limit_that_none_of_them_knows(limit: int, replicas: int) -> None:
    """Each has much to do and believes in 120 a minute; simulated for 40 minutes, judged on the last 20."""
    clock, upstream = Clock(), Upstream(limit)
    limits = [AdaptiveRateLimit(120) for _ in range(replicas)]
    ready = [clock.now] * replicas
    done, refused = [0] * replicas, 0
    while clock.now < 1000 + 40 * 60:
        clock.now += 0.25
        counts = clock.now > 1000 + 20 * 60
        for at, rate in enumerate(limits):
            if clock.now < ready[at]:
                continue
            rate.called(clock.now)
            ready[at] = clock.now + 60 / (rate.per_minute(clock.now) or 1)
            if upstream.takes(clock.now):
                done[at] += counts
            else:
                rate.refused(clock.now)
                ready[at] = max(ready[at], clock.now + max(1.0, upstream.taken[0] + 60 - clock.now))
                refused += counts
    possible = 20 * min(limit, 120 * replicas)
    assert sum(done) >= 0.75 * possible, "most of the limit is used"
    assert refused <= 0.05 * sum(done) + 1, "and refusals are rare"
    assert min(done) >= 0.3 * max(done), "nobody starves"
