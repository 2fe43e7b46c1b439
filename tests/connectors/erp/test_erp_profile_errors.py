"""A profile that cannot work stops the service when it starts: the file, the place in it, and what to do.

Each case is one change of a profile that works; the service is the real one, and its end is looked at.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.common.errors import SettingsError
from connectors.erp.settings import read_settings
from tests.support.erp import profile
from tests.support.processes import ROOT, free_port

ENV = {"ERP_BASE_URL": "http://127.0.0.1:1", "ERP_TOKEN": "t0ken-value"}
LITERAL = "hunter2-hunter2"
Document = dict[str, Any]


def contact(document: Document) -> dict[str, Any]:
    return document["entities"]["contact"]  # type: ignore[no-any-return]


def rest(document: Document) -> dict[str, Any]:
    return document["connection"]["rest"]  # type: ignore[no-any-return]


CASES: list[tuple[str, Callable[[Document], Any], str, str]] = [
    ("an unknown key", lambda d: contact(d).update(pagenator={}), "/entities/contact", "pagenator"),
    ("an unknown key deep inside", lambda d: contact(d)["origin"].update(feild="x"), "/entities/contact/origin", "feild"),
    ("a wrong type", lambda d: contact(d).update(modified="changed"), "/entities/contact/modified", "array"),
    ("a wrong number", lambda d: rest(d).update(rate_limit={"per_second": -1}), "/connection/rest/rate_limit/per_second", "minimum"),
    ("no path", lambda d: contact(d).pop("path"), "/entities/contact", "path"),
    ("no paginator", lambda d: contact(d).pop("paginator"), "/entities/contact", "paginator"),
    ("page numbers that are not sent", lambda d: contact(d).update(paginator={"type": "page"}), "/entities/contact/paginator", "never end"),
    ("offsets that are not sent", lambda d: contact(d).update(paginator={"type": "offset"}), "/entities/contact/paginator", "never end"),
    ("a cursor that is not sent", lambda d: contact(d).update(paginator={"type": "cursor", "path": "next"}), "/entities/contact/paginator", "never end"),
    ("a keyset that is not sent", lambda d: contact(d).update(paginator={"type": "keyset", "field": "id"}), "/entities/contact/paginator", "never end"),
    ("one parameter for two things", lambda d: contact(d).update(paginator={"type": "page", "param": "p", "limit_param": "p"}), "/entities/contact/paginator/limit_param", "both"),
    ("a keyset by change stamps", lambda d: contact(d).update(paginator={"type": "keyset", "param": "p", "field": "changed"}), "/entities/contact/paginator/field", "key"),
    ("short pages of unknown length", lambda d: contact(d).update(paginator={"type": "page", "param": "p", "stop": {"type": "short"}}), "/entities/contact/paginator/stop", "limit_param"),
    ("a filter without the time", lambda d: contact(d)["incremental"].update(param="f", template="changed ge now"), "/entities/contact/incremental/template", "{since}"),
    ("a look-up without the origin", lambda d: contact(d)["origin"].update(query={"ref": "x"}), "/entities/contact/origin/query", "{origin}"),
    ("one address for all", lambda d: contact(d).update(get={"path": "/people/one"}), "/entities/contact/get/path", "{id}"),
    ("a literal token", lambda d: rest(d).update(auth={"type": "bearer", "token": LITERAL}), "/connection/rest/auth", "${NAME}"),
    ("a literal password", lambda d: rest(d).update(auth={"type": "basic", "username": "${ERP_TOKEN}", "password": LITERAL}), "/connection/rest/auth/password", "${NAME}"),
    ("a literal key among the headers", lambda d: rest(d).update(headers={"X-Api-Key": LITERAL}), "/connection/rest/headers/X-Api-Key", "auth"),
    ("a literal authorization", lambda d: rest(d).update(headers={"authorization": f"Bearer {LITERAL}"}), "/connection/rest/headers/authorization", "auth"),
    ("a literal key in a query", lambda d: contact(d).update(list={"query": {"api_key": LITERAL}}), "/entities/contact/list/query/api_key", "auth"),
    ("a password in the address", lambda d: rest(d).update(base_url=f"https://me:{LITERAL}@erp.example"), "/connection/rest/base_url", "${NAME}"),
    ("a variable that is not set", lambda d: rest(d).update(auth={"type": "bearer", "token": "${ERP_KEY}"}), "/connection/rest/auth/token", "ERP_KEY"),
]  # fmt: skip
IDS = [case[0] for case in CASES]


def changed(change: Callable[[Document], Any]) -> Document:
    document = copy.deepcopy(profile({"auth": {"type": "bearer", "token": "${ERP_TOKEN}"}}))
    change(document)
    return document


@pytest.mark.parametrize(("title", "change", "place", "advice"), CASES, ids=IDS)
def test_it_is_named_with_file_place_and_advice(
    tmp_path: Path, title: str, change: Any, place: str, advice: str
) -> None:
    file = tmp_path / "acme.json"
    file.write_text(json.dumps(changed(change)))
    with pytest.raises(SettingsError) as caught:
        read_settings({**ENV, "ERP_PROFILE": str(file)})
    said = caught.value.detail
    assert "acme.json at " in said, title
    assert place in said
    assert advice in said
    assert LITERAL not in said


def test_the_service_ends_with_that_line(tmp_path: Path) -> None:
    _, change, place, advice = CASES[IDS.index("a literal token")]
    file = tmp_path / "acme.json"
    file.write_text(json.dumps(changed(change)))
    command = [sys.executable, "-m", "gunicorn", "-c", "connectors/common/gunicorn.conf.py"]
    done = subprocess.run(
        [*command, "connectors.erp.app:create_app()"],
        cwd=ROOT,
        env={**ENV, "PATH": "/usr/bin", "BIND": f"127.0.0.1:{free_port()}", "ERP_PROFILE": str(file)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith("[")]
    assert done.returncode != 0
    assert len(lines) == 1, done.stderr
    assert f"{file} at {place}" in lines[0]
    assert advice in lines[0]
    assert LITERAL not in done.stderr
