"""The how-to on adding a property is all that it takes: its row, put where it says, makes the property travel."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from stack.dataflow.rows import mappings
from stack.environment import ROOT
from stack.mappings.render import Mappings
from stack.processes import Stack
from stack.settings import for_tests
from tests.support.systems import Chargebee, Erp

HOW_TO = (ROOT / "docs" / "howto" / "add-a-property.md").read_text(encoding="utf-8")
TOGETHER = re.compile(r"^Together: .*?\n\n```json\n(.*?)\n```", re.DOTALL | re.MULTILINE)
ROW = re.compile(r"One row in `(mappings/\S+\.json)`, .*?\n\n```json\n(.*?)\n```", re.DOTALL)


def with_rows(folder: Path, file: str, *rows: Any) -> Path:
    """A copy of the configuration with more rows, and the pipes that come of it."""
    for name in ("pipes", "systems", "connectors", "mappings", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    for path in [*ROOT.glob("*.conf.json"), ROOT / "prod-env.json"]:
        shutil.copy(path, folder)
    mapping = json.loads((folder / file).read_text(encoding="utf-8"))
    mapping["properties"].extend(rows)
    (folder / file).write_text(json.dumps(mapping), encoding="utf-8")
    Mappings(folder).write()
    return folder


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """The configuration with the how-to's rows in it."""
    [(file, row)] = ROW.findall(HOW_TO)
    [together] = TOGETHER.findall(HOW_TO)
    return with_rows(tmp_path / "config", file, json.loads(row), json.loads(together))


def test_one_row_makes_a_property_travel(configuration: Path, tmp_path: Path) -> None:
    contact_rows = next(each for each in mappings(Mappings(configuration)) if each.erp.alias == "contact")
    [added] = [pair for pair in contact_rows.pairs() if pair.erp == "job_title"]
    assert (added.arrow, added.chargebee) == ("↔", "cf_job_title")
    settings = for_tests(tmp_path / "stack", "empty")
    with Stack(settings=settings) as stack:
        stack.node.upload(configuration, settings.node_variables)
        erp, chargebee = Erp(stack.erp_sandbox_url), Chargebee(stack.chargebee_sandbox_url)
        contact = erp.create("contacts", last_name="Titled", email="titled@example.com", job_title="Chief")
        key = f"contact-{contact['id']}"
        stack.sync()
        assert chargebee.get("customers", key)["cf_job_title"] == "Chief"
        assert erp.get("contacts", contact["id"])["custom_fields"] == {"collection": "automatic"}
        erp.patch("contacts", contact["id"], job_title="Chief of all")
        stack.sync()
        assert chargebee.get("customers", key)["cf_job_title"] == "Chief of all"
        chargebee.post(f"customers/{key}", cf_job_title="Emeritus", auto_collection="off")
        stack.sync()
        assert erp.get("contacts", contact["id"])["job_title"] == "Emeritus"
        assert erp.get("contacts", contact["id"])["custom_fields"] == {"collection": "manual"}
        writes = erp.writes(), chargebee.writes()
        stack.sync()
        assert (erp.writes(), chargebee.writes()) == writes
