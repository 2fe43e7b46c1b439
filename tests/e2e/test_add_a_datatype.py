"""The how-to on adding a datatype is all that it takes: what it says, done in a copy of the repository, syncs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stack.environment import ROOT

HOW_TO = (ROOT / "docs" / "howto" / "add-a-datatype.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(json|python)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
SYSTEM_WITH_PROJECTS = '        RecordType("project", "projects", "PJ", COMMON | PRODUCT),\n'
"""What the sandbox lacks to be an ERP that has projects."""


def steps() -> dict[str, Any]:
    """What the how-to says, by what it is."""
    names = ("schema", "datatypes", "entities", "profile", "record", "cells", "row", "match", "test_data")
    blocks = [json.loads(text) if kind == "json" else text for kind, text in BLOCK.findall(HOW_TO)]
    return dict(zip(names, blocks, strict=True))


def edited(path: Path, old: str, new: str) -> None:
    """Change one place of a file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path}: {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def line_of(path: Path, start: str) -> str:
    """The line of a file that starts so."""
    [found] = [line for line in path.read_text(encoding="utf-8").splitlines(True) if line.startswith(start)]
    return found


def follow(folder: Path) -> None:
    """Do in a copy of the repository what the how-to says."""
    step = steps()
    service = folder / "connectors" / "erp"
    (service / "schemas" / "project.schema.json").write_text(json.dumps(step["schema"]), encoding="utf-8")
    names = service / "schema.py"
    edited(names, line_of(names, "DATATYPES = "), f"{step['datatypes']}\n")
    model = service / "profile" / "model" / "datatype.py"
    last = line_of(model, "    product: ")
    edited(model, last, f"{last}{step['entities']}\n")
    with_json(service / "profiles" / "sandbox.json", lambda given: given["entities"].update(step["profile"]))
    with_json(folder / "mappings" / "product.json", lambda given: map_projects(given, step))
    data = folder / "mappings" / "test-data" / "customerp-project.json"
    data.write_text(json.dumps(step["test_data"]), encoding="utf-8")


def map_projects(given: dict[str, Any], step: dict[str, Any]) -> None:
    """Step 4 of the how-to."""
    given["records"].update(step["record"])
    rows = {row["name"]: row for row in given["properties"]}
    for name, cell in step["cells"].items():
        rows[name]["project"] = cell
    given["properties"].append(step["row"])
    [number] = [at for at, key in enumerate(given["match"]) if key.get("product") == "name"]
    given["match"][number] = step["match"]


def with_json(path: Path, change: Any) -> None:
    """Change what a JSON file holds."""
    given = json.loads(path.read_text(encoding="utf-8"))
    change(given)
    path.write_text(json.dumps(given), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which the how-to was followed, with the pipes that come of it."""
    folder = tmp_path_factory.mktemp("copy")
    skip = shutil.ignore_patterns("__pycache__")
    packages = ("connectors", "core", "localnode", "sandbox", "stack")
    for name in (*packages, "mappings", "pipes", "systems", "templates", "tests/support"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    for path in ROOT.glob("*.json"):
        shutil.copy(path, folder)
    product = line_of(ROOT / "sandbox" / "erp" / "fields.py", '        RecordType("product"')
    edited(folder / "sandbox" / "erp" / "fields.py", product, product + SYSTEM_WITH_PROJECTS)
    follow(folder)
    python(folder, "-m", "stack", "pipes")
    return folder


def python(folder: Path, *arguments: str) -> str:
    """What a program of the copy prints."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_what_has_nothing_to_do_with_it_stays(copy: Path) -> None:
    before = {path.name: path.read_bytes() for path in (ROOT / "pipes").glob("*.json")}
    after = {path.name: path.read_bytes() for path in (copy / "pipes").glob("*.json")}
    added = {name.removesuffix(".conf.json") for name in after.keys() - before.keys()}
    stages = ("all", "collect", "deletes", "enrich", "event", "loaded", "share", "transform")
    assert added == {f"customerp-project-{stage}" for stage in stages}
    changed = {name.removesuffix(".conf.json") for name in before if after[name] != before[name]}
    products = {name for name in changed if name.startswith("customerp-product")}
    assert products == {"customerp-product-transform"}, "but that no item of a project becomes a product"
    assert not {name for name in changed if "customer-" in name or "contact" in name or "employee" in name}


@pytest.mark.timeout(300)
def test_a_project_is_synced_both_ways(copy: Path, tmp_path: Path) -> None:
    first, erp_edit, chargebee_edit, again = json.loads(
        python(copy, "-m", "tests.support.projects", str(tmp_path))
    )
    bridge = "project-PJ-1"
    assert first["projects"] == {"Bridge": ["900.00", bridge], "Tunnel": ["1.00", "tunnel"]}
    assert first["products"] == {"Lamp": ["10.00", "product-PR-1"], "Road": ["1.00", "road"]}
    assert first["items"] == {"Bridge": bridge, "Lamp": "product-PR-1", "Road": "road", "Tunnel": "tunnel"}
    assert first["prices"] == {bridge: 90000, "product-PR-1": 1000, "road": 100, "tunnel": 100}
    assert erp_edit["items"]["High bridge"] == bridge
    assert erp_edit["prices"][bridge] == 90100
    assert chargebee_edit["projects"]["Low bridge"] == ["901.00", bridge]
    assert again == chargebee_edit, "and then nothing moves"
    for stage in (first, erp_edit, chargebee_edit):
        assert (len(stage["projects"]), len(stage["products"]), len(stage["items"])) == (2, 2, 4), "no twin"
        assert stage["stuck"] == []
