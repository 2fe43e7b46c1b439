"""The command line: options of every command, and their exit codes.

0: done · 1: a failure of the node or the data · 2: the command line or a setting is wrong
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from core.settings import BadSetting, read, rows
from localnode import readings
from localnode.cli import alerts as alert_commands
from localnode.cli import diagnostics, local, remote, repairs, testing
from localnode.cli import tokens as token_commands
from localnode.cli.client import NodeFailure
from localnode.config import ConfigRefused, NodeSettings
from localnode.dtl import DtlError
from localnode.errors import NodeError
from localnode.node.tokens import ROLES
from localnode.pipes import PipeError
from localnode.readings import ReadingSettings

OK, FAILURE, USAGE = 0, 1, 2
EXIT_CODES = "Exit codes: 0 done, 1 a failure of the node or the data, 2 wrong usage or setting."
TEST_CODES = "Exit codes: 0 every test passed, 1 one did not, 2 wrong usage or setting."
DIAGNOSTICS_CODES = (
    "Exit codes: 0 nothing to report, 2 something to report (or wrong usage), 1 the command failed."
)

STARTS_OVER = (
    "; if that would switch a node with data from a system to embedded test data or back, the profile"
    " must be named, and the node then starts over"
)

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = parser().parse_args(arguments)
    try:
        readings.choose(read(ReadingSettings, os.environ).readings)
        return int(options.command(options))
    except (BadSetting, FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        print(f"localnode: {error}", file=sys.stderr)
        return USAGE
    except ConfigRefused as error:
        remote.print_findings(error.validation_errors, sys.stderr)
        print(f"localnode: {error}", file=sys.stderr)
        return FAILURE
    except (NodeFailure, NodeError, PipeError, DtlError) as error:
        print(f"localnode: {error}", file=sys.stderr)
        return FAILURE
    except BrokenPipeError:
        sys.stderr.close()
        return FAILURE
    except OSError as error:
        print(f"localnode: {error}", file=sys.stderr)
        return FAILURE
    except KeyboardInterrupt:
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """Return the command line: every command with its options and help."""
    made = argparse.ArgumentParser(
        prog="python -m localnode",
        description="A local Sesam node: runs pipe configs on this machine and speaks the node's REST API.",
        epilog=EXIT_CODES,
    )
    commands = made.add_subparsers(metavar="COMMAND", required=True)
    _serve(commands)
    _remote_commands(commands)
    _repair_commands(commands)
    _diagnostics_commands(commands)
    _token_commands(commands)
    _alert_commands(commands)
    _local_commands(commands)
    _test_command(commands)
    return made


def _serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = _command(
        commands,
        "serve",
        local.serve,
        "serve the node's API until SIGTERM or Ctrl-C",
        f"Environment: {', '.join(row.name for row in rows(NodeSettings).values())}; options win over them"
        " (docs/reference/settings.md).",
    )
    serve.add_argument("--port", type=int, help="TCP port (default 9042, or NODE_PORT)")
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1, or NODE_HOST)")
    serve.add_argument("--data", type=Path, metavar="DIR", help="data folder (.data/node, or NODE_DATA)")
    serve.add_argument("--config", type=Path, metavar="DIR", help="upload this config folder at start")
    serve.add_argument("--profile", help=f"with --config: take PROFILE-env.json (test){STARTS_OVER}")
    serve.add_argument(
        "--system",
        action="append",
        default=[],
        metavar="ID=URL",
        help="where the service of a system is; repeatable. Pipes can reach no other address",
    )
    serve.add_argument("--no-schedule", action="store_true", help="run pumps only on request")
    serve.add_argument(
        "--sync-config",
        type=Path,
        metavar="FILE",
        help="where to write address and token for clients (default .syncconfig in the data folder"
        " given with --data, else here)",
    )


def _remote_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    upload = _command(commands, "upload", remote.upload, "upload a config folder, with its variables")
    upload.add_argument("directory", type=Path, metavar="DIR", help="folder with pipes/ and systems/")
    upload.add_argument("--profile", help=f"variables from PROFILE-env.json (default test){STARTS_OVER}")
    upload.add_argument("--force", action="store_true", help="accept errors; pipes with errors do not run")
    run = _command(commands, "run", remote.run, "run all pipes until nothing moves")
    run.add_argument("--reset", action="store_true", help="first reset all pipes and delete their datasets")
    run.add_argument("--keep-input", action="store_true", help="with --reset: keep the entities of receivers")
    run.add_argument("--extra-zero-runs", type=int, default=0, metavar="N", help="idle rounds to add (0)")
    run.add_argument("--max-runs", type=int, default=100, metavar="N", help="give up after N rounds (100)")
    run.add_argument(
        "--max-run-time", type=int, default=900, metavar="S", help="give up after S seconds (900)"
    )
    run.add_argument("--ignore-input-pipes", action="store_true", help="failing input pipes do not count")
    run.add_argument("--json", action="store_true", help="print the result as JSON")
    status = _command(
        commands, "status", remote.status, "list pipes with their state, and what needs attention"
    )
    status.add_argument("--json", action="store_true", help="print the pipes as JSON")
    entities = _command(commands, "entities", remote.entities, "print a pipe's or dataset's entities")
    entities.add_argument("name", metavar="PIPE|DATASET")
    entities.add_argument("--stage", help="source, before-transforms, after-transforms or sink (pipes)")
    entities.add_argument("--since", help="only after this offset")
    entities.add_argument("--limit", type=int, help="at most this many")
    entities.add_argument("--history", action="store_true", help="all versions (datasets)")
    entities.add_argument("--uncommitted", action="store_true", help="only what a tripped breaker holds back")
    for command in (upload, run, status, entities):
        _node_options(command)


def _repair_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    breakers = _command(commands, "breakers", repairs.breakers, "list tripped circuit breakers")
    commit = _command(commands, "commit", repairs.commit, "publish changes that tripped breakers hold back")
    rollback = _command(
        commands, "rollback", repairs.rollback, "drop changes that tripped breakers hold back"
    )
    for command in (commit, rollback):
        command.add_argument("datasets", metavar="DATASET", nargs="+")
    letters = _command(commands, "dead-letters", repairs.dead_letters, "list dead letters with their reasons")
    letters.add_argument("pipe", metavar="PIPE", nargs="?", help="only those of this pipe")
    retry = _command(commands, "retry", repairs.retry, "let pipes retry their dead letters")
    retry.add_argument("pipe", metavar="PIPE", nargs="?", help="only those of this pipe")
    retry.add_argument("ids", metavar="ID", nargs="*", help="only these entities of it")
    for command in (breakers, commit, rollback, letters, retry):
        _node_options(command)


def _diagnostics_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    explain = _command(commands, "explain", diagnostics.explain, "say why a record is as it is")
    explain.add_argument("system", metavar="SYSTEM")
    explain.add_argument("datatype", metavar="DATATYPE")
    explain.add_argument("id", metavar="ID")
    explain.add_argument("property", metavar="PROPERTY", nargs="?", help="only this property or field")
    plan = _command(
        commands, "plan", diagnostics.plan, "show what a run would do, without doing it", DIAGNOSTICS_CODES
    )
    plan.add_argument("--config", type=Path, metavar="DIR", help="show what this configuration would change")
    plan.add_argument(
        "--profile", help="with --config: also take PROFILE-env.json (default: the node's variables)"
    )
    verify = _command(
        commands, "verify", diagnostics.verify, "read both sides again and compare", DIAGNOSTICS_CODES
    )
    verify.add_argument("--report", type=Path, metavar="FILE", help="also write a report in Markdown")
    for command in (plan, verify):
        command.add_argument(
            "--max-run-time", type=int, default=900, metavar="S", help="give up after S seconds (900)"
        )
    for command in (explain, plan, verify):
        command.add_argument("--json", action="store_true", help="print the answer as JSON")
        _node_options(command)


def _token_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    roles = "; ".join(f"{role}: {may}" for role, may in ROLES.items())
    token = commands.add_parser("token", help="manage the tokens of people and programs", epilog=roles)
    actions = token.add_subparsers(metavar="ACTION", required=True)
    create = _command(actions, "create", token_commands.create, "create a token, and print it once", roles)
    create.add_argument("name", metavar="NAME", help="whose it is, as the audit trail names them")
    create.add_argument("--role", required=True, choices=ROLES)
    create.add_argument("--days", type=int, metavar="N", help="it expires after N days (default: never)")
    listed = _command(
        actions, "list", token_commands.list_tokens, "list the tokens, without the tokens themselves"
    )
    revoke = _command(actions, "revoke", token_commands.revoke, "make a token invalid")
    revoke.add_argument("name", metavar="NAME")
    did = _command(commands, "actions", token_commands.actions, "print what people did on the node")
    did.add_argument("--limit", type=int, default=50, metavar="N", help="only the last N (50)")
    for command in (create, listed, revoke, did):
        _node_options(command)


def _alert_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    alerts = commands.add_parser("alerts", help="show and test alerts")
    actions = alerts.add_subparsers(metavar="ACTION", required=True)
    show = _command(
        actions, "show", alert_commands.show, "print what is firing; exit code 1 when something is"
    )
    test = _command(actions, "test", alert_commands.try_channels, "send a message over every channel")
    for command in (show, test):
        _node_options(command)
    check = _command(actions, "check", alert_commands.check, "check a file of rules")
    check.add_argument("file", type=Path, metavar="FILE")
    rules = _command(actions, "prometheus", alert_commands.prometheus, "print the rules for Prometheus")
    rules.add_argument(
        "file", type=Path, metavar="FILE", nargs="?", help="(default: NODE_ALERTS, or the default rules)"
    )


def _local_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    _command(commands, "dtl", local.dtl, "run a JSON list of DTL conformance cases from standard input")
    transform = _command(
        commands,
        "transform",
        local.transform,
        "run a pipe's transforms on the entities on standard input",
        "Without --config the pipe is taken from the node, and hops see its datasets. Transforms with"
        " side effects are left out.",
    )
    transform.add_argument("pipe", metavar="PIPE")
    transform.add_argument("--config", type=Path, metavar="DIR", help="take the pipe from here, offline")
    transform.add_argument("--profile", help="with --config: take PROFILE-env.json (test)")
    transform.add_argument(
        "--dataset",
        action="append",
        default=[],
        metavar="ID=FILE",
        help="with --config: the entities of a dataset, for hops; repeatable",
    )
    _node_options(transform)


def _test_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    test = _command(
        commands,
        "test",
        testing.test,
        "run a project's own tests (expected/*.test.json)",
        "The project is uploaded to a new node, run and compared; then the node is deleted. The results are"
        f" those of Sesam's client. {TEST_CODES}",
    )
    test.add_argument("directory", type=Path, metavar="DIR", help="folder with pipes/, systems/, expected/")
    test.add_argument("names", metavar="NAME", nargs="*", help="only these tests or pipes; wildcards: * ?")
    test.add_argument("--profile", default="test", help="variables from PROFILE-env.json (default test)")
    test.add_argument("--update", action="store_true", help="store the output as expected output")
    test.add_argument("--junit", type=Path, metavar="FILE", help="also write the results as JUnit XML")
    test.add_argument("--whitelist-file", type=Path, metavar="FILE", help="use only the files named in FILE")
    test.add_argument(
        "--check-input-pipes", action="store_true", help="input pipes that cannot run count as failed"
    )
    test.add_argument(
        "--max-run-time", type=int, default=900, metavar="S", help="give up after S seconds (900)"
    )
    test.add_argument("-v", "--verbose", action="store_true", help="all warnings, and all differences")
    test.add_argument(
        "--system",
        action="append",
        default=[],
        metavar="ID=URL",
        help="where the service of a system is, for tests that call it; repeatable",
    )


def _node_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--node", help="the node (default: NODE, .syncconfig here or in .data/node, http://127.0.0.1:9042)"
    )
    command.add_argument("--jwt", help="its token (default: JWT, the same .syncconfig)")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    function: object,
    text: str,
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    described = text[0].upper() + text[1:] + ("" if text.endswith("?") else ".")
    codes = "" if epilog and "Exit codes" in epilog else EXIT_CODES
    closing = " ".join(part for part in (epilog, codes) if part)
    command = commands.add_parser(name, help=text, description=described, epilog=closing)
    command.set_defaults(command=function)
    return command
