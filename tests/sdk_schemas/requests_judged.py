"""What the Chargebee service sent to a sandbox, and what Chargebee's own client for Node.js thinks of it."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson

from tests.support.openapi import FORM, operation_of, request_problems
from tests.support.thirdparty import CannotFetch, installed
from tests.support.upstream import Asked

HERE = Path(__file__).parent
SERVICE = "sesam-erp-chargebee"
"""How the service names itself to upstream; people's edits and the stack's own calls are not judged."""

_TIMEOUT_S = 120


@dataclass(frozen=True)
class Judged:
    """Requests of the service and the faults that were found with them, each `{operation, problems, request}`."""

    requests: int
    faults: list[dict[str, Any]]

    def summary(self) -> str:
        """Every kind of fault with the number of requests that have it, and one of these requests."""
        if not self.faults:
            return f"all {self.requests} requests pass the client's own validation"
        kinds = Counter(
            (fault["operation"], problem) for fault in self.faults for problem in fault["problems"]
        )
        lines = [
            f"{len(self.faults)} of {self.requests} requests would not pass the client's own validation:"
        ]
        for (operation, problem), count in kinds.most_common():
            sample = next(
                fault["request"]
                for fault in self.faults
                if fault["operation"] == operation and problem in fault["problems"]
            )
            said = sample["query"] or sample["body"]
            lines.append(f"{count:6}  {operation}: {problem}\n        {sample['path']} {said[:300]}")
        return "\n".join(lines)


def judged(recording: Path) -> Judged:
    """Judge the requests of the service in a recording; `CannotFetch` where the client cannot be had."""
    if shutil.which("node") is None:
        raise CannotFetch("node is not installed")
    place = installed(HERE)
    sent = requests_in(recording)
    done = subprocess.run(
        ["node", str(HERE / "judge.cjs"), str(place)],
        input=b"".join(orjson.dumps(request) + b"\n" for request in sent),
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=True,
    )
    faults = [orjson.loads(line) for line in done.stdout.splitlines()]
    return Judged(len(sent), [{**fault, "request": sent[fault["line"] - 1]} for fault in faults])


def requests_in(recording: Path) -> list[dict[str, Any]]:
    """The requests of the service in a recording, in their order."""
    requests: list[dict[str, Any]] = [orjson.loads(line) for line in recording.read_bytes().splitlines()]
    return [request for request in requests if request["client"].startswith(SERVICE)]


def undocumented(recording: Path) -> list[str]:
    """What the OpenAPI document does not have in the requests of a recording."""
    found = []
    for request in requests_in(recording):
        asked = Asked(
            request["method"],
            f"/api/v2{request['path']}",
            dict(parse_qsl(request["query"], keep_blank_values=True)),
            {"Content-Type": FORM},
            request["body"].encode(),
        )
        name, operation = operation_of(asked)
        found += [f"{name}: {problem}" for problem in request_problems(asked, operation)]
    return found
