"""Writes every request to the API to a file, for tests that judge what a client sends."""

from __future__ import annotations

import threading
from pathlib import Path

import orjson
from flask import Blueprint, Response, request

SETTING = "CHARGEBEE_SANDBOX_REQUESTS"
"""Environment variable with the path of the file; nothing is recorded while it is unset."""


def record_requests(api: Blueprint, file: Path) -> None:
    """Append a JSON line to `file` for every request to `api`: method, path, query, body, client, status."""
    writing = threading.Lock()

    @api.after_request
    def record(response: Response) -> Response:
        line = {
            "method": request.method,
            "path": request.path.removeprefix("/api/v2"),
            "query": request.query_string.decode("ascii", "replace"),
            "body": request.get_data().decode("utf-8", "replace"),
            "client": request.headers.get("User-Agent", ""),
            "status": response.status_code,
        }
        with writing, file.open("ab") as out:
            out.write(orjson.dumps(line) + b"\n")
        return response
