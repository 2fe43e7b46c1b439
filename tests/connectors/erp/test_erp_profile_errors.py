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
    ("a slip of the pen", lambda d: contact(d).update(pagenator={}), "/entities/contact/pagenator", 'did you mean "paginator"'),
    ("a key that appears twice", lambda d: d.update(name="x", **{"name ": "y"}), "", "appears twice"),
    ("nothing enabled", lambda d: contact(d).update(enabled=False), "/entities", "enable one"),
    ("a path without a slash", lambda d: contact(d).update(path="people"), "/entities/contact/path", "slash"),
    ("a field of nobody", lambda d: contact(d).update(fields={"frist_name": "a", "external_refs.chargebee": "r"}), "/entities/contact/fields/frist_name", 'did you mean "first_name"'),
    ("a field of another type", lambda d: contact(d).update(fields={"first_name": {"from": "a", "type": "strng"}}), "/entities/contact/fields/first_name/type", 'one of "boolean", "date"'),
    ("a field from nowhere", lambda d: contact(d).update(fields={"first_name": {"type": "string"}}), "/entities/contact/fields/first_name", 'one of "cases", "const", "from"'),
    ("an action of nobody", lambda d: contact(d).update(actions={"statsu": {"x": [{"path": "/a"}]}}), "/entities/contact/actions", "no field statsu"),
    ("a value that nothing stands for", lambda d: contact(d).update(list={"query": {"from": "{sinse}"}}), "/entities/contact/list/query", "{sinse}"),
    ("a page that is never counted", lambda d: contact(d).update(list={"query": {"p": "{page}"}}), "/entities/contact/list/query", "single has no such value"),
    ("a keyset that stands still", lambda d: contact(d).update(paginator={"type": "keyset", "param": "p", "field": "id", "template": "id gt"}), "/entities/contact/paginator/template", "{value}"),
    ("a cursor from nowhere", lambda d: contact(d).update(paginator={"type": "cursor", "param": "c"}), "/entities/contact/paginator", 'one of "header", "path"'),
    ("a lock that never fits", lambda d: contact(d).update(update={"lock": {"type": "if_match", "path": "v", "template": "v"}}), "/entities/contact/update/lock/template", "{version}"),
    ("a log that is not asked since when", lambda d: contact(d).update(deleted={"strategy": "lookup", "log": {"path": "/log", "query": {"i": "{ids}"}}}), "/entities/contact/deleted/log/query", "{since}"),
    ("the same children for all", lambda d: contact(d).update(children={"lines": {"path": "/lines", "into": "lines"}}), "/entities/contact/children/lines/path", "{id}"),
    ("a condition without a test", lambda d: contact(d).update(where=[{"field": "kind"}]), "/entities/contact/where/0", "equals"),
    ("an error rule about nothing", lambda d: rest(d).update(errors=[{"when": {"equals": 1}, "action": "ok"}]), "/connection/rest/errors/0/when", "path"),
    ("a variable amid an address", lambda d: rest(d).update(base_url="https://${ERP_BASE_URL}/api"), "/connection/rest/base_url", "alone"),
    ("a wrong type", lambda d: contact(d).update(modified="changed"), "/entities/contact/modified", "array"),
    ("a wrong number", lambda d: rest(d).update(rate_limit={"per_second": -1}), "/connection/rest/rate_limit/per_second", "more than 0"),
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
    ("a literal key of the gateway", lambda d: rest(d).update(headers={"Ocp-Apim-Subscription-Key": LITERAL}), "/connection/rest/headers/Ocp-Apim-Subscription-Key", "${NAME}"),
    ("a literal token in a list of texts", lambda d: rest(d).update(headers={"X-Company-Token": [LITERAL]}), "/connection/rest/headers/X-Company-Token", "${NAME}"),
    ("a literal that looks like one", lambda d: rest(d).update(headers={"X-Forward": f"Bearer {LITERAL}"}), "/connection/rest/headers/X-Forward", "${NAME}"),
    ("a literal key in a path", lambda d: contact(d).update(path=f"/people?apikey={LITERAL}"), "/entities/contact/path", "${NAME}"),
    ("a literal password in a body", lambda d: contact(d).update(list={"method": "POST", "body": {"login": {"passWord": LITERAL}}}), "/entities/contact/list/body/login/passWord", "${NAME}"),
    ("a literal token for children", lambda d: contact(d).update(children={"lines": {"path": "/l/{id}", "into": "lines", "query": {"token": LITERAL}}}), "/entities/contact/children/lines/query/token", "${NAME}"),
    ("a literal token for an action", lambda d: contact(d).update(actions={"active": {"false": [{"path": "/a", "headers": {"Authorization": LITERAL}}]}}), "/entities/contact/actions/active/false/0/headers/Authorization", "${NAME}"),
    ("a literal password for a look-up", lambda d: d.update(lookups={"unit": {"path": "/u", "value": "id", "query": {"pwd": LITERAL}}}), "/lookups/unit/query/pwd", "${NAME}"),
    ("a literal secret of the token call", lambda d: rest(d).update(auth={"type": "oauth2_client_credentials", "client_id": "${ERP_TOKEN}", "client_secret": "${ERP_TOKEN}", "token_url": f"https://id.example/?client_secret={LITERAL}"}), "/connection/rest/auth/token_url", "${NAME}"),
    ("a literal password deep in a login", lambda d: rest(d).update(auth={"type": "session", "path": "/login", "token_path": "t", "body": {"user": {"name": "${ERP_TOKEN}", "password": LITERAL}}}), "/connection/rest/auth/body/user/password", "${NAME}"),
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
    file.write_text(json.dumps(changed(change)).replace('"name ":', '"name":'))
    with pytest.raises(SettingsError) as caught:
        read_settings({**ENV, "ERP_PROFILE": str(file)})
    said = caught.value.detail
    assert f"acme.json at {place}" in said or not place, title
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


@pytest.mark.parametrize(
    "name", ["X-CSRF-Token", "X-App-Id", "nextPageToken", "token_type", "X-Tenant", "session"]
)
def test_what_is_no_secret_may_stand_there(tmp_path: Path, name: str) -> None:
    file = tmp_path / "acme.json"
    file.write_text(json.dumps(changed(lambda document: rest(document).update(headers={name: "fetch"}))))
    assert read_settings({**ENV, "ERP_PROFILE": str(file)}).profile.rest.headers == {name: "fetch"}


def test_further_credentials_come_from_the_environment_too(tmp_path: Path) -> None:
    file = tmp_path / "acme.json"
    more = {"headers": {"X-Subscription-Key": "${ERP_KEY}", "X-Tenant": "7"}, "query": {"sig": "${ERP_SIG}"}}
    file.write_text(json.dumps(changed(lambda document: rest(document).update(more))))
    settings = read_settings({**ENV, "ERP_PROFILE": str(file), "ERP_KEY": "k-{since}-1", "ERP_SIG": "s-1"})
    assert settings.profile.rest.headers == {"X-Subscription-Key": "k-{since}-1", "X-Tenant": "7"}
    assert settings.profile.rest.query == {"sig": "s-1"}
    assert {"k-{since}-1", "s-1"} <= set(settings.common.secrets)
