"""README and docs are true: their make targets exist, their curl examples work, and every setting is described."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from localnode.cli.main import parser as localnode_parser
from stack.__main__ import parser as stack_parser
from stack.processes import Stack
from tests.support.processes import ROOT

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


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(data="demo", folder=tmp_path_factory.mktemp("readme")) as running:
        running.sync()
        yield running


def test_there_are_at_least_ten_curl_examples() -> None:
    assert len(CURLS) >= 10


@pytest.mark.parametrize("command", CURLS)
def test_a_curl_example_works(stack: Stack, tmp_path: Path, command: str) -> None:
    for name, port in DEFAULT_PORTS.items():
        command = command.replace(f"127.0.0.1:{port}", f"127.0.0.1:{stack.settings.ports[name]}")
    (tmp_path / "decisions.json").write_text("[]", encoding="utf-8")
    words = shlex.split(command)
    done = subprocess.run(
        [*words, "--fail-with-body", "--max-time", "60"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    answers_nothing = "/receivers/" in command
    assert answers_nothing or done.stdout.strip() not in ("", "[]", "{}")
    assert '"rejected"' not in done.stdout


@pytest.mark.parametrize("command", [line for line in COMMANDS if not line.startswith("curl ")])
def test_a_command_exists(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        subprocess.run([*words, "--dry-run"], cwd=ROOT, check=True, capture_output=True)
    else:
        assert words[0] in ("python", ".venv/bin/python"), command
        parsers = {"localnode": localnode_parser, "stack": stack_parser}
        parsers[words[2]]().parse_args(words[3 : words.index(">") if ">" in words else None])


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
