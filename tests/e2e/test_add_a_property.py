"""The how-to on adding a property is all that it takes: its lines, put where it says, make the property travel."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from stack.dataflow.mappings import Pipes, rows
from stack.environment import ROOT
from stack.processes import Stack
from stack.settings import for_tests
from tests.support.systems import Chargebee, Erp

HOW_TO = (ROOT / "docs" / "howto" / "add-a-property.md").read_text(encoding="utf-8")
LINE = re.compile(r"In `(pipes/\S+\.conf\.json)`, rule `(\w+)`:\n\n```json\n(.*?)\n```", re.DOTALL)


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A copy of the configuration with the how-to's lines in it."""
    folder = tmp_path / "config"
    folder.mkdir()
    for name in ("pipes", "systems", "connectors"):
        shutil.copytree(ROOT / name, folder / name)
    for path in [*ROOT.glob("*.conf.json"), ROOT / "prod-env.json"]:
        shutil.copy(path, folder)
    for file, rule, line in LINE.findall(HOW_TO):
        pipe = json.loads((folder / file).read_text(encoding="utf-8"))
        pipe["transform"][0]["rules"][rule].append(json.loads(line))
        (folder / file).write_text(json.dumps(pipe), encoding="utf-8")
    return folder


def test_four_lines_of_pipes_make_a_property_travel(configuration: Path, tmp_path: Path) -> None:
    assert len(LINE.findall(HOW_TO)) == 4
    row = next(row for row in rows(Pipes(configuration), "contact", ("customer",)) if row.erp == "job_title")
    assert (row.arrow, row.chargebee) == ("↔", "cf_job_title")
    settings = for_tests(tmp_path / "stack", "empty")
    with Stack(settings=settings) as stack:
        stack.node.upload(configuration, settings.variables)
        erp, chargebee = Erp(stack.erp_sandbox_url), Chargebee(stack.chargebee_sandbox_url)
        contact = erp.create("contacts", last_name="Titled", email="titled@example.com", job_title="Chief")
        key = f"contact-{contact['id']}"
        stack.sync()
        assert chargebee.get("customers", key)["cf_job_title"] == "Chief"
        erp.patch("contacts", contact["id"], job_title="Chief of all")
        stack.sync()
        assert chargebee.get("customers", key)["cf_job_title"] == "Chief of all"
        chargebee.post(f"customers/{key}", cf_job_title="Emeritus")
        stack.sync()
        assert erp.get("contacts", contact["id"])["job_title"] == "Emeritus"
        writes = erp.writes(), chargebee.writes()
        stack.sync()
        assert (erp.writes(), chargebee.writes()) == writes
