"""Profiles: what is refused at start, and how it is said."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from connectors.common.errors import SettingsError
from connectors.common.settings import Environment
from connectors.erp.profile.load import load_profile, presets
from connectors.erp.profile.model.reading import Cursors, ListCall, SinglePage
from connectors.erp.settings import read_settings
from tests.support.erp import profile
from tests.support.processes import ROOT

ENV = {
    "ERP_BASE_URL": "http://erp.example/api/",
    "ERP_TOKEN": "t0ken-value",
    "ERP_USER": "u",
    "ERP_PASSWORD": "p",
}


def load(folder: Path, document: Any, env: dict[str, str] | None = None) -> Any:
    file = folder / "p.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return load_profile(str(file), Environment(ENV if env is None else env))


def test_the_sandbox_is_just_the_default_profile() -> None:
    settings = read_settings(ENV)
    assert settings.profile.name == "sandbox"
    assert list(settings.profile.entities) == ["contact", "customer", "employee", "quote", "order", "product"]
    assert settings.profile.rest.base_url == "http://erp.example/api"
    assert (settings.profile.address_setting, settings.profile.credentials_setting) == (
        "ERP_BASE_URL",
        "ERP_TOKEN",
    )
    assert "t0ken-value" in settings.common.secrets
    code = "".join(path.read_text() for path in (ROOT / "connectors/erp").rglob("*.py"))
    assert "include_deleted" not in code
    assert "external_refs" not in code


@pytest.mark.parametrize("name", presets())
def test_presets_are_valid(name: str, tmp_path: Path) -> None:
    document = (ROOT / f"connectors/erp/profiles/{name}.json").read_text(encoding="utf-8")
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)\}", document), "http://x.example")
    load_profile(
        name, Environment({**variables, "ERP_USER_ID": "7", "ERP_TOKEN_FILE": str(tmp_path / "token")})
    )


def contact(document: Any, **more: Any) -> None:
    document["entities"]["contact"].update(more)


def broken(change: Any) -> dict[str, Any]:
    document = copy.deepcopy(profile({"auth": {"type": "bearer", "token": "${ERP_TOKEN}"}}))
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "place", "says"),
    [
        (lambda d: d.update(nmae="x"), "/", "nmae"),
        (lambda d: d.pop("connection"), "/", "connection"),
        (lambda d: d.update(profile_version=2), "/profile_version", "1"),
        (lambda d: d["entities"].update(invoice={}), "/entities", "invoice"),
        (lambda d: d["entities"]["contact"].update(pth="/x"), "/entities/contact", "pth"),
        (lambda d: d["entities"]["contact"].pop("path"), "/entities/contact", "path"),
        (lambda d: d["entities"]["contact"].pop("origin"), "/entities/contact", "twins"),
        (lambda d: d["entities"]["contact"].pop("modified"), "/entities/contact", "modified"),
        (
            lambda d: d["entities"]["contact"].update(paginator={"type": "scroll"}),
            "/entities/contact/paginator",
            "",
        ),
        (
            lambda d: d["entities"]["contact"].update(paginator={"type": "cursor"}),
            "/entities/contact/paginator",
            "",
        ),
        (
            lambda d: d["entities"]["contact"].update(modified="changed"),
            "/entities/contact/modified",
            "array",
        ),
        (
            lambda d: d["connection"]["rest"]["auth"].update(token="literal-secret"),
            "/connection/rest/auth",
            "",
        ),
        (
            lambda d: d["connection"]["rest"].update(base_url="erp.example"),
            "/connection/rest/base_url",
            "form",
        ),
        (
            lambda d: d["connection"]["rest"].update(headers={"X": "${HOME}"}),
            "/connection/rest/headers/X",
            "",
        ),
        (
            lambda d: contact(d, fields={"email": {"from": "value", "item": "mail"}}),
            "/fields/email/item",
            "no item mail",
        ),
        (
            lambda d: contact(d, fields={"email": {"from": "e", "lookup": "x"}}),
            "/fields/email/lookup",
            "none",
        ),
        (
            lambda d: contact(
                d, fields={"lines": {"from": "l", "fields": {"sku": {"from": "s", "lookup": "x"}}}}
            ),
            "/fields/lines/fields/sku/lookup",
            "no lookup x",
        ),
        (lambda d: contact(d, fields={"email": {"from": "e", "typ": "string"}}), "/fields/email", "typ"),
        (lambda d: contact(d, fields={"email": {"from": "e"}}, keep=["name"]), "/keep", "no field name"),
        (
            lambda d: contact(d, fields={"email": "e"}, actions={"status": {"x": [{"path": "/a"}]}}),
            "/actions/status",
            "no field",
        ),
        (lambda d: contact(d, paginator={"type": "page"}), "/paginator", "never end"),
        (lambda d: contact(d, paginator={"type": "keyset", "field": "id"}), "/paginator", "{after}"),
        (
            lambda d: contact(d, paginator={"type": "page", "param": "p", "stop": {"type": "short"}}),
            "/paginator/stop",
            "limit_param",
        ),
        (lambda d: contact(d, timezone="Europe/Nowhere"), "/timezone", "Nowhere"),
        (lambda d: contact(d, where=[{"field": "x"}]), "/where/0", ""),
        (lambda d: contact(d, where=[{"field": "x", "equal": 1}]), "/where/0", "equal"),
        (
            lambda d: contact(d, create={"within": {"part": "p", "in": "l"}}),
            "/create/within/part",
            "no part p",
        ),
        (lambda d: contact(d, deleted={"strategy": "lookup"}), "/deleted", "log"),
        (lambda d: contact(d, list={"query": {"a": {"b64jso": 1}}}), "/list/query/a", ""),
        (
            lambda d: d["connection"]["rest"].update(rate_limit={"per_second": 0}),
            "/connection/rest/rate_limit/per_second",
            "0",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, change: Any, place: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, broken(change))
    told = caught.value.detail
    assert f"p.json at {place}" in told or f"p.json at /entities/contact{place}" in told
    assert says in caught.value.detail


def test_a_literal_secret_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    document = profile({"auth": {"type": "basic", "username": "${ERP_USER}", "password": "hunter2hunter2"}})
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, document)
    assert "hunter2" not in caught.value.detail
    assert "${NAME}" in caught.value.detail


def test_a_missing_variable_names_itself_and_its_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, broken(lambda d: None), {"ERP_BASE_URL": "http://x"})
    assert caught.value.name == "ERP_TOKEN"
    assert "/connection/rest/auth/token" in caught.value.detail


def test_files_that_are_not_there_or_not_json(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="sandbox"):
        load_profile("nosuch", Environment(ENV))
    with pytest.raises(SettingsError, match="read as JSON"):
        load(tmp_path, "{")


def test_defaults_are_merged_but_another_kind_stands_alone(tmp_path: Path) -> None:
    document = profile()
    document["defaults"] = {
        "paginator": {"type": "cursor", "param": "c", "path": "next"},
        "list": {"query": {"a": "1"}, "records": "items"},
    }
    contact = document["entities"]["contact"]
    contact["list"] = {"query": {"b": "2"}}
    loaded = load(tmp_path, document).entities["contact"]
    assert loaded.paginator == SinglePage()
    assert loaded.listing == ListCall(query={"a": "1", "b": "2"}, records="items")
    del contact["paginator"]
    assert load(tmp_path, document).entities["contact"].paginator == Cursors(param="c", path="next")


def test_a_field_called_type_says_nothing_of_kinds(tmp_path: Path) -> None:
    """Customers and products have one, and lost all fields of `defaults` by it."""
    document = profile(fields={"first_name": "name"})
    document["defaults"] = {"fields": {"external_refs.chargebee": "ref"}}
    document["entities"]["product"] = {**document["entities"]["contact"], "fields": {"name": "n", "type": {"from": "t", "map": {"a": "goods"}}}}  # fmt: skip
    for fields in (one.fields for one in load(tmp_path, document).entities.values()):
        assert "external_refs.chargebee" in (fields or {})


def test_a_datatype_can_be_switched_off(tmp_path: Path) -> None:
    document = profile()
    document["entities"]["order"] = {"enabled": False}
    assert list(load(tmp_path, document).entities) == ["contact"]


def test_a_body_of_creates_without_the_record_is_what_every_new_record_gets(tmp_path: Path) -> None:
    """What is sent is the record with it; the body alone would be a record without a single property."""
    create = load(tmp_path, profile(create={"body": {"kind": "person"}, "new": {"x": 1}})).entities["contact"].create  # fmt: skip
    assert (create.body, create.new) == (UNSET, {"kind": "person", "x": 1})
    create = load(tmp_path, profile(create={"body": {"v": ["{record}"]}})).entities["contact"].create
    assert (create.body, create.new) == ({"v": ["{record}"]}, {})
