"""A small client of a Sesam node: upload a folder, run all pipes, read datasets."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from stack.process_manager import StackError
from stack.settings import HOST

Json = dict[str, Any]
PROGRESS_S = 0.5
MAX_RUN_S = 900
TIMEOUT = (5, 120)
LOOPBACK = f"http://{HOST}:"


class NodeClient:
    """The node at `url`, which ends in `/api`. Every refusal is a StackError with the node's own words."""

    def __init__(self, url: str, jwt: str | None = None) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = not url.startswith(LOOPBACK)
        if jwt:
            self._session.headers["Authorization"] = f"Bearer {jwt}"

    def close(self) -> None:
        """Let go of the connections that are kept open; a call afterwards opens new ones."""
        self._session.close()

    def upload(
        self, root: Path, variables: Mapping[str, str], secrets: Mapping[str, str] | None = None
    ) -> int:
        """Replace the configuration, and the variables by prod-env.json with `variables` over it.

        `secrets` are added to those it has. Answers the number of pipes.
        """
        defaults = json.loads((root / "prod-env.json").read_text(encoding="utf-8"))
        self._call("PUT", "/env", json={**defaults, **variables})
        if secrets:
            self._call("POST", "/secrets", json=dict(secrets))
        files = {"file": ("config.zip", pack(root), "application/zip")}
        self._call("PUT", "/config", files=files)
        return len(self._call("GET", "/pipes").json())

    def run_all(self, progress: Callable[[str], None] | None = None) -> Json:
        """Run the pumps until nothing moves, resetting nothing. Answers the node's result, whatever it is."""
        params = {
            "request_mode": "sync",
            "reset_pipes_and_delete_sink_datasets": "False",
            "max_run_time": MAX_RUN_S,
            "output_run_statistics": "True",
        }
        done = threading.Event()
        watcher = threading.Thread(target=self._report_progress, args=(done, progress), daemon=True)
        if progress:
            watcher.start()
        try:
            answer = self._call("POST", "/pipes/run-all-pipes", params=params, timeout=(5, MAX_RUN_S + 60))
        finally:
            done.set()
        return dict(answer.json())

    def _report_progress(self, done: threading.Event, progress: Callable[[str], None]) -> None:
        since: str | None = None
        with requests.Session() as session:
            session.trust_env = self._session.trust_env
            session.headers.update(self._session.headers)
            while not done.wait(PROGRESS_S):
                try:
                    params = {"since": since} if since else {}
                    answer = session.get(
                        f"{self.url}/pipes/get-run-all-pipes-log", params=params, timeout=TIMEOUT
                    )
                    lines = answer.json() if answer.ok else []
                except (requests.RequestException, ValueError):
                    continue
                for line in lines:
                    since = line["timestamp"]
                    progress(str(line["logdata"]))

    def pipes(self) -> list[str]:
        """The ids of all pipes."""
        return [pipe["_id"] for pipe in self._call("GET", "/pipes").json()]

    def entities(self, dataset: str) -> list[Json]:
        """The newest version of every entity of a dataset; none when the dataset does not exist yet."""
        answer = self._session.get(
            f"{self.url}/datasets/{dataset}/entities", params={"history": "false"}, timeout=TIMEOUT
        )
        if answer.status_code == 404:
            return []
        return list(self._checked(answer).json())

    def entity(self, dataset: str, entity_id: str) -> Json | None:
        """The newest version of one entity, or None."""
        answer = self._session.get(
            f"{self.url}/datasets/{dataset}/entity", params={"entity_id": entity_id}, timeout=TIMEOUT
        )
        return None if answer.status_code == 404 else dict(self._checked(answer).json())

    def push(self, receiver: str, entities: Sequence[Json]) -> None:
        """Send entities to a receiver pipe."""
        self._call("POST", f"/receivers/{receiver}/entities", json=list(entities))

    def _call(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", TIMEOUT)
        try:
            answer = self._session.request(method, self.url + path, **options)
        except requests.RequestException as error:
            raise StackError(f"the node at {self.url} does not answer: {type(error).__name__}") from error
        return self._checked(answer)

    def _checked(self, answer: requests.Response) -> requests.Response:
        if not answer.ok:
            said = f"{answer.request.method} {answer.url} answers {answer.status_code}"
            raise StackError(f"{said}: {answer.text[:2000]}")
        return answer


def pack(root: Path) -> bytes:
    """A zip of the configuration files of a folder, as the vendor's client packs them."""
    files = sorted(root.glob("*.conf.json")) + sorted(root.glob("systems/**/*.conf.json"))
    files += sorted(root.glob("pipes/**/*.conf.json"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.writestr(path.relative_to(root).as_posix(), path.read_bytes())
    return buffer.getvalue()
