"""Fault settings and their seeded draws."""

from __future__ import annotations

import time

import pytest

from sandbox.common.faults import Faults, FaultsError, FaultSettings


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"eror_rate": 1}, "eror_rate"),
        ({"error_rate": 1.5}, "error_rate"),
        ({"error_rate": True}, "error_rate"),
        ({"throttle_rate": 2}, "throttle_rate"),
        ({"clock_skew_s": "1"}, "clock_skew_s"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"rate_per_minute": 1.5}, "rate_per_minute"),
        ({"retry_after": 1}, "retry_after"),
        ({"seed": "x"}, "seed"),
    ],
)
def test_bad_settings_are_named(values: dict[str, object], word: str) -> None:
    with pytest.raises(FaultsError, match=word):
        FaultSettings.parse(values)


def test_what_is_left_out_takes_its_default() -> None:
    assert FaultSettings.parse({"error_rate": 0.5}) == FaultSettings(error_rate=0.5)


def test_a_clock_may_be_behind() -> None:
    assert FaultSettings.parse({"clock_skew_s": -1.5}).clock_skew_s == -1.5


def test_throttling_happens_at_its_rate() -> None:
    faults = Faults(FaultSettings(throttle_rate=0.5, seed=4))
    assert 30 < sum(faults.throttles() for _ in range(100)) < 70


def test_the_same_seed_draws_the_same_faults() -> None:
    def draws(seed: int) -> list[object]:
        faults = Faults(FaultSettings(error_rate=0.3, drop_before_rate=0.2, seed=seed))
        return [(faults.drops_before(), faults.error()) for _ in range(200)]

    assert draws(3) == draws(3)
    assert draws(3) != draws(4)
    assert {error for _, error in draws(3)} == {None, 500, 502, 503}


def test_a_healthy_system_does_nothing() -> None:
    faults = Faults()
    assert (faults.delay_s(), faults.throttled_for(), faults.error()) == (0.0, None, None)
    assert not faults.drops_before()
    assert not faults.drops_after()


def test_latency_stays_within_its_jitter() -> None:
    faults = Faults(FaultSettings(latency_ms=20, jitter_ms=5))
    assert all(0.015 <= faults.delay_s() <= 0.025 for _ in range(100))


def test_the_rate_counts_the_last_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    faults = Faults(FaultSettings(rate_per_minute=2))
    assert [faults.throttled_for() for _ in range(3)] == [None, None, 60]
    now[0] += 45
    assert faults.throttled_for() == 15
    now[0] += 15
    assert faults.throttled_for() is None
