"""A small client of the node's API, for the commands."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from core.jsonio import Json
from localnode.config import ConfigRefused

DEFAULT = "http://127.0.0.1:9042"
TIMEOUT = (5, 120)
SYNCCONFIG = (Path(".syncconfig"), Path(".data/node/.syncconfig"))


class NodeFailure(Exception):
    """The node does not answer, or refuses; the message is for a person. `status`: of the answer, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NodeClient:
    """Calls one node. `request` raises NodeFailure, or ConfigRefused with the findings of an upload."""

    def __init__(self, node: str | None = None, jwt: str | None = None) -> None:
        found = _syncconfig()
        url = node or os.environ.get("NODE") or found.get("node") or DEFAULT
        token = jwt or os.environ.get("JWT") or found.get("jwt")
        url = url if "://" in url else f"https://{url}"
        self.api = url.rstrip("/") if url.rstrip("/").endswith("/api") else url.rstrip("/") + "/api"
        self._session = requests.Session()
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """One call; `options` as for requests."""
        options.setdefault("timeout", TIMEOUT)
        try:
            response = self._session.request(method, self.api + path, **options)
        except requests.RequestException as error:
            told = f"the node at {self.api} does not answer ({type(error).__name__})"
            raise NodeFailure(f"{told}: is it running there? --node names another") from error
        if response.ok:
            return response
        body = _body(response)
        if "validation_errors" in body:
            raise ConfigRefused(str(body.get("detail", "refused")), body["validation_errors"])
        told = f"{method} {path}: {response.status_code} {body.get('detail', response.reason)}"
        raise NodeFailure(told, response.status_code)

    def json(self, method: str, path: str, missing: object = None, **options: object) -> Any:
        """One call, the answer as JSON; `missing`, if given, where there is nothing."""
        try:
            return self.request(method, path, **options).json()
        except NodeFailure as failure:
            if failure.status == 404 and missing is not None:
                return missing
            raise

    def lines(self, path: str, params: Json) -> Iterator[bytes]:
        """Yield the body of a GET, in chunks."""
        with self.request("GET", path, params=params, stream=True) as response:
            try:
                yield from response.iter_content(65536)
            except requests.RequestException as error:
                raise NodeFailure(f"the answer of {path} was cut off: {type(error).__name__}") from error


def _body(response: requests.Response) -> Json:
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _syncconfig() -> dict[str, str]:
    """Node and token from the first `.syncconfig` there is (JSON, or NAME="value" lines)."""
    for path in SYNCCONFIG:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        if text.lstrip().startswith("{"):
            return {str(key).lower(): str(value) for key, value in json.loads(text).items()}
        pairs = re.findall(r'^\s*(\w+)\s*=\s*"?([^"\n]*)"?\s*$', text, re.MULTILINE)
        return {key.lower(): value for key, value in pairs}
    return {}
