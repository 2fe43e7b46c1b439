"""The servers under the presets, each started with the seed and edited by its own means, past the ERP service."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.erp_presets.seed import DATATYPES, Record, records
from tests.support.processes import free_port, process

HERE = Path(__file__).parent


class Server(ABC):
    """A running server: its address for the ERP service, and what a user of it would do.

    Records go in and out in this project's field names.
    """

    preset: str
    writable = True

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    def edit(self, datatype: str, key: str, **fields: Any) -> None:
        """Change a record, as somebody at that company would."""

    @abstractmethod
    def read(self, datatype: str, key: str) -> Record | None:
        """A record as the server holds it now; None when it is gone."""

    @abstractmethod
    def remove(self, datatype: str, key: str) -> None:
        """Delete a record for good."""


class JsonServer(Server):
    """json-server: collections are plurals, records are what was posted."""

    preset = "link-header"

    def _at(self, datatype: str, key: str) -> str:
        return f"{self.url}/{datatype}s/{key}"

    def edit(self, datatype: str, key: str, **fields: Any) -> None:
        requests.patch(self._at(datatype, key), json=fields, timeout=10).raise_for_status()

    def read(self, datatype: str, key: str) -> Record | None:
        answer = requests.get(self._at(datatype, key), timeout=10)
        return None if answer.status_code == 404 else answer.json()

    def remove(self, datatype: str, key: str) -> None:
        requests.delete(self._at(datatype, key), timeout=10).raise_for_status()


@contextmanager
def json_server(place: Path, folder: Path) -> Iterator[Server]:
    """json-server over a file made from the seed."""
    port = free_port()
    data = folder / "db.json"
    data.write_text(json.dumps({f"{datatype}s": records(datatype) for datatype in DATATYPES}))
    command = ["node", str(place / "node_modules/json-server/lib/cli/bin.js"), str(data)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--quiet"]
    command += ["--middlewares", str(HERE / "link_header/stamps.js")]
    url = f"http://127.0.0.1:{port}"
    with process(command, f"{url}/contacts", log=folder / "log"):
        yield JsonServer(url)
