"""`python -m stack run`: everything up and synced, or only planned."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from core.settings import BadSetting
from localnode.cli.progress import ProgressLines
from stack import links
from stack.data_folder import DataFolder
from stack.decisions import send
from stack.plan_table import plan_table
from stack.process_manager import StackError
from stack.processes import Stack, failure
from stack.report import Report, make_report, table
from stack.services import Service
from stack.settings import SANDBOX, StackSettings, from_environment

OK, FAILED, INTERRUPTED = 0, 1, 130
ONLY_PLANNED = "only planned so far: make run WRITE=1 lets it write"
WATCH_S = 1.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class RunOptions:
    """What `make run` was told: ONCE, EMPTY, KEEP, FRESH, PLAN, WRITE, LINKS, and where its data goes."""

    folder: Path
    once: bool = False
    empty: bool = False
    keep: bool = False
    fresh: bool = False
    plan: bool = False
    write: bool = False
    links: Path | None = None


def run(options: RunOptions) -> int:
    """Carry it out. Raises BadSetting, FolderInUse, StackError."""
    signal.signal(signal.SIGTERM, _interrupt)
    settings = from_environment("empty" if options.empty else "demo", options.folder)
    refuse_invented_people(settings)
    folder, started = DataFolder(settings.folder), time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    with folder.use(f"a `make run` with its node at {settings.url('node')}", say) as lock:
        stack = Stack(
            settings=settings, progress=lambda line: say(f"  {line}") if is_news(line) else None, lock=lock
        )
        stack.check_ports()
        known = prepare(folder, settings.systems, options)
        only_plans = options.plan or (is_real(settings.systems) and not known and not options.write)
        say("starting " + ", ".join(stack.names()))
        ended = FAILED
        try:
            with stack:
                if only_plans:
                    return _plan(stack, folder, options, say)
                _start_writing(stack, folder, options, say)
                ended = _sync(stack, say)
                if not options.once:
                    stack.node.start_scheduling()
                    print("\nSyncing on the pumps' schedules; Ctrl-C stops everything.", flush=True)
                    ended = OK
                    _stay(stack)
        except KeyboardInterrupt:
            print(flush=True)
            say(
                "stopped"
                if ended == OK
                else "stopped before it was done; `make run` continues where it left off"
            )
            return OK if ended == OK and not options.once else INTERRUPTED
    return ended


def is_real(systems: dict[str, str]) -> bool:
    """Return whether a system is real, not a sandbox."""
    return any(address != SANDBOX for address in systems.values())


def prepare(folder: DataFolder, systems: dict[str, str], options: RunOptions) -> bool:
    """Keep or delete the data in the folder; return whether these systems were written to from there.

    Data of a real system is only deleted with FRESH, and never used with other systems, because all of it
    would count as deleted. Raises BadSetting.
    """
    held = folder.contents()
    if held is not None and not options.fresh:
        if held.systems == systems and (is_real(systems) or options.keep):
            return held.written
        if (is_real(held.systems) and held.written) or options.keep:
            names = ", ".join(f"{name}: {address}" for name, address in sorted(held.systems.items()))
            raise BadSetting(
                f"the data folder {folder.path} has data from other systems than those configured now"
                f" ({names}); all of it would count as deleted. Name another folder"
                " (.venv/bin/python -m stack run --folder DIR), or delete the data: make run FRESH=1"
            )
    if held is not None or not options.keep:
        folder.forget()
    return False


def refuse_invented_people(settings: StackSettings) -> None:
    """Raise BadSetting before demo records of the sandbox reach a live site; test sites end in `-test`."""
    site = settings.environment.get("CHARGEBEE_SITE", "")
    invents = settings.real_chargebee and not settings.real_erp and settings.data != "empty"
    if invents and site and not site.endswith("-test"):
        raise BadSetting(
            f"CHARGEBEE_SITE={site} is not a test site (their names end in -test), and without a real ERP the"
            " invented people of the sandbox ERP would be written to it. Configure your ERP, use a test"
            " site, or start the sandbox ERP without records: make run EMPTY=1"
        )


def _plan(stack: Stack, folder: DataFolder, options: RunOptions, say: Say) -> int:
    """Say what a run would write.

    Before the first one that writes, the node reads and matches everything with its share pumps disabled, so
    that the links can be looked at, and WRITE=1 goes on from there.
    """
    lines = ProgressLines(say)
    systems = stack.settings.systems
    held = folder.contents()
    if held is None or not held.written:
        folder.note_systems(systems, written=False)
        _hold_back(stack)
        say("all ready, configs uploaded; reading and matching, nothing is written")
        _take_links(stack, options, say)
        result = stack.node.run_all(None, lines.watch)
        if result["status"] != "success":
            say(failure(result))
    say("planning, nothing is written")
    found = stack.node.plan(lines.watch)
    print(f"\n{plan_table(found, _held_back(stack))}\n", flush=True)
    if found["status"] == "failed":
        say("this plan lacks what could not be read")
        return FAILED
    file = folder.path / "links.csv"
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        rows = links.export(stack.node, out)
    print(
        f"{rows} links and single records are in {file}. If one is wrong or missing, fill in the column"
        " `decision` (link or unlink) and hand the file back: make run LINKS=FILE plans with it.",
        flush=True,
    )
    again = "make run WRITE=1" if is_real(systems) else "make run"
    print(f"Nothing was written. `{again}` carries it out.", flush=True)
    return OK


def _take_links(stack: Stack, options: RunOptions, say: Say) -> None:
    """Hand the decisions of a file to the node, which must have read the records that they are about."""
    if options.links is None:
        return
    with options.links.open(encoding="utf-8-sig", newline="") as file:
        rows = links.read(file)
    result = stack.node.run_all(None)
    if result["status"] != "success":
        raise StackError(f"the links cannot be compared with the records: {failure(result)}")
    decided = send(stack.node, links.decide(stack.node, rows))
    say(f"{len(rows)} rows of {options.links} decide about links ({len(decided)} decisions)")


def _start_writing(stack: Stack, folder: DataFolder, options: RunOptions, say: Say) -> None:
    """Let the share pumps that only planned so far write."""
    if options.links is not None:
        _hold_back(stack)
        _take_links(stack, options, say)
    folder.note_systems(stack.settings.systems, written=True)
    for name in _held_back(stack):
        stack.node.operate(name, "enable")


def _held_back(stack: Stack) -> list[str]:
    """Return the share pumps that were disabled only because nothing was to be written yet."""
    pumps = stack.node.pumps()
    return [name for name, pump in pumps.items() if pump.get("disabled-comment") == ONLY_PLANNED]


def _hold_back(stack: Stack) -> None:
    """Disable the share pumps, but for those that a person has disabled."""
    for name, pump in stack.node.pumps().items():
        if name.endswith("-share") and not pump["is-disabled"]:
            stack.node.operate(name, "disable", comment=ONLY_PLANNED)


def _sync(stack: Stack, say: Say) -> int:
    say("all ready; syncing until nothing moves")
    lines = ProgressLines(say)
    result = stack.node.run_all(stack.progress, lines.watch)
    say(f"run-all-pipes: {failure(result) if result['status'] != 'success' else 'success'}")
    report = report_of(stack)
    print(f"\n{table(report)}\n\n{_places(stack)}", flush=True)
    return FAILED if report.rejected or result["status"] != "success" else OK


def report_of(stack: Stack) -> Report:
    """Return what is on both sides, and what became of each record that was shared."""
    settings = stack.settings
    erp = Service(settings.url("erp-service"), settings.environment)
    chargebee = Service(settings.url("chargebee-service"), settings.environment)
    return make_report(erp, chargebee, stack.node)


def _places(stack: Stack) -> str:
    """Return where to look."""
    settings = stack.settings
    lines = [f"Studio               {settings.url('node')}/  (what was synced, what waits, and why)"]
    if not settings.real_erp:
        lines.append(f"sandbox ERP          {stack.erp_sandbox_url}/  (pages to look at and edit records)")
    if not settings.real_chargebee:
        lines.append(
            f"sandbox Chargebee    {stack.chargebee_sandbox_url}/  (the same; API: /api/v2, user: sandbox)"
        )
    lines += [
        f"ERP service          {settings.url('erp-service')}/",
        f"Chargebee service    {settings.url('chargebee-service')}/",
        f"local node           {stack.node.url}  (token in {stack.sync_config})",
        f"logs and data        {settings.folder}",
    ]
    return "\n".join(lines)


def _stay(stack: Stack) -> None:
    while True:
        threading.Event().wait(WATCH_S)
        stack.check()


def is_news(line: str) -> bool:
    """Return whether a line of the run's log is worth showing: rounds, what is sent to a system, failures."""
    return "-share: " in line or not line.startswith("pipe ") or " failed: " in line


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
