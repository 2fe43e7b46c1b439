"""README and docs are true: their make targets exist, their commands and curl examples work, every setting is described."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
import requests

from localnode.cli.main import main as localnode
from stack.__main__ import main as own
from stack.processes import Stack
from tests.support.processes import ROOT
from tests.support.systems import Erp

PAGES = [ROOT / "README.md", ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "howto").glob("*.md"))]
SETTINGS = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for page in PAGES
    for block in re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)
    for line in block.splitlines()
    if line and not line.startswith("#")
]
CURLS = [line for line in COMMANDS if line.startswith("curl ")]
DEFAULT_PORTS = {
    "erp-sandbox": 8701,
    "chargebee-sandbox": 8702,
    "erp-service": 5001,
    "chargebee-service": 5002,
    "node": 9042,
}


TALKS = ("plan", "verify")
"""Commands whose exit code 2 says that there is something to tell."""
NOTHING_TO_REPAIR = {
    "commit": "is not tripped",
    "rollback": "is not tripped",
    "retry": "has no row new:customerp-contact:CT-1",
}
"""What the commands for trouble say where there is none; trouble itself is made where those commands are tested."""
EXAMPLE = "CT-12"
"""The contact that the pages speak of."""


@pytest.fixture(scope="module", params=["few", pytest.param("demo", marks=pytest.mark.slow)])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """What `make run` starts; with a few records only, or with all that a reader has."""
    data = "demo" if request.param == "demo" else "empty"
    with Stack(data=data, folder=tmp_path_factory.mktemp("readme")) as running:
        if data == "empty":
            people(Erp(running.erp_sandbox_url))
        running.sync()
        yield running


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands look for in a clone, and what they leave behind for one another."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("pipes", "systems", "node-metadata.conf.json", "test-env.json", "prod-env.json"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "build").mkdir()
    return folder


def people(erp: Erp) -> None:
    """Contacts up to the one that the pages speak of."""
    while erp.create("contacts", first_name="Ann", last_name="Li", phone="1")["id"] != EXAMPLE:
        pass


def test_there_are_at_least_ten_curl_examples() -> None:
    assert len(CURLS) >= 10


def test_make_knows_its_targets() -> None:
    targets = [shlex.split(line) for line in COMMANDS if line.startswith("make ")]
    assert len(targets) >= 4
    for words in targets:
        subprocess.run([*words, "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_the_examples_of_the_readme_leave_both_sides_in_agreement(stack: Stack) -> None:
    """Who has tried them all, and then asks `make verify`, is told that nothing is wrong."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"^curl .*$", text, flags=re.MULTILINE)
    assert len(examples) >= 10
    for command in examples:
        curl(stack, command)
    stack.sync()
    found = requests.post(f"{stack.node.url}/diagnostics/verify", timeout=300).json()
    assert (found["status"], found["faults"]) == ("agree", [])


@pytest.mark.parametrize("command", [line for line in COMMANDS if not line.startswith("make ")])
def test_an_example_works(stack: Stack, clone: Path, capfd: pytest.CaptureFixture[str], command: str) -> None:
    words, _, file = (part.strip() for part in command.partition(" > "))
    with chdir(clone):
        said = curl(stack, words) if words.startswith("curl ") else python(stack, words, capfd)
        if file:
            Path(file).write_text(said, encoding="utf-8")
    answers_nothing = "/receivers/" in command or command.startswith(".venv/bin/python -m localnode entities")
    assert answers_nothing or said.strip() not in ("", "[]", "{}")
    assert '"rejected"' not in said


def curl(stack: Stack, command: str) -> str:
    """What curl prints; it has to end well."""
    for name, port in DEFAULT_PORTS.items():
        command = command.replace(f"127.0.0.1:{port}", f"127.0.0.1:{stack.settings.ports[name]}")
    words = [*shlex.split(command), "--fail-with-body", "--max-time", "60"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def python(stack: Stack, command: str, capfd: pytest.CaptureFixture[str]) -> str:
    """What one of our own commands prints; it has to end well."""
    python, _, module, *arguments = shlex.split(command)
    assert python in ("python", ".venv/bin/python"), command
    main = {"localnode": localnode, "stack": own}[module]
    ended = main([*arguments, "--node", stack.node.url])
    said = capfd.readouterr()
    if ended == 1 and NOTHING_TO_REPAIR.get(arguments[0], "-") in said.err:
        return said.err
    assert ended == 0 or (ended == 2 and arguments[0] in TALKS), f"{command}\n{said.out}\n{said.err}"
    return said.out


@pytest.mark.slow
@pytest.mark.parametrize("target", TALKS)
def test_make_asks_the_node(stack: Stack, target: str) -> None:
    environment = {**os.environ, "NODE": stack.node.url}
    done = subprocess.run(
        ["make", target], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert "wait for a person" in done.stdout, done.stdout + done.stderr


def test_every_setting_of_the_services_is_named() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in Path(ROOT / "connectors").rglob("*.py"))
    settings = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', code)) | set(
        re.findall(r'environ\.get\("([A-Z_]+)"', code)
    )
    missing = sorted(name for name in settings if f"`{name}`" not in SETTINGS)
    assert settings
    assert not missing


def test_every_variable_of_the_pipes_is_named() -> None:
    used = {
        name
        for path in (ROOT / "pipes").glob("*.json")
        for name in re.findall(r"\$ENV\(([^)]+)\)", path.read_text(encoding="utf-8"))
    }
    assert used
    assert sorted(name for name in used if f"`{name}`" not in SETTINGS) == []
