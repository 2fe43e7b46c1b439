"""The order of pipes, and running them until nothing moves, with pipes made of lists."""

import threading
from dataclasses import dataclass, field

import pytest

from localnode.scheduler import FAILED, NOT_READY, SUCCESS, Outcome, Reads, RunAll, RunAllOptions, RunLog
from localnode.scheduler.order import ordered, predecessors
from stack.processes import failure


def test_order_follows_sources_then_hops():
    pipes = {
        "share": Reads("share", ["transform"], untracked=["share"]),
        "transform": Reads("transform", ["global"], tracked=["enrich"]),
        "global": Reads("global", ["enrich"]),
        "enrich": Reads("enrich", ["collect"]),
        "collect": Reads("collect", untracked=["share"]),
    }
    assert ordered(pipes) == ["collect", "enrich", "global", "transform", "share"]


def test_circles_give_way_at_untracked_hops_first_then_at_tracked_ones():
    assert ordered({"a": Reads("a", ["b"]), "b": Reads("b", tracked=["a"])}) == ["b", "a"]
    assert ordered({"a": Reads("a", untracked=["b"]), "b": Reads("b", tracked=["a"])}) == ["a", "b"]
    assert ordered(
        {"a": Reads("a", untracked=["b"]), "b": Reads("b", untracked=["c"]), "c": Reads("c", ["a"])}
    )


def test_circles_of_sources_still_give_an_order():
    assert sorted(ordered({"a": Reads("a", ["b"]), "b": Reads("b", ["a"])})) == ["a", "b"]


def test_readers_of_unknown_datasets_and_of_their_own_have_no_predecessors():
    assert predecessors({"a": Reads("a", ["nobody"], untracked=["a"])}) == {"a": set()}


@dataclass
class Fake:
    """A pipe whose runs have prepared outcomes; the last one repeats."""

    id: str
    outcomes: list
    reads: Reads = field(default_factory=lambda: Reads(None))
    is_input: bool = False
    source_system: str | None = None
    marks: list = field(default_factory=lambda: [None])
    runs: int = 0
    hook: object = None

    def change_token(self):
        return self.marks[min(self.runs, len(self.marks) - 1)]

    def is_settled(self):
        return False

    def run(self):
        outcome = self.outcomes[min(self.runs, len(self.outcomes) - 1)]
        self.runs += 1
        if self.hook:
            self.hook()
        return outcome if isinstance(outcome, Outcome) else Outcome(SUCCESS, outcome)


def run(pipes, **options):
    log = RunLog()
    result = RunAll(pipes, RunAllOptions(**options), log, 2).run()
    return result, log


def test_rounds_go_on_until_nothing_changes_and_idle_ones_more():
    pipe = Fake("p", [3, 1, 0])
    result, _ = run([pipe], extra_zero_runs=2)
    assert result["status"] == "success"
    assert pipe.runs == 5 and result["additional_info"]["rounds"] == 5
    assert result["additional_info"]["changes"] == 4


def test_a_change_in_an_idle_round_starts_the_count_again():
    pipe = Fake("p", [0, 1, 0, 0, 0])
    run([pipe], extra_zero_runs=1)
    assert pipe.runs == 4


def test_pipes_with_unchanged_inputs_are_left_out():
    reader = Fake("reader", [0], Reads(None, ["x"]), marks=[1, 1, 1])
    source = Fake("source", [1, 1, 0], Reads("x"))
    run([reader, source])
    assert source.runs == 3 and reader.runs == 1


def test_max_runs_is_a_failure_that_says_so():
    result, log = run([Fake("p", [1])], max_runs=4)
    assert result["status"] == FAILED
    assert "max_runs=4" in result["additional_info"]["message"]
    assert log.since(None)[-1]["loglevel"] == "ERROR"


def test_max_run_time_is_a_failure_that_says_so():
    result, _ = run([Fake("p", [1])], max_run_time=0.0)
    assert result["status"] == FAILED and "max_run_time" in result["additional_info"]["message"]


def test_failing_pipe_fails_the_run_with_its_reason_and_a_healed_one_does_not():
    broken = Fake("broken", [Outcome(FAILED, reason="no such field")])
    healed = Fake("healed", [Outcome(FAILED, reason="hiccup"), 0])
    result, log = run([broken, healed])
    assert result["status"] == FAILED
    assert result["additional_info"]["failed_pipes"] == [{"pipe": "broken", "reason": "no such field"}]
    assert any("no such field" in line["logdata"] for line in log.since(None))


@pytest.mark.parametrize(
    ("check", "blocked", "status"),
    [
        (None, False, FAILED),
        (None, True, "success"),
        (False, False, "success"),
        (False, True, "success"),
        (True, False, FAILED),
        (True, True, FAILED),
    ],
)
def test_a_source_that_cannot_be_read_is_no_success_unless_it_is_tolerated(check, blocked, status):
    pipe = Fake("in", [Outcome(FAILED, reason="down", blocked=blocked)], is_input=True)
    result, _ = run([pipe], check_input_pipes=check)
    assert result["status"] == status
    names = [each["pipe"] for each in result["additional_info"]["ignored_pipes"]]
    assert names == ([] if status == FAILED else ["in"])


@pytest.mark.parametrize(("check", "status"), [(None, "success"), (False, "success"), (True, FAILED)])
def test_a_pipe_that_cannot_run_here_at_all_is_named_and_fails_nothing(check, status):
    pipe = Fake("out", [Outcome(FAILED, reason="no address", blocked=True)], Reads(None, ["x"]))
    result, _ = run([pipe], check_input_pipes=check)
    assert result["status"] == status
    named = "failed_pipes" if check else "ignored_pipes"
    assert result["additional_info"][named] == [{"pipe": "out", "reason": "no address"}]


def test_sources_are_read_in_the_first_round_only():
    source = Fake("source", [1], Reads("x"), is_input=True)
    reader = Fake("reader", [1, 1, 0], Reads("y", ["x"]))
    result, _ = run([source, reader], extra_zero_runs=2)
    assert result["status"] == "success"
    assert (source.runs, reader.runs) == (1, 5)


def test_a_source_is_read_until_that_has_worked():
    source = Fake("source", [Outcome(FAILED, 2, "hiccup"), Outcome(NOT_READY), 1], Reads("x"), is_input=True)
    result, _ = run([source])
    assert result["status"] == "success" and source.runs == 3


def test_a_full_disk_ends_the_run_at_once_and_is_said_once():
    full = Fake("full", [Outcome(FAILED, reason="the disk is full", ends_run_all=True)], Reads("x"))
    later = Fake("later", [1], Reads("y", ["x"]))
    result, log = run([full, later])
    assert (result["status"], result["additional_info"]["message"]) == ("failed", "the disk is full")
    assert (result["additional_info"]["rounds"], full.runs, later.runs) == (1, 1, 0)
    assert log.since(None)[-1]["logdata"] == "failed; the disk is full"
    assert failure(result) == "failed; the disk is full"


WROTE = Outcome(SUCCESS, 1, wrote_to=frozenset({"crm"}))
WROTE_THE_SAME = Outcome(SUCCESS, 0, wrote_to=frozenset({"crm"}))


def sync(outcomes):
    """Two sources and a pipe that writes to the system of the first."""
    crm = Fake("crm-all", [1], Reads("x"), is_input=True, source_system="crm")
    erp = Fake("erp-all", [1], Reads("z"), is_input=True, source_system="erp")
    noise = Fake("noise", [1], Reads("n"), is_input=True)
    share = Fake("crm-share", outcomes, Reads("y", ["x"]))
    return crm, erp, noise, share


@pytest.mark.parametrize("last", [WROTE, WROTE_THE_SAME])
def test_a_system_is_read_again_after_it_was_written_to(last):
    crm, erp, noise, share = sync([WROTE, last, 0])
    result, _ = run([crm, erp, noise, share])
    assert result["status"] == "success"
    assert (crm.runs, erp.runs, noise.runs) == (3, 1, 1)


def test_a_sync_that_never_settles_ends_with_its_name():
    crm, erp, noise, share = sync([WROTE])
    result, _ = run([crm, erp, noise, share], max_runs=7)
    assert result["status"] == FAILED and crm.runs == 7 and noise.runs == 1
    message = result["additional_info"]["message"]
    assert message == "still changing after max_runs=7 rounds: crm-all, crm-share"


def test_a_pipe_that_waits_is_run_again_and_fails_only_when_it_waits_to_the_end():
    patient = Fake("patient", [Outcome(NOT_READY, reason="waits for y", waits_for=("y",)), 0])
    result, _ = run([patient])
    assert result["status"] == "success" and patient.runs >= 2
    stuck = Fake("stuck", [Outcome(NOT_READY, reason="waits for y", waits_for=("y",))])
    result, _ = run([stuck])
    assert result["additional_info"]["failed_pipes"] == [{"pipe": "stuck", "reason": "waits for y"}]


def test_waiting_for_a_tolerated_input_is_tolerated_too():
    down = Fake("down", [Outcome(FAILED, reason="x")], Reads("y"), is_input=True)
    waits = Fake("waits", [Outcome(NOT_READY, reason="z", waits_for=("y",))], Reads("w", tracked=["y"]))
    result, _ = run([down, waits], check_input_pipes=False)
    assert result["status"] == "success"
    assert [each["pipe"] for each in result["additional_info"]["ignored_pipes"]] == ["down", "waits"]


def test_stop_ends_it():
    log = RunLog()
    run_all = RunAll([pipe := Fake("p", [1])], RunAllOptions(), log, 1)
    pipe.hook = lambda: pipe.runs >= 3 and run_all.stop.set()
    assert run_all.run()["status"] == "stopped"
    assert pipe.runs == 3


def test_independent_pipes_run_at_the_same_time():
    barrier = threading.Barrier(2, timeout=60)
    pipes = [Fake(name, [0], hook=barrier.wait) for name in "ab"]
    assert run(pipes)[0]["status"] == "success"


def test_statistics_per_pipe():
    result, _ = run([Fake("p", [2, 0])], statistics=True)
    assert result["additional_info"]["pipes"]["p"]["changes"] == 2


def test_log_lines_have_growing_timestamps_and_can_be_read_from_one_on():
    log = RunLog()
    for number in range(50):
        log.info(str(number))
    lines = log.since(None)
    stamps = [line["timestamp"] for line in lines]
    assert stamps == sorted(set(stamps))
    assert [line["logdata"] for line in log.since(stamps[47])] == ["48", "49"]
