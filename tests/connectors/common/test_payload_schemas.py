"""The JSON Schemas of both services' datatypes are what they claim to be; the services do not check it at start."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connectors.common.errors import Rejected
from connectors.common.validation import PayloadCheck
from tests.support.processes import ROOT

SCHEMAS = sorted((ROOT / "connectors").glob("*/schemas/*.schema.json"))


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: f"{file.parts[-3]} {file.name}")
def test_every_schema_is_valid(file: Path) -> None:
    Draft202012Validator.check_schema(json.loads(file.read_bytes()))
    assert len(SCHEMAS) >= 12


@pytest.mark.parametrize("place", [None, "billing_address"])
def test_what_is_wrong_a_hundred_thousand_times_is_refused_at_once(place: str | None) -> None:
    unknown: dict[str, Any] = {f"k{n}": 1 for n in range(300_000)}
    payload = {"first_name": "A", **({place: unknown} if place else unknown)}
    check = PayloadCheck(
        json.loads((ROOT / "connectors/chargebee/schemas/customer.schema.json").read_bytes())
    )
    began = time.process_time()
    with pytest.raises(Rejected) as caught:
        check("insert", payload)
    assert time.process_time() - began < 5
    assert len(caught.value.as_dict()["errors"]) == 9
