"""`localnode test`: a project's own tests, told line by line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from localnode.config import parse_systems
from localnode.testing import (
    FAILED,
    IGNORED,
    PASSED,
    UPDATED,
    Choices,
    Outcome,
    Project,
    run_tests,
    write_junit,
)
from localnode.testing.project import read_whitelist

LABELS = {PASSED: "ok", FAILED: "FAILED", IGNORED: "ignored", UPDATED: "updated"}
MOST_LINES = 40


def test(options: argparse.Namespace) -> int:
    """Run the tests of a folder; 1 unless all of them pass."""
    whitelist = read_whitelist(options.whitelist_file) if options.whitelist_file else None
    project = Project(options.directory, options.profile, whitelist)
    warnings: list[str] = []
    choices = Choices(
        names=options.names,
        update=options.update,
        systems=parse_systems(options.system),
        check_input_pipes=options.check_input_pipes,
        max_run_time=options.max_run_time,
        told=warnings.append,
    )
    outcomes = run_tests(project, choices)
    _print_warnings(warnings, options.verbose)
    for outcome in outcomes:
        _print_outcome(outcome, options.verbose)
    if options.junit is not None:
        write_junit(options.junit, options.directory.resolve().name, outcomes)
    _print_tally(outcomes)
    return 1 if any(outcome.status == FAILED for outcome in outcomes) else 0


def _print_warnings(warnings: Sequence[str], verbose: bool) -> None:
    for warning in warnings if verbose else ():
        print(warning, file=sys.stderr)
    if warnings and not verbose:
        print(f"{len(warnings)} warnings about the config; --verbose shows them", file=sys.stderr)


def _print_outcome(outcome: Outcome, verbose: bool) -> None:
    reason = f": {outcome.reason}" if outcome.reason else ""
    print(f"{LABELS[outcome.status]:<8}{outcome.name}{reason}")
    shown = outcome.details if verbose else outcome.details[:MOST_LINES] if outcome.status == FAILED else []
    for line in shown:
        print(f"        {line}")
    if shown and len(outcome.details) > len(shown):
        print(f"        … and {len(outcome.details) - len(shown)} lines more; --verbose shows them")


def _print_tally(outcomes: Sequence[Outcome]) -> None:
    counts = {status: sum(outcome.status == status for outcome in outcomes) for status in LABELS}
    seconds = sum(outcome.seconds for outcome in outcomes)
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    print(f"{told} ({seconds:.1f} s)")
