"""`make erp-check` of every preset against its server: all six datatypes fit, nothing is doubtful."""

from __future__ import annotations

import json

import pytest

from connectors.erp.check.__main__ import FITS, main
from tests.erp_presets.conftest import PRESETS
from tests.erp_presets.seed import DATATYPES
from tests.erp_presets.servers import Server

pytestmark = [pytest.mark.erp, pytest.mark.parametrize("server", PRESETS, indirect=True)]


def test_the_check_finds_nothing_wrong(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"ERP_BASE_URL": server.url, "ERP_TOKEN": "not-asked-for", "PAGE_SIZE": "10"}
    code = main(["--profile", server.preset, "--json"], environ)
    found = json.loads(capsys.readouterr().out)
    findings = [one for datatype in found["datatypes"].values() for one in datatype["findings"]]
    assert [one for one in findings if one["level"] == "error"] == []
    assert code == FITS
    assert set(found["datatypes"]) == set(DATATYPES)
    for datatype in found["datatypes"].values():
        assert datatype["understood"]["second page"].startswith("10 records")
        assert datatype["first"] is not None
