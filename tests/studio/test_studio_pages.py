"""The shells: what a browser may do with them, and that they hold nothing but themselves."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient

from localnode.api.app import create_app
from localnode.config import NodeSettings
from localnode.node import Node
from localnode.studio.pages import TITLES, modules, static_version
from tests.studio.conftest import NASTY
from tests.support.processes import ROOT

STUDIO = ROOT / "localnode" / "studio"
PAGES = [
    "/",
    *(f"/studio/{name}" for name in TITLES if name != "overview"),
    "/studio/pipes/any",
    "/studio/datasets/any",
]
SCRIPTS = sorted((STUDIO / "static" / "js").rglob("*.js"))


@pytest.mark.parametrize("page", PAGES)
def test_pages_run_scripts_of_this_node_alone(bare: FlaskClient, page: str) -> None:
    answer = bare.get(page)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert (
        policy.startswith("default-src 'self';")
        and "unsafe" not in policy
        and "frame-ancestors 'none'" in policy
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    html = answer.get_data(as_text=True)
    assert not re.search(r"https?://|style=|<style|\son\w+=", html), "inline code, or another host"
    assert all('src="/studio/static/' in tag for tag in re.findall(r"<script[^>]*>", html))


@pytest.mark.parametrize("page", PAGES)
def test_every_file_a_page_names_is_there(bare: FlaskClient, page: str) -> None:
    named = re.findall(r'(?:src|href)="(/studio/static/[^"]+)"', bare.get(page).get_data(as_text=True))
    assert len(named) > 5
    for path in named:
        assert bare.get(path).status_code == 200, path


def test_a_page_names_all_modules_it_needs() -> None:
    found = modules("flow")
    assert {"js/core/dom.js", "js/flow/layout.js", "vendor/dagre-3.1.3/dagre.esm.js"} <= set(found)
    imports = re.findall(
        r'from "([^"]+)"', "".join((STUDIO / "static" / each).read_text("utf-8") for each in found)
    )
    assert imports and all(name.startswith(".") for name in imports)


def test_pages_hold_nothing_of_the_request(client: FlaskClient) -> None:
    for page in ("/studio/pipes/", "/studio/datasets/"):
        html = client.get(page + NASTY, query_string={"entity": NASTY}).get_data(as_text=True)
        assert "onerror" not in html and "Person" not in html


def test_files_are_kept_by_browsers_until_they_change(bare: FlaskClient) -> None:
    present = bare.get(f"/studio/static/{static_version()}/css/tokens.css")
    assert present.cache_control.immutable and present.cache_control.max_age > 1_000_000
    other = bare.get("/studio/static/former/css/tokens.css")
    assert other.data == present.data and not other.cache_control.immutable
    for path in ("../pages.py", "..%2fpages.py", "js/../../pages.py", "none.js"):
        assert bare.get(f"/studio/static/{static_version()}/{path}").status_code == 404, path


def test_unknown_pages_are_not_found(bare: FlaskClient) -> None:
    answer = bare.get("/studio/nothing")
    assert answer.status_code == 404 and "There is no such page" in answer.get_data(as_text=True)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_make_text_of_values_and_never_markup(script: object) -> None:
    text = script.read_text(encoding="utf-8")
    found = re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\(\"on",
        text,
    )
    assert not found, found
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), "another host"


def test_vendored_libraries_have_licence_and_version() -> None:
    vendor = STUDIO / "static" / "vendor"
    known = json.loads((vendor / "VERSIONS.json").read_text(encoding="utf-8"))
    folders = sorted(path.name for path in vendor.iterdir() if path.is_dir())
    assert folders == sorted(known)
    for name, about in known.items():
        assert name.endswith(about["version"]) and about["licence"] == "MIT"
        assert "Permission is hereby granted" in (vendor / name / "LICENSE").read_text(encoding="utf-8")
        assert all((vendor / name / file).is_file() for file in about["files"])


def test_what_the_api_answers_is_no_page(client: FlaskClient) -> None:
    for path in ("/api/pipes", "/studio/data/flow", "/api/nothing"):
        assert client.get(path).headers["Content-Security-Policy"].endswith("sandbox"), path


def test_pages_are_open_and_data_asks_for_the_token(tmp_path: object) -> None:
    node = Node(NodeSettings(data=tmp_path / "closed", schedule=False, open_loopback=False))
    try:
        client = create_app(node, node.token).test_client()
        assert client.get("/").status_code == 200
        assert client.get("/studio/static/any/css/tokens.css").status_code == 200
        for path in ("/studio/data/node", "/studio/data/flow", "/studio/data/log", "/api/pipes"):
            assert client.get(path).status_code == 401, path
            allowed = client.get(path, headers={"Authorization": f"Bearer {node.token}"})
            assert allowed.status_code == 200, path
    finally:
        node.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "rebound.example"},
    ],
    ids=str,
)
def test_a_foreign_site_can_start_and_read_nothing(client: FlaskClient, headers: dict[str, str]) -> None:
    calls = [
        ("POST", "/api/pipes/global-person/pump"),
        ("POST", "/api/pipes/run-all-pipes?request_mode=async"),
        ("GET", "/studio/data/flow"),
        ("GET", "/api/datasets/global-person/entities"),
    ]
    for method, path in calls:
        answer = client.open(
            path, method=method, headers=headers, data={"operation": "start"} if method == "POST" else None
        )
        assert answer.status_code == 401, (method, path)


def test_the_page_itself_may(client: FlaskClient) -> None:
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    answer = client.post("/api/pipes/global-person/pump", json={"operation": "disable"}, headers=headers)
    assert answer.status_code == 200
