"""`python -m stack run`: everything up and synced. `python -m stack upload`: the configs to any node."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from core.jsonio import Json
from core.names import Kind
from core.settings import BadSetting
from stack import links
from stack.data_folder import FolderInUse
from stack.decisions import relink, retry, send, unlink
from stack.deploy_check import WRONG, Deployment, run_checks, told
from stack.environment import PORTS, ROOT
from stack.mappings.reading import MappingsRefused
from stack.mappings.render import Mappings
from stack.node import NodeClient
from stack.process_manager import StackError
from stack.property import told as told_of
from stack.run import INTERRUPTED, RunOptions, run
from stack.settings import from_environment

OK, FAILED, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Exit codes: 0 done, 1 something failed or was rejected, 2 a setting is wrong, 130 interrupted.
    """
    options = parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (BadSetting, FolderInUse) as error:
        print(f"stack: {error}", file=sys.stderr)
        return USAGE
    except StackError as error:
        print(f"stack: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # whoever reads, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        print(f"stack: {os_error(error)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def os_error(error: OSError) -> str:
    """Return what the operating system refused, in one sentence: the file, and why."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def parser() -> argparse.ArgumentParser:
    """Return the command line: every command with its options and help."""
    made = argparse.ArgumentParser(prog="python -m stack")
    commands = made.add_subparsers(metavar="COMMAND", required=True)
    ports = ", ".join(f"{row.name} ({row.default})" for row in PORTS.values())
    run = commands.add_parser(
        "run",
        help="start everything and sync",
        epilog=f"Settings, also from .env: {ports}; see docs/reference/settings.md.",
    )
    run.add_argument("--once", action="store_true", help="stop after the first sync")
    run.add_argument("--empty", action="store_true", help="sandboxes without demo data")
    run.add_argument("--keep", action="store_true", help="continue with the last run's data")
    run.add_argument("--fresh", action="store_true", help="delete the last run's data, also of real systems")
    only = run.add_mutually_exclusive_group()
    only.add_argument(
        "--plan", action="store_true", help="show what would be written, write nothing and stop"
    )
    only.add_argument(
        "--write", action="store_true", help="write, even if these real systems were not synced before"
    )
    run.add_argument("--links", type=Path, metavar="FILE", help="first apply the decisions of a CSV of links")
    run.add_argument(
        "--folder",
        type=lambda text: Path(text).resolve(),
        default=ROOT / ".data",
        help="for data and logs (default .data)",
    )
    run.set_defaults(command=_run)
    _decision_commands(commands)
    _link_commands(commands)
    pipes = commands.add_parser("pipes", help="generate pipes/ from mappings/ and templates/")
    pipes.set_defaults(command=_pipes)
    property_ = commands.add_parser(
        "property",
        help="show what happens to a property: its mapping row, its rules and datasets",
        epilog="Uses mappings/ and templates/; no node is called.",
    )
    property_.add_argument("path", metavar="PATH", help="phone, contact.phone or chargebee-customer.phone")
    property_.set_defaults(command=_property)
    checked = commands.add_parser(
        "deploy-check",
        help="check what must change before you deploy to a node of your own",
        epilog="Exit codes: 0 nothing is wrong, 1 something must be changed, 2 wrong usage."
        " docs/howto/deploy.md has the steps.",
    )
    checked.add_argument("--profile", default="prod", help="check PROFILE-env.json (prod)")
    checked.add_argument(
        "--webhooks", metavar="URL", help="the address that Chargebee will call; it is tried"
    )
    checked.add_argument("--json", action="store_true", help="print the results as JSON")
    _node_options(checked)
    checked.set_defaults(command=_deploy_check)
    upload = commands.add_parser(
        "upload",
        help="send pipes, systems and variables to a node",
        epilog="Files for another node than the local one are uploaded unchanged, if deploy-check finds no"
        " error in them.",
    )
    upload.add_argument("--force", action="store_true", help="upload although deploy-check found errors")
    _node_options(upload)
    upload.set_defaults(command=_upload)
    return made


def _link_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    links = commands.add_parser(
        "links", help="list which records belong together, as a CSV to edit and hand back"
    )
    actions = links.add_subparsers(metavar="ACTION", required=True)
    export = actions.add_parser("export", help="write all links, and the records without a counterpart")
    export.add_argument("file", type=Path, metavar="FILE", nargs="?", help="(default: standard output)")
    take = actions.add_parser("import", help="carry out the decisions in the column `decision`")
    take.add_argument("file", type=Path, metavar="FILE")
    take.add_argument("--dry-run", action="store_true", help="only say what would be decided")
    for command, function in ((export, _export_links), (take, _import_links)):
        _node_options(command)
        command.set_defaults(command=function)


def _decision_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    unlink = commands.add_parser("unlink", help="separate a record from its counterpart permanently")
    relink = commands.add_parser("relink", help="let two records sync with each other and with no others")
    retry = commands.add_parser("retry", help="retry what was rejected or quarantined")
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
    os.umask(0o077)  # data and logs are their owner's alone
    names = ("folder", "once", "empty", "keep", "fresh", "plan", "write", "links")
    return run(RunOptions(**{name: getattr(options, name) for name in names}))


def _property(options: argparse.Namespace) -> int:
    print(told_of(Mappings(ROOT), options.path))
    return OK


def _pipes(options: argparse.Namespace) -> int:
    try:
        written = Mappings(ROOT).write()
    except MappingsRefused as error:
        print(error, file=sys.stderr)
        return USAGE
    for path in written:
        print(f"written: {path.relative_to(ROOT)}")
    return OK


def _node(options: argparse.Namespace) -> NodeClient:
    """Return the node that the options name, else the local one."""
    settings = from_environment("empty", ROOT / ".data")
    url = (options.node or settings.url("node")).rstrip("/")
    url = url if "://" in url else f"https://{url}"
    return NodeClient(url if url.endswith("/api") else f"{url}/api", options.jwt)


def _unlink(options: argparse.Namespace) -> int:
    record = Kind(options.system, options.datatype).record(options.id)
    return _say(unlink(_node(options), record, options.note))


def _relink(options: argparse.Namespace) -> int:
    record = Kind(options.system, options.datatype).record(options.id)
    other = Kind(options.other_system, options.other_datatype).record(options.other_id)
    return _say(relink(_node(options), record, other, options.note))


def _retry(options: argparse.Namespace) -> int:
    return _say(retry(_node(options), options.pipe, options.id))


def _deploy_check(options: argparse.Namespace) -> int:
    node = _node(options) if options.node else None
    found = run_checks(Deployment(ROOT, options.profile, node, options.webhooks))
    if options.json:
        print(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
    else:
        print(told(found, f"{options.profile}-env.json"))
    return FAILED if any(each.state == WRONG for each in found) else OK


def _export_links(options: argparse.Namespace) -> int:
    node = _node(options)
    if options.file is None:
        links.export(node, sys.stdout)
        return OK
    with options.file.open("w", encoding="utf-8-sig", newline="") as out:
        rows = links.export(node, out)
    print(f"{rows} rows in {options.file}")
    return OK


def _import_links(options: argparse.Namespace) -> int:
    node = _node(options)
    with options.file.open(encoding="utf-8-sig", newline="") as file:
        decisions = links.decide(node, links.read(file))
    if not decisions:
        print("no row has a decision")
        return OK
    return _say(decisions if options.dry_run else send(node, decisions))


def _say(decisions: list[Json]) -> int:
    """Return what was decided; the next run of the pumps carries it out."""
    for each in decisions:
        print(f"{each['decision']} {' and '.join(each.get('records', [each['_id']]))}")
    if not decisions:
        print("nothing to try again")
    return OK


def _upload(options: argparse.Namespace) -> int:
    """Upload; what `.env` says of the local node's services is nothing to another node.

    A node at an address of this machine may be any behind a tunnel: whether it shares stays as it is.
    """
    node = _node(options)
    if node.is_local:
        settings = from_environment("empty", ROOT / ".data")
        present = {name: value for name, value in node.variables().items() if name == "share-mode"}
        ours = {name: value for name, value in settings.node_variables.items() if name != "share-mode"}
        pipes = node.upload(ROOT, {**ours, **present}, settings.node_secrets)
    else:
        found = run_checks(Deployment(ROOT))
        if any(each.state == WRONG for each in found) and not options.force:
            print(told(found, "prod-env.json"), file=sys.stderr)
            print("nothing was uploaded; --force uploads it unchanged", file=sys.stderr)
            return FAILED
        pipes = node.upload(ROOT, {})
    print(f"{pipes} pipes uploaded to {node.url}")
    return OK


if __name__ == "__main__":
    sys.exit(main())
