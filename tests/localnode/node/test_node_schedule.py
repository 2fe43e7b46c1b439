"""When pumps run: intervals, cron, rescans, signals."""

import math
import random
from datetime import UTC, datetime

import pytest

from localnode.scheduler import BadCron, Schedule, cron, is_signalled
from localnode.scheduler.schedule import next_cron


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_interval_has_jitter_of_five_percent():
    schedule = Schedule({"schedule_interval": 100}, random.Random(1))
    waits = [schedule.next(1000.0) - 1000.0 for _ in range(300)]
    assert all(95 <= wait <= 105 for wait in waits)
    assert max(waits) - min(waits) > 5


@pytest.mark.parametrize(
    ("expression", "now", "expected"),
    [
        ("0 3 * * ?", "2026-01-01T02:00:00", "2026-01-01T03:00:00"),
        ("*/15 * * * *", "2026-01-01T02:01:00", "2026-01-01T02:15:00"),
        ("0 0 L * ?", "2026-02-01T00:00:00", "2026-02-28T00:00:00"),
        ("0 12 ? * MON-FRI", "2026-01-03T00:00:00", "2026-01-05T12:00:00"),
        ("0 0 1 1 ? 2030", "2026-01-01T00:00:00", "2030-01-01T00:00:00"),
    ],
)
def test_cron_is_utc(expression, now, expected):
    assert next_cron(expression, at(now)) == at(expected)


def test_cron_that_never_comes_again():
    assert next_cron("0 0 1 1 ? 1999", at("2026-01-01T00:00:00")) == math.inf


@pytest.mark.parametrize(
    "expression", ["", "* * *", "61 * * * *", "0 0 15W * ?", "0 0 ? * 2#1", "a b c d e", "* * * * * * *"]
)
def test_bad_cron_is_refused(expression):
    with pytest.raises(BadCron):
        cron(expression)


@pytest.mark.parametrize("mode", ["manual", "off"])
def test_pumps_that_do_not_run_by_themselves(mode):
    schedule = Schedule({"mode": mode, "schedule_interval": 1, "run_at_startup": True})
    assert schedule.first(5.0) == math.inf and schedule.next(5.0) == math.inf


def test_run_at_startup():
    assert Schedule({"schedule_interval": 50, "run_at_startup": True}).first(7.0) == 7.0
    assert Schedule({"schedule_interval": 50}).first(7.0) > 7.0


def test_every_second_run_is_a_rescan():
    schedule = Schedule({"schedule_interval": 1, "rescan_run_count": 2})
    assert [schedule.rescan_due(run, 0.0) for run in range(1, 6)] == [False, True, False, True, False]


def test_rescan_cron_brings_the_next_run_forward_and_is_due_once():
    start = at("2026-01-01T02:59:00")
    schedule = Schedule({"schedule_interval": 3600, "rescan_cron_expression": "0 3 * * ?"})
    schedule.first(start)
    due = at("2026-01-01T03:00:00")
    assert schedule.next(start) == due
    assert not schedule.rescan_due(1, start)
    assert schedule.rescan_due(2, due)
    assert not schedule.rescan_due(3, due + 1)


@pytest.mark.parametrize(
    ("source", "settings", "pump", "expected"),
    [
        ({}, {}, {}, True),
        ({}, {}, {"schedule_interval": 3599}, True),
        ({}, {}, {"schedule_interval": 3600}, False),
        ({}, {}, {"cron_expression": "* * * * *"}, False),
        ({"supports_signalling": True}, {}, {"schedule_interval": 9999}, True),
        ({"supports_signalling": False}, {}, {}, False),
        ({"supports_signalling": True}, {"global_defaults": {"use_signalling_internally": False}}, {}, False),
    ],
)
def test_signalling(source, settings, pump, expected):
    assert is_signalled({"source": source, "pump": pump}, settings, pump.keys()) is expected
