"""A small client of a Sesam node: upload a folder, run all pipes, read datasets."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from core.jsonio import Json
from core.origin import is_loopback
from stack.process_manager import StackError
from stack.settings import HOST

Watch = Callable[[list[Json]], None]
PROGRESS_S = 0.5
NO_LIMIT_S = 30 * 24 * 3600
"""A first load takes as long as the rate limits of the systems make it take."""
TIMEOUT = (5, 120)
MAX_TEXT = 2000
LOOPBACK = f"http://{HOST}:"


class NodeClient:
    """The node at `url`, which ends in `/api`. Every refusal is a StackError with the node's own words."""

    def __init__(self, url: str, jwt: str | None = None) -> None:
        self.url = url
        self._jwt = jwt
        self._session = requests.Session()
        self._session.trust_env = not url.startswith(LOOPBACK)
        if jwt:
            self._session.headers["Authorization"] = f"Bearer {jwt}"

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        return is_loopback(urlsplit(self.url).hostname)

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

    def variables(self) -> Json:
        """Return the variables that the node has."""
        found: Json = self._call("GET", "/env").json()
        return found

    def run_all(self, progress: Callable[[str], None] | None = None, watch: Watch | None = None) -> Json:
        """Run the pumps until nothing moves, resetting nothing, however long it takes.

        A source that cannot be read counts as a failure. Answers the node's result, whatever it is.
        `progress` gets the lines of the run's log, `watch` how far the pumps are (as of `GET /progress`).
        """
        params = {
            "request_mode": "sync",
            "reset_pipes_and_delete_sink_datasets": "False",
            "check_input_pipes": "True",
            "max_run_time": NO_LIMIT_S,
            "output_run_statistics": "True",
        }
        since: str | None = None

        def look() -> None:
            nonlocal since
            if progress is not None:
                since = self._report(progress, since)
            if watch is not None:
                watch(self.progress())

        result = self._long_call("/pipes/run-all-pipes", params, look)
        look()
        return result

    def _report(self, progress: Callable[[str], None], since: str | None) -> str | None:
        """Hand on the lines of the run's log that came after `since`; answers where to go on."""
        params = {"since": since} if since else {}
        for line in self._call("GET", "/pipes/get-run-all-pipes-log", params=params).json():
            since = line["timestamp"]
            progress(str(line["logdata"]))
        return since

    def plan(self, watch: Watch | None = None) -> Json:
        """Return what a run would do; `watch` gets how far it is."""

        def look() -> None:
            if watch is not None:
                watch(self.progress())

        return self._long_call("/diagnostics/plan", {"max_run_time": NO_LIMIT_S}, look)

    def _long_call(self, path: str, params: Json, look: Callable[[], None]) -> Json:
        """POST what takes long, and look at how it goes meanwhile.

        The call is made in a thread that nobody has to wait for, so that Ctrl-C is not held up by it.
        """
        outcome: Queue[Json | StackError] = Queue()

        def call() -> None:
            node = NodeClient(self.url, self._jwt)
            try:
                answer = node._call("POST", path, params=params, timeout=(5, NO_LIMIT_S))
                outcome.put(dict(answer.json()))
            except StackError as error:
                outcome.put(error)
            finally:
                node.close()

        threading.Thread(target=call, daemon=True).start()
        while True:
            with suppress(Empty):
                found = outcome.get(timeout=PROGRESS_S)
                if isinstance(found, StackError):
                    raise found
                return found
            with suppress(StackError):  # the node is busy; what counts is how the call itself ends
                look()

    def progress(self) -> list[Json]:
        """Return how far the pumps that run have come, and those of a plan that is being made."""
        return list(self._call("GET", "/progress").json())

    def get(self, path: str, missing: Any = None) -> Any:
        """Return what a call of the API answers; `missing`, if given, where there is nothing."""
        answer = self._ask("GET", path)
        if answer.status_code == 404 and missing is not None:
            return missing
        return self._checked(answer).json()

    def proxied(self, system: str, path: str) -> requests.Response:
        """Return the answer of a system, asked through the node."""
        return self._ask("GET", f"/systems/{quote(system, safe='')}/proxy{path}")

    def findings(self) -> Json:
        """Return what needs attention, see `localnode.diagnostics.findings`."""
        return dict(self._call("GET", "/diagnostics/findings").json())

    def start_scheduling(self) -> None:
        """Let the pumps run on their schedules from now on."""
        self._call("POST", "/admin", data={"operation": "start-scheduling"})

    def pipes(self) -> list[str]:
        """Return the ids of all pipes."""
        return [pipe["_id"] for pipe in self._call("GET", "/pipes").json()]

    def entities(self, dataset: str) -> list[Json]:
        """Return the newest version of every entity of a dataset.

        None when the dataset does not exist yet.
        """
        answer = self._session.get(
            f"{self.url}/datasets/{dataset}/entities", params={"history": "false"}, timeout=TIMEOUT
        )
        if answer.status_code == 404:
            return []
        return list(self._checked(answer).json())

    def pages(self, dataset: str, size: int = 1000) -> Iterator[Json]:
        """Yield the newest version of every living entity of a dataset.

        They come page by page, so that memory stays flat.
        """
        since = ""
        while True:
            params: dict[str, str | int] = {
                "history": "false",
                "deleted": "false",
                "limit": size,
                "since": since,
            }
            answer = self._session.get(
                f"{self.url}/datasets/{quote(dataset, safe='')}/entities", params=params, timeout=TIMEOUT
            )
            rows = [] if answer.status_code == 404 else list(self._checked(answer).json())
            yield from rows
            if len(rows) < size:
                return
            since = str(rows[-1]["_updated"])

    def concepts(self) -> list[str]:
        """Return the datasets of golden records."""
        return sorted(name for name in self.pipes() if name.startswith("global-"))

    def operate(self, pipe: str, operation: str, **fields: str) -> None:
        """Carry out an operation of a pump, such as `disable` with a `comment`."""
        path = f"/pipes/{quote(pipe, safe='')}/pump"
        self._call("POST", path, data={"operation": operation, **fields})

    def pumps(self) -> dict[str, Json]:
        """Return the `runtime` of every pipe's pump."""
        found = self._call("GET", "/pipes", params={"fields": "runtime"}).json()
        return {pipe["_id"]: pipe["runtime"] for pipe in found}

    def entity(self, dataset: str, entity_id: str) -> Json | None:
        """Return the newest version of one entity, or None."""
        answer = self._session.get(
            f"{self.url}/datasets/{dataset}/entity", params={"entity_id": entity_id}, timeout=TIMEOUT
        )
        return None if answer.status_code == 404 else dict(self._checked(answer).json())

    def push(self, receiver: str, entities: Sequence[Json]) -> None:
        """Send entities to a receiver pipe."""
        self._call("POST", f"/receivers/{receiver}/entities", json=list(entities))

    def _call(self, method: str, path: str, **options: object) -> requests.Response:
        return self._checked(self._ask(method, path, **options))

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", TIMEOUT)
        try:
            return self._session.request(method, self.url + path, **options)
        except requests.RequestException as error:
            raise StackError(f"the node at {self.url} does not answer: {type(error).__name__}") from error

    def _checked(self, answer: requests.Response) -> requests.Response:
        if not answer.ok:
            said = f"{answer.request.method} {answer.url} answers {answer.status_code}"
            raise StackError(f"{said}: {detail_of(answer)}")
        return answer


def detail_of(answer: requests.Response) -> str:
    """Return what an answer says: the detail of a problem document, else the beginning of its text."""
    with suppress(ValueError):
        problem = answer.json()
        if isinstance(problem, dict) and isinstance(problem.get("detail"), str):
            findings = problem.get("validation_errors")
            return f"{problem['detail']}{f': {json.dumps(findings)[:MAX_TEXT]}' if findings else ''}"
    return answer.text[:MAX_TEXT]


def pack(root: Path) -> bytes:
    """Return a zip of the configuration files of a folder, as the vendor's client packs them."""
    files = sorted(root.glob("*.conf.json")) + sorted(root.glob("systems/**/*.conf.json"))
    files += sorted(root.glob("pipes/**/*.conf.json"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.writestr(path.relative_to(root).as_posix(), path.read_bytes())
    return buffer.getvalue()
