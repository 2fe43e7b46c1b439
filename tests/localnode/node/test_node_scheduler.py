"""The clock: due pumps, signals, holds, runs that wait for each other; on pumps made of functions and on a node."""

import threading
import time

import pytest

from localnode.config import NodeSettings
from localnode.errors import Conflict
from localnode.node import Node
from localnode.scheduler import FAILED, SUCCESS, Outcome, Pump, Schedule, Scheduler
from tests.support.processes import wait_until

SOON = {"schedule_interval": 0.02}
NEVER = {"schedule_interval": 1e6}


class Recorder:
    """A pump's execution that notes its runs and can be made to last."""

    def __init__(self, outcome=None):
        self.runs = []
        self.gate = threading.Event()
        self.gate.set()
        self.outcome = outcome or Outcome(SUCCESS)

    def __call__(self, full, stop):
        self.runs.append(full)
        while not self.gate.wait(0.01):
            if stop.is_set():
                return Outcome(FAILED, reason="stopped")
        return self.outcome


def pump(recorder, settings=SOON, name="p"):
    return Pump(name, Schedule(settings), recorder, time.time())


@pytest.fixture
def scheduler():
    scheduler = Scheduler(2)
    yield scheduler
    scheduler.close(5)


def test_a_due_pump_runs_again_and_again(scheduler):
    recorder = Recorder()
    scheduler.configure({"p": pump(recorder)}, {})
    time.sleep(0.05)
    assert recorder.runs == []
    scheduler.release()
    wait_until(lambda: len(recorder.runs) >= 3)


def test_disabled_and_held_pumps_do_not_run(scheduler):
    recorder, disabled = Recorder(), Recorder()
    off = pump(disabled, name="off")
    off.disabled = True
    scheduler.configure({"p": pump(recorder), "off": off}, {})
    scheduler.release()
    wait_until(lambda: recorder.runs)
    scheduler.hold()
    wait_until(lambda: scheduler._queued == set())
    count = len(recorder.runs)
    time.sleep(0.1)
    assert len(recorder.runs) <= count + 1 and disabled.runs == []


def test_a_signal_runs_the_readers_at_once(scheduler):
    reader, other = Recorder(), Recorder()
    scheduler.configure({"r": pump(reader, NEVER, "r"), "o": pump(other, NEVER, "o")}, {"data": ["r"]})
    scheduler.release()
    scheduler.signal("data")
    wait_until(lambda: reader.runs)
    assert other.runs == []


def test_a_signal_during_a_run_leads_to_another_one(scheduler):
    recorder = Recorder()
    recorder.gate.clear()
    scheduler.configure({"r": pump(recorder, NEVER, "r")}, {"data": ["r"]})
    scheduler.release()
    scheduler.signal("data")
    wait_until(lambda: recorder.runs)
    scheduler.signal("data")
    recorder.gate.set()
    wait_until(lambda: len(recorder.runs) == 2)


def test_manual_pumps_ignore_signals_but_can_be_started(scheduler):
    recorder = Recorder()
    manual = pump(recorder, {"mode": "manual", "schedule_interval": 0.01}, "m")
    scheduler.configure({"m": manual}, {"data": ["m"]})
    scheduler.release()
    scheduler.signal("data")
    time.sleep(0.05)
    assert recorder.runs == []
    scheduler.start(manual, full=True)
    wait_until(lambda: recorder.runs == [True])


def test_one_run_at_a_time(scheduler):
    recorder = Recorder()
    recorder.gate.clear()
    slow = pump(recorder, NEVER)
    scheduler.start(slow)
    wait_until(lambda: slow.is_running)
    with pytest.raises(Conflict, match="already running"):
        scheduler.start(slow)
    with pytest.raises(Conflict), slow.standing_still():
        pytest.fail("its state may not change while it runs")
    assert slow.stop(5) is True
    assert slow.last.outcome.reason == "stopped"
    with slow.standing_still(), pytest.raises(Conflict, match="already running"):
        scheduler.start(slow)
    assert not slow.is_running


def test_an_unexpected_error_is_an_outcome_and_frees_the_pump():
    def explode(full, stop):
        raise ZeroDivisionError("oops")

    broken = Pump("p", Schedule(NEVER), explode, 0.0)
    outcome = broken.run()
    assert outcome.status == FAILED and "ZeroDivisionError: oops" in outcome.reason
    assert not broken.is_running and broken.next_run > time.time()


def test_rescans_come_by_count():
    recorder = Recorder()
    regular = pump(recorder, {"schedule_interval": 9, "rescan_run_count": 3})
    for _ in range(6):
        regular.run()
    assert recorder.runs == [False, False, True, False, False, True]


EAGER = {
    "_id": "in",
    "type": "pipe",
    "source": {"type": "embedded", "entities": [{"_id": "1"}]},
    "pump": {"run_at_startup": True, "schedule_interval": 3600},
}
COPY = {
    "_id": "out",
    "type": "pipe",
    "source": {"type": "dataset", "dataset": "in"},
    "pump": {"schedule_interval": 3000},
}


def metadata(disabled):
    return {"_id": "node", "type": "metadata", "task_manager": {"disable_user_pipes": disabled}}


@pytest.fixture
def scheduled(tmp_path):
    node = Node(NodeSettings(data=tmp_path / "data"))
    yield node
    node.close()


def test_a_change_flows_through_the_node_by_signals(scheduled):
    scheduled.replace_entities([EAGER, COPY], force=False)
    wait_until(lambda: (found := scheduled.store.find("out")) and found.info().live == 1)


def test_pipes_that_never_ran_are_due_at_once_and_others_wait_for_their_interval(scheduled):
    first = {**EAGER, "pump": {"schedule_interval": 9e5}}
    scheduled.replace_entities([first], force=False)
    wait_until(lambda: (found := scheduled.store.find("in")) and found.populated)
    scheduled.replace_entities([first, {**COPY, "pump": {"schedule_interval": 9e5}}], force=False)
    wait_until(lambda: (found := scheduled.store.find("out")) and found.info().live == 1)
    wait_until(lambda: not scheduled.pipe("out").pump.is_running)
    scheduled.restart()
    assert all(pipe.pump.next_run > time.time() + 1e5 for pipe in scheduled.pipes.values())


def test_run_at_startup_if_not_populated(scheduled):
    lazy = {**EAGER, "pump": {"schedule_interval": 9e5, "run_at_startup_if_not_populated": True}}
    scheduled.replace_entities([lazy], force=False)
    wait_until(lambda: (found := scheduled.store.find("in")) and found.populated)
    scheduled.restart()
    assert scheduled.pipe("in").pump.next_run > time.time() + 1e5


def test_an_upload_ends_a_run_all(scheduled):
    from localnode.scheduler import RunAllOptions

    many = {
        **EAGER,
        "batch_size": 1,
        "source": {"type": "embedded", "entities": [{"_id": str(n)} for n in range(20000)]},
    }
    scheduled.replace_entities([metadata(True), many], force=False)
    run = scheduled.runs.start(RunAllOptions(), reset=True, delete_input=True)
    wait_until(lambda: scheduled.pipe("in").pump.is_running)
    scheduled.replace_entities([metadata(True), EAGER], force=False)
    assert run.wait(0)["status"] == "stopped"
    assert scheduled.store.find("in").info().live < 20000


def test_disable_user_pipes_keeps_them_still_until_it_is_lifted(scheduled):
    scheduled.replace_entities([metadata(True), EAGER, COPY], force=False)
    assert scheduled.status()["scheduling"] is False
    time.sleep(0.2)
    assert scheduled.store.find("in") is None
    scheduled.replace_entities([metadata(False), EAGER, COPY], force=False)
    assert scheduled.status()["scheduling"] is True
    wait_until(lambda: scheduled.store.find("out"))


def test_pushed_entities_start_the_readers(scheduled):
    from localnode.node import PushRequest

    receiver = {"_id": "got", "type": "pipe", "source": {"type": "http_endpoint"}}
    reader = {**COPY, "source": {"type": "dataset", "dataset": "got"}}
    scheduled.replace_entities([receiver, reader], force=False)
    scheduled.pipe("got").receive(b'[{"_id": "x"}]', PushRequest({}, {}, "", None))
    wait_until(lambda: (found := scheduled.store.find("out")) and found.info().live == 1)


def test_disabled_pumps_stay_disabled_over_a_restart(scheduled):
    scheduled.replace_entities([EAGER], force=False)
    scheduled.pipe("in").operate("disable", {"comment": "holiday"})
    scheduled.restart()
    assert scheduled.pipe("in").pump.disabled and scheduled.pipe("in").pump.comment == "holiday"


def test_scheduling_goes_on_after_a_run_all(scheduled):
    from localnode.scheduler import RunAllOptions

    quick = {**EAGER, "pump": {"schedule_interval": 0.05}}
    scheduled.replace_entities([quick], force=False)
    assert scheduled.runs.start(RunAllOptions(), reset=True, delete_input=True).wait()["status"] == "success"
    last = scheduled.pipe("in").pump.last.started
    wait_until(lambda: scheduled.pipe("in").pump.last.started > last)


def test_only_one_run_all_at_a_time_and_stop_ends_it(scheduled):
    from localnode.scheduler import RunAllOptions

    many = {
        **EAGER,
        "batch_size": 1,
        "source": {"type": "embedded", "entities": [{"_id": str(n)} for n in range(20000)]},
    }
    scheduled.replace_entities([metadata(True), many], force=False)
    run = scheduled.runs.start(RunAllOptions(), reset=True, delete_input=True)
    with pytest.raises(Conflict, match="already"):
        scheduled.runs.start(RunAllOptions(), reset=True, delete_input=True)
    wait_until(lambda: scheduled.pipe("in").pump.is_running)
    assert scheduled.runs.stop(60) is True
    assert run.wait(0)["status"] == "stopped"
    assert scheduled.runs.stop(1) is True
