"""The whole stack as one object: `with Stack(data="empty", folder=…) as stack: stack.sync()`."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from connectors import common
from core.jsonio import Json
from stack import site_time_zone
from stack.node import NodeClient
from stack.process_manager import ProcessManager, Program, StackError
from stack.services import hook_up, hook_up_erp
from stack.settings import StackSettings, check_free, for_tests

WEBHOOK_AUTH = ("chargebee", "sandbox")
ERP_WEBHOOK_KEY = "sandbox"
"""What the sandbox Chargebee presents to the service."""

GUNICORN = ("-m", "gunicorn", "-c", str(Path(common.__file__).with_name("gunicorn.conf.py")))


class Stack:
    """Sandboxes (or real systems), services and node, running while the `with` block lasts.

    Without `settings` everything is on free ports with sandboxes, in `folder` or a temporary folder.
    """

    def __init__(
        self,
        data: str = "demo",
        folder: Path | None = None,
        settings: StackSettings | None = None,
        progress: Callable[[str], None] | None = None,
        lock: int | None = None,
    ) -> None:
        """`lock`: a descriptor that is to stay open while any process of the stack lives."""
        self._own_folder = None if folder or settings else tempfile.TemporaryDirectory(prefix="stack-")
        base = folder or Path(self._own_folder.name if self._own_folder else "")
        self.settings = settings or for_tests(base, data)
        self.progress = progress
        self._held_open = () if lock is None else (lock,)
        self.node = NodeClient(f"{self.settings.url('node')}/api")
        self.children: ProcessManager | None = None

    @property
    def erp_sandbox_url(self) -> str:
        """The sandbox ERP, without a path."""
        return self.settings.url("erp-sandbox")

    @property
    def chargebee_sandbox_url(self) -> str:
        """The sandbox Chargebee, without a path."""
        return self.settings.url("chargebee-sandbox")

    @property
    def sync_config(self) -> Path:
        """The file with the node's address and token, for clients."""
        return self.settings.sync_config or self.settings.folder / ".syncconfig"

    def __enter__(self) -> Stack:
        self.check_ports()
        programs = self._programs()
        self.children = ProcessManager(
            self.settings.folder / "logs", self.settings.environment, self._held_open
        )
        try:
            for program in programs:
                self.children.start(program)
            for program in programs:
                self.children.await_ready(program.name)
            self.upload()
            self._hook()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes; harmless when they have ended."""
        self.node.close()  # a server that is told to end waits for those who keep a connection open
        if self.children is not None:
            self.children.stop_all()
            self.children = None
        if self._own_folder is not None:
            self._own_folder.cleanup()

    def names(self) -> list[str]:
        """Return the processes that this stack starts."""
        return [program.name for program in self._programs()]

    def check_ports(self) -> None:
        """Raise BadSetting when a port of a process is taken."""
        check_free({name: self.settings.ports[name] for name in self.names()})

    def check(self) -> None:
        """Raise StackError when a process has ended by itself."""
        self._children().check()

    def upload(self) -> int:
        """Send pipes, systems, node settings and variables to the node; answers the number of pipes."""
        settings = self.settings
        variables = self._time_zone() | settings.node_variables
        return self.node.upload(settings.config, variables, settings.node_secrets)

    def _time_zone(self) -> dict[str, str]:
        """Return the variable with the real site's time zone, where no setting says it."""
        settings = self.settings
        if not settings.real_chargebee or site_time_zone.VARIABLE in settings.variables:
            return {}
        address, key = settings.systems["chargebee"], settings.environment.get("CHARGEBEE_API_KEY", "")
        zone, said = site_time_zone.chosen(self.node.variables(), address, key)
        if self.progress is not None:
            self.progress(said)
        return {site_time_zone.VARIABLE: zone} if zone else {}

    def sync(self) -> Json:
        """Run the pumps until nothing moves; StackError when a pipe failed."""
        result = self.node.run_all(self.progress)
        if result["status"] != "success":
            raise StackError(f"run-all-pipes: {failure(result)}")
        return result

    def entities(self, dataset: str) -> list[Json]:
        """Return the newest versions in a dataset of the node."""
        return self.node.entities(dataset)

    def entity(self, dataset: str, entity_id: str) -> Json | None:
        """One entity of a dataset of the node, or None."""
        return self.node.entity(dataset, entity_id)

    def share_pipes(self) -> list[str]:
        """`<system>-<datatype>` of every share pipe."""
        return [pipe.removesuffix("-share") for pipe in self.node.pipes() if pipe.endswith("-share")]

    def wipe_node(self) -> None:
        """Let the node die and lose everything it stored, then upload the configuration again."""
        self.kill("node")
        shutil.rmtree(self.settings.folder / "node")
        self.start("node")
        self.upload()

    def stop(self, name: str) -> None:
        """End one process in good order; its name is one of `names()`."""
        self._children().stop(name)

    def kill(self, name: str) -> None:
        """End one process as a crash does (SIGKILL to its whole group)."""
        self._children().stop(name, signal.SIGKILL)

    def start(self, name: str) -> None:
        """Start a stopped process again and wait until it is ready."""
        children = self._children()
        children.start(next(program for program in self._programs() if program.name == name))
        children.await_ready(name)

    def _children(self) -> ProcessManager:
        if self.children is None:
            raise StackError("the stack is not running")
        return self.children

    def _programs(self) -> list[Program]:
        settings = self.settings
        programs = []
        if not settings.real_erp:
            programs.append(self._sandbox("erp"))
        if not settings.real_chargebee:
            programs.append(self._sandbox("chargebee"))
        programs.append(self._service("erp", {} if settings.real_erp else self._sandbox_erp()))
        programs.append(
            self._service("chargebee", {} if settings.real_chargebee else self._sandbox_chargebee())
        )
        return [*programs, self._node()]

    def _sandbox(self, system: str) -> Program:
        name = f"{system}-sandbox"
        state = self.settings.folder / f"{name}.sqlite"
        arguments = [
            "--port",
            str(self.settings.ports[name]),
            "--state",
            str(state),
            "--data",
            self.settings.data,
        ]
        command = [sys.executable, "-m", f"sandbox.{system}", *arguments]
        return Program(name, command, {}, f"{self.settings.url(name)}/_sandbox/stats")

    def _service(self, system: str, environment: dict[str, str]) -> Program:
        name = f"{system}-service"
        url = self.settings.url(name)
        command = [sys.executable, *GUNICORN, f"connectors.{system}.app:create_app()"]
        own = {**environment, "BIND": url.removeprefix("http://")}
        return Program(name, command, own, f"{url}/ready", self.settings.credentials)

    def _sandbox_erp(self) -> dict[str, str]:
        return {
            "ERP_BASE_URL": f"{self.erp_sandbox_url}/api/v1",
            "ERP_PROFILE": "sandbox",
            "ERP_TOKEN": "sandbox",
            "ERP_WEBHOOK_KEY": ERP_WEBHOOK_KEY,
            "NODE_URL": self.node.url,
        }

    def _sandbox_chargebee(self) -> dict[str, str]:
        return {
            "CHARGEBEE_SITE": "",
            "CHARGEBEE_BASE_URL": f"{self.chargebee_sandbox_url}/api/v2",
            "CHARGEBEE_API_KEY": "sandbox",
            "CHARGEBEE_LIST_LAG_SECONDS": self.settings.environment.get("CHARGEBEE_LIST_LAG_SECONDS", "0"),
            "CHARGEBEE_RATE_PER_MINUTE": "0",
            "WEBHOOK_USERNAME": WEBHOOK_AUTH[0],
            "WEBHOOK_PASSWORD": WEBHOOK_AUTH[1],
            "NODE_URL": self.node.url,
        }

    def _hook(self) -> None:
        """Have the sandboxes send their events to the services, as a person sets it up in real systems."""
        url = self.settings.url
        if not self.settings.real_erp:
            hook_up_erp(self.erp_sandbox_url, f"{url('erp-service')}/webhooks", ERP_WEBHOOK_KEY)
        if not self.settings.real_chargebee:
            hook_up(self.chargebee_sandbox_url, f"{url('chargebee-service')}/webhooks", WEBHOOK_AUTH)

    def _node(self) -> Program:
        settings = self.settings
        systems = {"customerp": settings.url("erp-service"), "chargebee": settings.url("chargebee-service")}
        arguments: list[Any] = ["--port", settings.ports["node"], "--data", settings.folder / "node"]
        arguments += ["--sync-config", self.sync_config, "--no-schedule"]
        command = [sys.executable, "-m", "localnode", "serve", *map(str, arguments)]
        pairs = ",".join(f"{name}={url}" for name, url in systems.items())
        return Program("node", command, {"NODE_SYSTEMS": pairs}, f"{settings.url('node')}/api/health")


def failure(result: Json) -> str:
    """Return why a run of all pipes was no success, in one line."""
    info = result.get("additional_info", {})
    why = info.get("message")
    failed = [each for each in info.get("failed_pipes", []) if not why or not each["reason"].endswith(why)]
    pipes = [f"{each['pipe']}: {each['reason']}" for each in failed]
    return "; ".join([str(result["status"]), *filter(None, [why]), *pipes])
