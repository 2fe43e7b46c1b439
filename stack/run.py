"""`python -m stack run`: everything up and synced, or only planned."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from stack.data_folder import DataFolder
from stack.environment import SettingError
from stack.plan_table import plan_table
from stack.processes import Stack, failure
from stack.progress import ProgressLines
from stack.report import Report, make_report, table
from stack.services import Service
from stack.settings import SANDBOX, StackSettings, from_environment

OK, FAILED, INTERRUPTED = 0, 1, 130
WATCH_S = 1.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class RunOptions:
    """What `make run` was told: ONCE, EMPTY, KEEP, FRESH, PLAN, WRITE, and where its data goes."""

    folder: Path
    once: bool = False
    empty: bool = False
    keep: bool = False
    fresh: bool = False
    plan: bool = False
    write: bool = False


def run(options: RunOptions) -> int:
    """Carry it out. Raises SettingError, FolderInUse, StackError."""
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
                    return _plan(stack, options, say)
                folder.note_systems(settings.systems)
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
                else "stopped before it was done; `make run` begins where it left off"
            )
            return OK if ended == OK and not options.once else INTERRUPTED
    return ended


def is_real(systems: dict[str, str]) -> bool:
    """Whether there is more than sandboxes."""
    return any(address != SANDBOX for address in systems.values())


def prepare(folder: DataFolder, systems: dict[str, str], options: RunOptions) -> bool:
    """Forget or keep what is in the data folder; whether these very systems were synced from there before.

    What was synced with a real system is never forgotten unless FRESH says so, and never taken for what other
    systems hold, which would look as if everything had been deleted. Raises SettingError.
    """
    held = folder.systems()
    if options.fresh or not held:
        if not options.keep:
            folder.forget()
        return False
    if held == systems:
        if not is_real(systems) and not options.keep:
            folder.forget()
            return False
        return True
    if is_real(held) or options.keep:
        names = ", ".join(f"{name}: {address}" for name, address in sorted(held.items()))
        raise SettingError(
            f"the data folder {folder.path} holds what was synced with other systems than are configured now"
            f" ({names}), and would take all of it for deleted. Name another folder (python -m stack run"
            " --folder DIR), or let it be forgotten: make run FRESH=1"
        )
    folder.forget()
    return False


def refuse_invented_people(settings: StackSettings) -> None:
    """SettingError before the sandbox's demo records get into a live site: test sites are named `…-test`."""
    site = settings.environment.get("CHARGEBEE_SITE", "")
    invents = settings.real_chargebee and not settings.real_erp and settings.data != "empty"
    if invents and site and not site.endswith("-test"):
        raise SettingError(
            f"CHARGEBEE_SITE={site} is no test site (their names end in -test), and without a real ERP the"
            " invented people of the sandbox ERP would be written to it. Configure your ERP, take a test"
            " site, or start the sandbox ERP without records: make run EMPTY=1"
        )


def _plan(stack: Stack, options: RunOptions, say: Say) -> int:
    say("all ready, configs uploaded; planning, nothing is written")
    lines = ProgressLines(say)
    found = stack.node.plan(lines.watch)
    print(f"\n{plan_table(found)}\n", flush=True)
    if found["status"] == "failed":
        say("what could not be read is missing in this plan")
        return FAILED
    again = "make run" if options.plan and not is_real(stack.settings.systems) else "make run WRITE=1"
    print(
        f"Nothing was written. `{again}` carries it out; python -m localnode plan --help has more.",
        flush=True,
    )
    return OK


def _sync(stack: Stack, say: Say) -> int:
    say("all ready, configs uploaded; syncing until nothing moves")
    lines = ProgressLines(say)
    result = stack.node.run_all(stack.progress, lines.watch)
    say(f"run-all-pipes: {failure(result) if result['status'] != 'success' else 'success'}")
    report = report_of(stack)
    print(f"\n{table(report)}\n\n{_places(stack)}", flush=True)
    return FAILED if report.rejected or result["status"] != "success" else OK


def report_of(stack: Stack) -> Report:
    """What is on both sides, and what became of each record that was shared."""
    settings = stack.settings
    erp = Service(settings.url("erp-service"), settings.environment)
    chargebee = Service(settings.url("chargebee-service"), settings.environment)
    return make_report(erp, chargebee, stack.node)


def _places(stack: Stack) -> str:
    """Where to look."""
    settings = stack.settings
    lines = []
    if not settings.real_erp:
        lines.append(
            f"sandbox ERP          {stack.erp_sandbox_url}/  (a page to look at and edit the records)"
        )
    if not settings.real_chargebee:
        lines.append(f"sandbox Chargebee    {stack.chargebee_sandbox_url}/api/v2  (user: sandbox)")
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
    """Whether a line of the run's log is worth showing: rounds, what is sent to a system, failures."""
    return "-share: " in line or not line.startswith("pipe ") or " failed: " in line


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
