"""Commands for a person who decides: tripped circuit breakers and dead letters."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from urllib.parse import quote

from core.jsonio import Json
from localnode.cli.client import NodeClient, NodeFailure


def breakers(options: argparse.Namespace) -> int:
    """List the tripped circuit breakers; 1 when there is one."""
    node = NodeClient(options.node, options.jwt)
    tripped = [each for each in node.json("GET", "/datasets") if each["runtime"]["circuit-breaker"]]
    for each in tripped:
        name, runtime = each["_id"], each["runtime"]
        print(f"{name}: {runtime['uncommitted']} uncommitted: {runtime['circuit-breaker']}")
    if tripped:
        print("look with: .venv/bin/python -m localnode entities DATASET --uncommitted", file=sys.stderr)
        print("then: .venv/bin/python -m localnode commit DATASET, or rollback DATASET", file=sys.stderr)
    else:
        print("no circuit breaker has tripped")
    return 1 if tripped else 0


def commit(options: argparse.Namespace) -> int:
    """Publish the changes that tripped breakers hold back."""
    return _decide(options, "commit-circuit-breaker", "committed")


def rollback(options: argparse.Namespace) -> int:
    """Drop the changes that tripped breakers hold back; what is still in the source comes again."""
    return _decide(options, "rollback-circuit-breaker", "rolled back")


def _decide(options: argparse.Namespace, operation: str, done: str) -> int:
    node = NodeClient(options.node, options.jwt)
    for name in options.datasets:
        path = f"/datasets/{quote(name, safe='')}"
        runtime = node.json("GET", path)["runtime"]
        if not runtime["circuit-breaker"]:
            raise NodeFailure(f'the circuit breaker of dataset "{name}" is not tripped')
        node.json("POST", path, data={"operation": operation})
        print(f"{name}: {runtime['uncommitted']} {done}")
    return 0


def dead_letters(options: argparse.Namespace) -> int:
    """List dead letters with their reasons; 1 when there is one."""
    node = NodeClient(options.node, options.jwt)
    found = 0
    for pipe, letter in _letters(node, [options.pipe] if options.pipe else []):
        found += 1
        dead = letter["$dead"]
        print(f"{pipe} {letter['_id']}: after {dead['attempts']} retries: {dead['error']}")
    if not found:
        print("no dead letters")
    return 1 if found else 0


def retry(options: argparse.Namespace) -> int:
    """Let pipes retry their dead letters: all of them, those of a pipe, or some of its entities."""
    node = NodeClient(options.node, options.jwt)
    wanted = set(options.ids)
    letters: dict[str, list[str]] = {}
    for pipe, letter in _letters(node, [options.pipe] if options.pipe else []):
        if not wanted or letter["_id"] in wanted:
            letters.setdefault(pipe, []).append(letter["_id"])
    missing = wanted.difference(*letters.values())
    if missing:
        raise NodeFailure(f'pipe "{options.pipe}" has no dead letter {", ".join(sorted(missing))}')
    for pipe, ids in letters.items():
        for fields in [{"entity_id": name} for name in ids] if wanted else [{}]:
            operation = {"operation": "retry-dead-letters", **fields}
            node.json("POST", f"/pipes/{quote(pipe, safe='')}/pump", data=operation)
        print(f"{pipe}: {len(ids)} to be tried again")
    if not letters:
        print("no dead letters")
    return 0


def _letters(node: NodeClient, pipes: list[str]) -> Iterator[tuple[str, Json]]:
    """(pipe, live dead letter) of the pipes named, or of all; NodeFailure for one that is not there."""
    known = [node.json("GET", f"/pipes/{quote(each, safe='')}") for each in pipes]
    for pipe in known or node.json("GET", "/pipes"):
        dataset = pipe["config"]["effective"].get("pump", {}).get("dead_letter_dataset")
        if not dataset:
            continue
        try:
            params = {"history": "false", "deleted": "false"}
            letters = node.json("GET", f"/datasets/{quote(dataset, safe='')}/entities", params=params)
        except NodeFailure as failure:
            if failure.status == 404:
                continue
            raise
        for letter in letters:
            yield pipe["_id"], letter
