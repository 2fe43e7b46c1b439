"""`python -m stack run`: everything up and synced. `python -m stack upload`: the configs to any node."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from stack.children import StackError
from stack.node import Node
from stack.processes import Stack, failure
from stack.report import Report, make_report, table
from stack.services import Service
from stack.settings import PORTS, ROOT, SettingError, from_environment

OK, FAILED, USAGE = 0, 1, 2
PROGRAMS = ("erp-sandbox", "chargebee-sandbox")
WATCH_S = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 done, 1 something failed or was rejected, 2 a setting is wrong."""
    options = parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except SettingError as error:
        print(f"stack: {error}", file=sys.stderr)
        return USAGE
    except StackError as error:
        print(f"stack: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return OK


def parser() -> argparse.ArgumentParser:
    """The command line: every command with its options and help."""
    made = argparse.ArgumentParser(prog="python -m stack")
    commands = made.add_subparsers(metavar="COMMAND", required=True)
    ports = ", ".join(f"{key} ({default})" for key, default in PORTS.values())
    run = commands.add_parser(
        "run", help="start everything and sync", epilog=f"Settings, also from .env: {ports}; see README."
    )
    run.add_argument("--once", action="store_true", help="stop after the first sync")
    run.add_argument("--empty", action="store_true", help="sandboxes without demo data")
    run.add_argument("--keep", action="store_true", help="go on with the last run's data")
    run.add_argument(
        "--folder",
        type=lambda text: Path(text).resolve(),
        default=ROOT / ".data",
        help="for data and logs (default .data)",
    )
    run.set_defaults(command=_run)
    upload = commands.add_parser("upload", help="send pipes, systems and variables to a node")
    upload.add_argument(
        "--node", default=os.environ.get("NODE"), help="its address (default: the local node)"
    )
    upload.add_argument("--jwt", default=os.environ.get("JWT"), help="its token")
    upload.set_defaults(command=_upload)
    return made


def _run(options: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    settings = from_environment("empty" if options.empty else "demo", not options.once, options.folder)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    stack = Stack(settings=settings, progress=lambda line: say(f"  {line}") if is_news(line) else None)
    stack.check_ports()
    if not options.keep:
        forget(settings.folder)
    say("starting " + ", ".join(stack.names()))
    with stack:
        say("all ready, configs uploaded; syncing until nothing moves")
        result = stack.node.run_all(stack.progress)
        say(f"run-all-pipes: {failure(result) if result['status'] != 'success' else 'success'}")
        report = _report(stack)
        print(f"\n{table(report)}\n\n{_places(stack)}", flush=True)
        if options.once:
            return FAILED if report.rejected or result["status"] != "success" else OK
        print("\nSyncing on the pumps' schedules; Ctrl-C stops everything.", flush=True)
        _stay(stack)
    return OK


def _report(stack: Stack) -> Report:
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


def forget(folder: Path) -> None:
    """Remove what former runs left in the data folder, and nothing else in it."""
    for name in PROGRAMS:
        for path in folder.glob(f"{name}.sqlite*"):
            path.unlink()
    for name in ("node", "logs"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _upload(options: argparse.Namespace) -> int:
    settings = from_environment("empty", False, ROOT / ".data")
    url = (options.node or settings.url("node")).rstrip("/")
    url = url if "://" in url else f"https://{url}"
    node = Node(url if url.endswith("/api") else f"{url}/api", options.jwt)
    print(f"{node.upload(ROOT, settings.variables)} pipes uploaded to {node.url}")
    return OK


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
