"""The pages for those who change the code name files, classes and functions that are there; imports keep to the floor plan."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.processes import ROOT

PAGES = ["docs/architecture.md", "docs/glossary.md", "CONTRIBUTING.md"]
FOLDERS = (
    "bench",
    "connectors",
    "core",
    "docs",
    "localnode",
    "mappings",
    "ops",
    "pipes",
    "sandbox",
    "stack",
    "systems",
    "templates",
    "tests",
)
PLACE = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[^`\s]*?)(?:::([\w.]+))?`")
MAY_USE = {
    "core": {"core"},
    "connectors": {"connectors", "core"},
    "localnode": {"localnode", "core"},
    "sandbox": {"sandbox", "core"},
}
"""Which of our packages each may import; `stack`, `bench` and the tests bring them together."""


def places(page: str) -> list[tuple[str, str]]:
    return [(path, name or "") for path, name in PLACE.findall((ROOT / page).read_text(encoding="utf-8"))]


@cache
def defined(path: Path) -> set[str]:
    """Dotted names that a module defines: classes, functions, methods, constants and types."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
            found |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_is_there(page: str) -> None:
    found = places(page)
    assert len(found) > 5
    assert [path for path, _ in found if not (ROOT / path).exists()] == []
    assert [f"{path}::{name}" for path, name in found if name and name not in defined(ROOT / path)] == []


def test_each_step_of_the_way_is_named_to_the_function() -> None:
    way = (
        (ROOT / "docs/architecture.md")
        .read_text(encoding="utf-8")
        .partition("## One record's way")[2]
        .partition("## Where to change")[0]
    )
    named = [path for path, name in PLACE.findall(way) if name]
    for package in (
        "localnode/scheduler",
        "localnode/pipes/sources",
        "localnode/dtl",
        "localnode/store",
        "connectors/common",
        "connectors/erp",
        "connectors/chargebee",
    ):
        assert any(path.startswith(package) for path in named), package


@pytest.mark.parametrize("package", MAY_USE)
def test_imports_point_one_way(package: str) -> None:
    ours = {folder for folder in FOLDERS if (ROOT / folder / "__init__.py").exists()} | {"tests"}
    wrong = []
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            tops = {name.partition(".")[0] for name in names}
            wrong += [
                f"{path.relative_to(ROOT)}:{node.lineno} {top}" for top in tops & ours - MAY_USE[package]
            ]
    assert wrong == []


READS_JSON = re.compile(r"\b(?:or)?json\.loads?\(|\.json\(\)|get_json\(|msgspec\.json\.decode|JSONDecoder\(")
READ_OTHERWISE = {
    "core/jsonio.py",
    "localnode/codec.py",
    # what comes with the program
    "connectors/chargebee/check/probes.py",
    "connectors/erp/check/findings.py",
    "connectors/erp/init/words.py",
    "connectors/erp/schema.py",
    "localnode/alerts/rules.py",
    # what the node or the service has written itself
    "connectors/erp/http/refresh_tokens.py",
    "localnode/alerts/watch.py",
    "localnode/config/store.py",
    "localnode/dtl/program.py",
    "localnode/extras/templates.py",
    "localnode/store/dataset.py",
    "localnode/store/state.py",
    "localnode/store/store.py",
    # what a node answers its own tools, and files of tests, which the vendor's client reads as Python does
    "localnode/cli/cases.py",
    "localnode/cli/client.py",
    "localnode/testing/answers.py",
    "localnode/testing/project.py",
    "localnode/testing/runner.py",
    "localnode/testing/verify.py",
}


def test_foreign_json_has_one_reader() -> None:
    """Services and node take for a number what `core.jsonio` does: whoever reads otherwise is named here, and why."""
    found = {
        str(path.relative_to(ROOT))
        for package in ("connectors", "core", "localnode")
        for path in (ROOT / package).rglob("*.py")
        if READS_JSON.search(path.read_text(encoding="utf-8"))
    }
    assert found == READ_OTHERWISE


@pytest.mark.parametrize(
    "page",
    [*PAGES, "README.md", *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md")))],
)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.S)
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s<>]+)\)", text)]
    local = [target for target in targets if target and ":" not in target]
    assert [target for target in local if not ((ROOT / page).parent / target).exists()] == []


def test_a_word_that_had_many_meanings_has_one() -> None:
    """Each of these once was the name of three things or more."""
    owners: dict[str, set[str]] = {
        name: set() for name in ("Run", "Shape", "Tally", "Problem", "Plan", "Node", "Step")
    }
    for package in ("connectors", "core", "localnode", "stack"):
        for path in (ROOT / package).rglob("*.py"):
            for name in owners.keys() & defined(path):
                owners[name].add(str(path.relative_to(ROOT)))
    assert {name: sorted(places) for name, places in owners.items() if len(places) > 1} == {}


MADE_OF_PROGRAMS = ("docs/dtl.md", "docs/reference/commands.md")
"""Pages that repeat what programs say of themselves."""


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))),
    ],
)
def test_every_command_works_without_a_virtual_environment_in_force(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```(?:bash|sh)?\n(.*?)```", text, flags=re.S))
    bare = [
        line
        for line in blocks.splitlines()
        if re.match(r"\s*(python3?|pip|localnode|stack|erp-check|chargebee-check|pytest)\s", line)
    ]
    assert bare == [] or page in MADE_OF_PROGRAMS
