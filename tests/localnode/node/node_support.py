"""Helpers of the node's tests: a node process as its callers see it, and config archives."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import requests


class Server:
    """A node process as a caller sees it."""

    def __init__(self, port: int, data: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.api = f"{self.url}/api"
        self.data = data
        self.session = requests.Session()
        self.pid = 0

    @classmethod
    def like(cls, other: Server) -> Server:
        """The same process, seen by a caller of its own."""
        server = cls(int(other.url.rpartition(":")[2]), other.data)
        server.pid = other.pid
        return server

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request."""
        options.setdefault("timeout", 60)
        return self.session.request(method, self.api + path, **options)

    def json(self, method: str, path: str, **options: Any) -> Any:
        """One request that must succeed, its answer as JSON."""
        response = self.call(method, path, **options)
        assert response.ok, (method, path, response.status_code, response.text)
        return response.json()


def zipped(entities: list[dict[str, Any]]) -> bytes:
    """A config archive as the client makes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for entity in entities:
            kind = entity["type"].split(":")[0]
            name = f"{kind}s/{entity['_id']}.conf.json" if kind != "metadata" else "node-metadata.conf.json"
            archive.writestr(name, json.dumps(entity))
    return buffer.getvalue()
