"""What each image installs and starts, without a docker engine: the same lock into a fresh venv, the same files, the same command."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import requests

from tests.support.processes import ROOT, free_port, process

SETTINGS = {
    "erp": {
        "ERP_BASE_URL": "http://127.0.0.1:9/api/v1",
        "ERP_TOKEN": "unused",
        "UPSTREAM_BACKOFF_SECONDS": "0.01",
    },
    "chargebee": {
        "CHARGEBEE_BASE_URL": "http://127.0.0.1:9/api/v2",
        "CHARGEBEE_SITE": "none",
        "CHARGEBEE_API_KEY": "unused",
        "UPSTREAM_BACKOFF_SECONDS": "0.01",
    },
}


def instructions(target: str) -> list[tuple[str, str]]:
    """(instruction, rest) pairs of a target and the stages before it, continuation lines joined, no comments."""
    written = (ROOT / "connectors" / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", written, flags=re.M))
    found: dict[str, list[tuple[str, str]]] = {}
    for stage in re.split(r"^(?=FROM )", text, flags=re.M)[1:]:
        steps = [(m[1], m[2].strip()) for m in re.finditer(r"^([A-Z]+)\s+(.*)$", stage, flags=re.M)]
        base, _, name = steps[0][1].partition(" AS ")
        sources = [base, *re.findall(r"--from=(\S+)", stage)]
        found[name] = [step for source in sources for step in found.get(source, [])] + steps
    return found[target]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """A function from a lock file to a fresh venv with what it pins and nothing else, not even pip."""

    @cache
    def install(lock: Path) -> Path:
        folder = tmp_path_factory.mktemp("venv")
        venv.create(folder, with_pip=False)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--python",
            str(folder / "bin" / "python"),
        ]
        command = [*pip, "install", "-q", "--no-compile", "--require-hashes", "-r", str(lock)]
        subprocess.run(command, check=True, timeout=110)
        return folder

    return install


@pytest.mark.parametrize("service", ["erp", "chargebee"])
def test_an_image_boots_from_what_it_installs(
    service: str, tmp_path: Path, installed: Callable[[Path], Path]
) -> None:
    steps = instructions(service)
    stages = [rest.split(" AS ") for name, rest in steps if name == "FROM"]
    bases = {base for base, _ in stages} - {name for _, name in stages}
    assert len(stages) > 2, "multi-stage"
    assert all(re.search(r":\d+\.\d+(\.\d+)?-|@sha256:", base) for base in bases), f"pinned: {bases}"
    users = [rest for name, rest in steps if name == "USER"]
    assert users, "runs as a user of its own"
    assert users[-1].split(":")[0] not in ("root", "0")
    assert any(name == "HEALTHCHECK" for name, _ in steps)

    lock = next(m[1] for name, rest in steps if name == "RUN" and (m := re.search(r"-r\s+(\S+\.lock)", rest)))
    copied = next(
        rest.split()[:-1]
        for name, rest in steps
        if name == "COPY" and rest.split()[-1].rstrip("/").endswith(Path(lock).name)
    )
    app = tmp_path / "app"
    for name, rest in steps:
        parts = [part for part in rest.split() if not part.startswith("--chown")]
        if name == "COPY" and not any(part.startswith("--from") for part in parts):
            for source in parts[:-1]:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, app / source, dirs_exist_ok=True)
                elif source not in copied:
                    (app / source).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / source, app / source)
    folder = installed(ROOT / copied[0])

    command = json.loads(next(rest for name, rest in reversed(steps) if name == "CMD"))
    entry = [json.loads(rest) for name, rest in steps if name == "ENTRYPOINT"]
    words = [*(entry[-1] if entry else []), *command]
    port = free_port()
    settings = {
        key: value
        for name, rest in steps
        if name == "ENV"
        for key, _, value in (word.partition("=") for word in shlex.split(rest))
    }
    settings = {key: value for key, value in settings.items() if key not in ("PATH", "VIRTUAL_ENV")}
    program = folder / "bin" / Path(words[0]).name
    environment = {
        **settings,
        **SETTINGS[service],
        "BIND": f"127.0.0.1:{port}",
        "PYTHONPATH": "",
        "PATH": str(program.parent),
    }
    health = f"http://127.0.0.1:{port}/health"
    with process(
        [str(program), *words[1:]], ready_url=health, env=environment, cwd=app, log=tmp_path / "log"
    ):
        assert requests.get(health, timeout=60).status_code == 200
        ready = requests.get(f"http://127.0.0.1:{port}/ready", timeout=30)
        assert ready.status_code == 503
        assert ready.headers["Content-Type"].startswith("application/problem+json")
