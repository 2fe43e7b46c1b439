"""Let a plan read systems but never write to them: shares become dry runs, other writes are refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from core import dry_run
from core.jsonio import Json
from core.names import Kind
from localnode import codec
from localnode.diagnostics.planned_writes import PlannedWrites
from localnode.pipes import Systems
from localnode.pipes.errors import RemoteFailed

READS = frozenset({"GET", "HEAD", "OPTIONS"})
DRY_RUN = {dry_run.PARAMETER: "true"}


class DryRunSystems(Systems):
    """The systems of a plan.

    `POST /<datatype>/share` becomes a dry run, and `GET /<datatype>/entities` returns the records as they
    would be (unless `feeds_back` is false); the results are stored in the planned writes.
    """

    def __init__(self, planned: PlannedWrites, feeds_back: bool, *others: Any) -> None:
        super().__init__(*others)
        self._planned, self._feeds_back = planned, feeds_back
        self._trusted: set[tuple[str, str]] = set()
        self._checking = threading.Lock()

    def request(self, system_id: str, method: str, path: str, **options: Any) -> requests.Response:
        """See Systems."""
        datatype = _datatype(path, "share")
        if method != "POST" or datatype is None:
            return super().request(system_id, method, path, **options)
        self._check(system_id, path, options)
        kind = Kind(system_id, datatype)
        entities = [self._with_present(kind, entity) for entity in codec.parse(options["data"])]
        options |= {"data": codec.dumps(entities), "params": DRY_RUN}
        response = super().request(system_id, method, path, **options)
        answers = codec.parse(response.content)
        for entity, answer in zip(entities, answers, strict=True):
            answer.pop(dry_run.PRESENT, None)
            self._planned.note(kind, entity, answer)
        response._content = codec.dumps(answers)
        return response

    @contextmanager
    def stream(
        self, system_id: str, method: str, path: str, **options: Any
    ) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """See Systems."""
        datatype = _datatype(path, "entities")
        since = (options.get("params") or {}).get("since")
        if since == "":
            options["params"] = {name: each for name, each in options["params"].items() if name != "since"}
        with super().stream(system_id, method, path, **options) as (headers, chunks):
            if datatype is not None and self._feeds_back:
                chunks = self._planned.overlaid(Kind(system_id, datatype), since, chunks)
            yield headers, chunks

    def _send(self, system_id: str, method: str, path: str, **options: object) -> requests.Response:
        if method not in READS and options.get("params") != DRY_RUN:
            raise RemoteFailed(f"{method} {path} of system {system_id!r}: a plan does not make this call")
        return super()._send(system_id, method, path, **options)

    def _with_present(self, kind: Kind, entity: dict[str, object]) -> Json:
        present = self._planned.foreseen(kind, entity) if self._feeds_back else None
        return entity if present is None else {**entity, dry_run.PRESENT: present}

    def _check(self, system_id: str, path: str, options: Mapping[str, object]) -> None:
        """Check that a service supports dry runs.

        A service that does not would write: so it gets an empty dry run first, once.
        """
        with self._checking:
            if (system_id, path) in self._trusted:
                return
            headers = options.get("headers")
            answer = super().request(system_id, "POST", path, headers=headers, data=b"[]", params=DRY_RUN)
            if answer.headers.get(dry_run.HEADER, "").lower() != "true":
                raise RemoteFailed(f"system {system_id!r}: {path} knows no dry runs; nothing was sent to it")
            self._trusted.add((system_id, path))


def _datatype(path: str, call: str) -> str | None:
    """Return `customer` of `/customer/share`, None for every other path."""
    parts = path.strip("/").split("/")
    return parts[0] if len(parts) == 2 and parts[1] == call else None
