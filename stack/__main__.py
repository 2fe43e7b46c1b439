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

from stack.decisions import RecordRef, relink, retry, unlink
from stack.node import Json, NodeClient
from stack.process_manager import StackError
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
        "run",
        help="start everything and sync",
        epilog=f"Settings, also from .env: {ports}; see docs/reference/settings.md.",
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
    _decision_commands(commands)
    upload = commands.add_parser("upload", help="send pipes, systems and variables to a node")
    _node_options(upload)
    upload.set_defaults(command=_upload)
    return made


def _decision_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    unlink = commands.add_parser("unlink", help="take a record apart from its counterpart for good")
    relink = commands.add_parser("relink", help="let two records sync with each other and nobody else")
    retry = commands.add_parser("retry", help="try again what was rejected or quarantined")
    for command in (unlink, relink):
        for name in ("SYSTEM", "DATATYPE", "ID"):
            command.add_argument(name.lower(), metavar=name)
        command.add_argument("--note", default="", help="why, kept with the decision")
    for name in ("SYSTEM", "DATATYPE", "ID"):
        relink.add_argument(f"other_{name.lower()}", metavar=name)
    retry.add_argument("pipe", metavar="PIPE", nargs="?", help="<system>-<datatype>")
    retry.add_argument("id", metavar="ID", nargs="?", help="one row of its share dataset")
    for command, function in ((unlink, _unlink), (relink, _relink), (retry, _retry)):
        _node_options(command)
        command.set_defaults(command=function)


def _node_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--node", default=os.environ.get("NODE"), help="its address (default: the local node)"
    )
    command.add_argument("--jwt", default=os.environ.get("JWT"), help="its token")


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


def _node(options: argparse.Namespace) -> NodeClient:
    """The node that the options name, else the local one."""
    settings = from_environment("empty", False, ROOT / ".data")
    url = (options.node or settings.url("node")).rstrip("/")
    url = url if "://" in url else f"https://{url}"
    return NodeClient(url if url.endswith("/api") else f"{url}/api", options.jwt)


def _unlink(options: argparse.Namespace) -> int:
    record = RecordRef(options.system, options.datatype, options.id)
    return _say(unlink(_node(options), record, options.note))


def _relink(options: argparse.Namespace) -> int:
    record = RecordRef(options.system, options.datatype, options.id)
    other = RecordRef(options.other_system, options.other_datatype, options.other_id)
    return _say(relink(_node(options), record, other, options.note))


def _retry(options: argparse.Namespace) -> int:
    return _say(retry(_node(options), options.pipe, options.id))


def _say(decisions: list[Json]) -> int:
    """What was decided; the next run of the pumps carries it out."""
    for each in decisions:
        print(f"{each['decision']} {' and '.join(each.get('records', [each['_id']]))}")
    if not decisions:
        print("nothing to try again")
    return OK


def _upload(options: argparse.Namespace) -> int:
    settings = from_environment("empty", False, ROOT / ".data")
    node = _node(options)
    pipes = node.upload(ROOT, settings.node_variables, settings.node_secrets)
    print(f"{pipes} pipes uploaded to {node.url}")
    return OK


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
