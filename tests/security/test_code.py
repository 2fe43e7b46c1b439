"""What the code itself must not contain: ways to run what a config or an answer says, and checks that are switched off."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import ROOT

PACKAGES = ("connectors", "core", "localnode", "sandbox", "stack")
MODULES = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "telnetlib",
    "xml.etree.ElementTree",
    "xml.dom.minidom",
    "xml.sax",
}
CALLS = {
    "eval",
    "exec",
    "__import__",
    "import_module",
    "system",
    "popen",
    "loads_pickle",
    "run_path",
    "run_module",
}
OWN_COMMANDS = {"stack/with_env.py"}
"""Runs the module that the person at the command line names; nothing of a config or an answer gets there."""
FILES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if str(path.relative_to(ROOT)) not in OWN_COMMANDS
)


def objections(tree: ast.AST) -> Iterator[str]:
    """What is wrong in a module, with line numbers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{name}" for name in names)]
            yield from (f"{node.lineno}: import of {name}" for name in names if name in MODULES)
        elif isinstance(node, ast.Call):
            yield from _calls(node)


def _calls(node: ast.Call) -> Iterator[str]:
    bare = node.func.id if isinstance(node.func, ast.Name) else ""
    attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    owner = (
        node.func.value.id
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
        else ""
    )
    if bare in CALLS or (attribute in CALLS and owner in ("os", "importlib", "runpy", "builtins")):
        yield f"{node.lineno}: call of {bare or attribute}"
    for keyword in node.keywords:
        off = isinstance(keyword.value, ast.Constant) and keyword.value.value
        if keyword.arg == "shell" and off is True:
            yield f"{node.lineno}: shell=True"
        if (
            keyword.arg == "verify"
            and isinstance(keyword.value, ast.Constant)
            and keyword.value.value is False
        ):
            yield f"{node.lineno}: verify=False"
        if keyword.arg == "debug" and off is True:
            yield f"{node.lineno}: debug=True"
    if attribute == "load" and owner == "yaml":
        yield f"{node.lineno}: yaml.load"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_runs_what_it_is_told(path: Path) -> None:
    assert list(objections(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    ["eval(x)", "import pickle", "from pickle import loads", "os.system(x)", "importlib.import_module(x)", "get(u, verify=False)",
     "run(x, shell=True)", "app.run(debug=True)", "from xml.etree import ElementTree"],
)  # fmt: skip
def test_the_check_sees(code: str) -> None:
    assert list(objections(ast.parse(code)))
