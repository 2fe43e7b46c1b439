"""The JSON Schemas of both services' datatypes are what they claim to be; the services do not check it at start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.support.processes import ROOT

SCHEMAS = sorted((ROOT / "connectors").glob("*/schemas/*.schema.json"))


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: f"{file.parts[-3]} {file.name}")
def test_every_schema_is_valid(file: Path) -> None:
    Draft202012Validator.check_schema(json.loads(file.read_bytes()))
    assert len(SCHEMAS) >= 12
