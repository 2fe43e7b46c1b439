"""`pip wheel .`: everything that the programs read at run time is in it, and its commands are there."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest

from tests.support.processes import ROOT

PACKAGES = ("connectors", "core", "localnode", "sandbox", "stack")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOT_RUN = ("Dockerfile", "requirements.in", "requirements.lock")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy, so that nothing is left behind here."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.in", "requirements-pgp.in"):
        shutil.copy(ROOT / name, folder / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        ".",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-q",
    ]
    subprocess.run(
        [*command, "-w", str(folder / "made")], cwd=folder, check=True, timeout=100, capture_output=True
    )
    [made] = (folder / "made").glob("*.whl")
    return zipfile.ZipFile(made)


def test_every_file_of_the_packages_is_in_it(wheel: zipfile.ZipFile) -> None:
    found = [path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file()]
    kept = [path for path in found if "__pycache__" not in path.parts and path.name not in NOT_RUN]
    files = {str(path.relative_to(ROOT)) for path in kept}
    assert len(files) > 400
    assert sorted(files - set(wheel.namelist())) == []


def test_nothing_else_is_in_it(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist() if ".dist-info" not in name}
    assert tops == set(PACKAGES)


def test_its_commands_are_there(wheel: zipfile.ZipFile) -> None:
    scripts = PROJECT["project"]["scripts"]
    assert set(scripts) == {"localnode", "erp-check", "chargebee-check", "stack"}
    [entry_points] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    told = wheel.read(entry_points).decode()
    for name, target in scripts.items():
        assert f"{name} = {target}" in told
        module, _, function = target.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_it_needs_what_the_lock_file_has(wheel: zipfile.ZipFile) -> None:
    [metadata] = [name for name in wheel.namelist() if name.endswith("METADATA")]
    needs = {
        line.split()[1]
        for line in wheel.read(metadata).decode().splitlines()
        if line.startswith("Requires-Dist")
    }
    wanted = {line for line in (ROOT / "requirements.in").read_text().splitlines() if line and line[0] != "#"}
    assert {name.replace("-", "_") for name in wanted} <= {
        name.rstrip(";").replace("-", "_") for name in needs
    }
