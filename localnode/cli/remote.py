"""Commands that talk to a node over its API."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from core.jsonio import Json
from core.settings import BadSetting
from core.tables import text_table
from localnode.cli.client import NodeClient, NodeFailure
from localnode.config import pack_directory, read_directory, read_variables
from localnode.config.substitution import variables_of_conditions
from localnode.config.upload import DEFAULT_PROFILE, ENV_SUFFIX
from localnode.diagnostics.plan_text import finding_lines


def upload(options: argparse.Namespace) -> int:
    """Replace the node's variables and configuration by those of a folder."""
    node = NodeClient(options.node, options.jwt)
    archive = pack_directory(options.directory)
    variables = read_variables(options.directory, options.profile)
    if variables is not None:
        if options.profile is None:
            _refuse_other_profile(options.directory, node.json("GET", "/env"), variables)
        node.json("PUT", "/env", params={"force": options.profile is not None}, json=variables)
    params = {"force": str(options.force).lower()}
    files = {"file": ("config", archive, "application/zip")}
    answer = node.json("PUT", "/config", params=params, files=files)
    print_findings(answer["validation_errors"], sys.stderr)
    print(f"uploaded {options.directory} to {node.api}: {len(node.json('GET', '/pipes'))} pipes")
    return 0


def _refuse_other_profile(folder: Path, present: dict[str, object], wanted: dict[str, object]) -> None:
    """BadSetting when the default profile would turn conditional sources of a node that has variables.

    The local node refuses that itself where there is data to lose; a hosted node does not.
    """
    sources = (entity.get("source") for entity in read_directory(folder) if entity.get("type") == "pipe")
    for name in sorted(variables_of_conditions(sources)):
        if name in present and present[name] != wanted.get(name):
            raise BadSetting(
                f'{name} of this node is "{present[name]}", and {DEFAULT_PROFILE}{ENV_SUFFIX}, which is taken'
                f' when no profile is named, would make it "{wanted.get(name)}". Nothing was uploaded. Name'
                f" the one that is meant: --profile {present[name]} goes on as the node is; with another one"
                " a local node deletes what its pipes have read and made, and starts over"
            )


def print_findings(findings: Iterable[Json], out: TextIO) -> None:
    """Print one line per finding: level, component, place, message."""
    for entry in findings:
        name = entry["posted-config"].get("_id")
        for each in entry["config-errors"]:
            print(f"{each['level']}: {name} {each['elements']}: {each['msg']}", file=out)


def run(options: argparse.Namespace) -> int:
    """Run all pipes; 1 unless the result is "success"."""
    node = NodeClient(options.node, options.jwt)
    params = {
        "request_mode": "sync",
        "reset_pipes_and_delete_sink_datasets": options.reset,
        "delete_input_datasets": not options.keep_input,
        "extra_zero_runs": options.extra_zero_runs,
        "max_runs": options.max_runs,
        "max_run_time": options.max_run_time,
        "check_input_pipes": not options.ignore_input_pipes,
        "output_run_statistics": True,
    }
    timeout = (5, options.max_run_time + 60)
    result = node.json("POST", "/pipes/run-all-pipes", params=params, timeout=timeout)
    if options.json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        _print_result(result)
    return 0 if result["status"] == "success" else 1


def _print_result(result: Json) -> None:
    info = result["additional_info"]
    moved = {name: each for name, each in info.get("pipes", {}).items() if each["changes"]}
    for name, each in moved.items():
        print(f"{name:<44} {each['changes']:>8} changes in {each['runs']} runs, {each['seconds']:.2f} s")
    for entry in info["failed_pipes"]:
        print(f"failed: {entry['pipe']}: {entry['reason']}")
    for entry in info.get("not_runnable_pipes", ()):
        print(f"not runnable here: {entry['pipe']}: {entry['reason']}")
    if info.get("message"):
        print(info["message"])
    print(f"{result['status']}: {info['changes']} changes, {info['rounds']} rounds, {info['seconds']:.1f} s")


def status(options: argparse.Namespace) -> int:
    """List the pipes, and what needs attention; 1 when one is invalid, disabled or its last run failed."""
    node = NodeClient(options.node, options.jwt)
    pipes = node.json("GET", "/pipes", params={"fields": "config,runtime,storage"})
    if options.json:
        print(json.dumps(pipes, indent=2, ensure_ascii=False))
    else:
        titles = ("pipe", "config", "pump", "last run", "entities", "message")
        print("\n".join(text_table(titles, map(_row, pipes))))
        found = _findings(node)
        if found is not None:
            print("\n".join(["", *finding_lines(found), _state(found)]))
    return 0 if all(_healthy(pipe["runtime"]) for pipe in pipes) else 1


def _findings(node: NodeClient) -> dict[str, object] | None:
    """Return what needs attention; None on a node that cannot say, such as a hosted one."""
    try:
        return dict(node.json("GET", "/diagnostics/findings"))
    except NodeFailure as failure:
        if failure.status == 404:
            return None
        raise


def _state(found: Json) -> str:
    counts = ", ".join(f"{number} {kind}" for kind, number in found["counts"].items())
    return f"{found['state']}: {counts or 'nothing needs attention'}"


def _row(pipe: Json) -> tuple[str, str, str, str, str, str]:
    runtime = pipe["runtime"]
    state = "running" if runtime.get("is-running") else runtime.get("last-status") or "-"
    count = pipe["storage"].get("count-index-exists")
    valid = "ok" if runtime["is-valid-config"] else "invalid"
    disabled = runtime.get("is-disabled")
    pump = "disabled" if disabled else runtime.get("mode") or "-"
    elsewhere = runtime.get("not-runnable")
    if elsewhere:
        state = "not here"
    told = [runtime.get("disabled-comment") if disabled else None, elsewhere, runtime.get("last-message")]
    message = next((each for each in told if each), "")
    return pipe["_id"], valid, pump, state, "-" if count is None else str(count), message


def _healthy(runtime: dict[str, object]) -> bool:
    works = bool(runtime["is-valid-config"]) and not runtime.get("is-disabled")
    return works and runtime.get("last-status") != "failed"


def entities(options: argparse.Namespace) -> int:
    """Print entities of a pipe, or of a dataset when no pipe has that id."""
    node = NodeClient(options.node, options.jwt)
    name = quote(options.name, safe="")
    params = {"since": options.since, "limit": options.limit}
    if options.uncommitted:
        parts = node.lines(f"/datasets/{name}/uncommitted", {})
    elif not options.history and (options.stage or _is_pipe(node, name)):
        parts = node.lines(f"/pipes/{name}/entities", {**params, "stage": options.stage})
    else:
        parts = node.lines(f"/datasets/{name}/entities", {**params, "history": options.history})
    for part in parts:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.write(b"\n")
    return 0


def _is_pipe(node: NodeClient, name: str) -> bool:
    try:
        node.request("GET", f"/pipes/{name}")
    except NodeFailure as failure:
        if failure.status == 404:
            return False
        raise
    return True


def transform(options: argparse.Namespace, entities: list[Json]) -> object:
    """Ask the node what a pipe makes of entities."""
    node = NodeClient(options.node, options.jwt)
    return node.json("POST", f"/pipes/{quote(options.pipe, safe='')}/transform", json=entities)
