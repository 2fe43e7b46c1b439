"""`localnode test`: a project's own tests, with the verdicts of Sesam's client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from localnode.testing.compare import entity_differences, present, text_differences, xml_differences
from localnode.testing.project import Project
from localnode.testing.specs import spec_of
from tests.support.commands import localnode

ROOT = Path(__file__).resolve().parents[3]

PEOPLE = [{"_id": "ann", "name": "Ann", "size": 1.0, "at": "x"}, {"_id": "bo", "name": "Bo", "size": 2.5}]
PRETTY = "<notes><note by='me' lang='en'><text>hello</text></note></notes>"
GIVEN = [{"_id": "ann", "name": "Ann", "size": 1}, {"_id": "bo", "name": "Bo", "size": 2.5}]
CONFIG: dict[str, Any] = {
    "pipes/people.conf.json": {
        "_id": "people",
        "type": "pipe",
        "source": {
            "type": "conditional",
            "condition": "$ENV(node-env)",
            "alternatives": {
                "test": {"type": "embedded", "entities": PEOPLE},
                "prod": {"type": "json", "system": "hr", "url": "/people"},
            },
        },
    },
    "pipes/notes.conf.json": {"_id": "notes", "type": "pipe", "source": {"type": "http_endpoint"}},
    "pipes/deep/people-out.conf.json": {
        "_id": "people-out",
        "type": "pipe",
        "source": {"type": "dataset", "dataset": "people"},
        "sink": {"type": "http_endpoint"},
    },
    "pipes/notes-out.conf.json": {
        "_id": "notes-out",
        "type": "pipe",
        "source": {"type": "dataset", "dataset": "notes"},
        "transform": {
            "type": "dtl",
            "rules": {
                "default": [
                    ["add", "<note>", ["list", ["dict", "<text>", "_S.text"]]],
                    ["add", "by", "{{@ author @}}"],
                    ["add-if", "lang", ["path", "lang", "_B."]],
                ]
            },
        },
        "sink": {"type": "xml_endpoint", "wrapper": "notes"},
    },
    "pipes/names.conf.json": {
        "_id": "names",
        "type": "pipe",
        "source": {"type": "dataset", "dataset": "people"},
        "sink": {"type": "csv_endpoint", "columns": ["_id", "name"]},
    },
    "systems/hr.conf.json": {"_id": "hr", "type": "system:microservice"},
    "node-metadata.conf.json": {"_id": "node", "type": "metadata", "namespaced_identifiers": False},
    "test-env.json": {"node-env": "test"},
    ".jinja_vars": {"author": "me"},
    "testdata/any/notes.json": [{"_id": "1", "text": "hello"}],
    "expected/people-out.test.json": {"blacklist": ["at"]},
    "expected/people-out.json": GIVEN,
    "expected/names.test.json": {"endpoint": "csv", "file": "names.csv"},
    "expected/names.csv": "_id,name\r\nann,Ann\r\nbo,Bo\r\n",
    "expected/notes-out.test.json": {"endpoint": "xml", "file": "notes.xml", "parameters": {"lang": "en"}},
    "expected/notes.xml": PRETTY,
}


def write(folder: Path, files: dict[str, Any]) -> Path:
    """A project of these files; texts as they are, everything else as JSON, None takes one away."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_bytes((content if isinstance(content, str) else json.dumps(content)).encode())
    return folder


def run(folder: Path, *options: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`localnode test` over a folder."""
    return localnode("test", str(folder), *options, cwd=cwd or folder)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "hub", CONFIG)


def test_a_project_whose_tests_pass(project: Path, tmp_path: Path) -> None:
    done = run(project, "--junit", str(tmp_path / "out" / "junit.xml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("6 passed (")
    suite = ElementTree.parse(tmp_path / "out" / "junit.xml").getroot()[0]
    assert suite.attrib["name"] == "hub" and suite.attrib["tests"] == "6" and suite.attrib["failures"] == "0"
    names = [case.attrib["name"] for case in suite]
    assert names == ["upload", "test data", "run", "names", "notes-out", "people-out"]
    assert not list(project.rglob("*.db"))


def test_what_differs_is_told_by_entity_and_property(project: Path, tmp_path: Path) -> None:
    changed = [{**GIVEN[0], "name": "Anna"}, {"_id": "cy", "name": "Cy"}]
    write(
        project,
        {
            "expected/people-out.json": changed,
            "expected/names.csv": "_id,name\r\nann,Ann\r\n",
            "expected/notes.xml": PRETTY.replace("hello", "hullo"),
            "expected/gone.test.json": {},
            "expected/silent.test.json": {"pipe": "people-out", "ignore": True},
            "pipes/untested.conf.json": {**CONFIG["pipes/deep/people-out.conf.json"], "_id": "untested"},
        },
    )
    done = run(project, "--junit", str(tmp_path / "junit.xml"))
    assert done.returncode == 1
    told = done.stdout.splitlines()
    assert '        "ann": name: expected "Anna", got "Ann"' in told
    assert any(line.startswith('        "cy": missing; expected {"_id": "cy"') for line in told)
    assert any(line.startswith('        "bo": not expected; got {"_id": "bo"') for line in told)
    assert "        +bo,Bo\\r" in told
    assert "        +    <text>hello</text>" in told
    assert 'FAILED  gone: there is no output or endpoint pipe "gone"' in told
    assert "ignored silent: the test says ignore" in told
    assert any(line.startswith('FAILED  untested: no test is of the pipe "untested"') for line in told)
    assert told[-1].startswith("3 passed, 5 failed, 1 ignored (")
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert (suite.attrib["failures"], suite.attrib["skipped"]) == ("5", "1")
    failure = next(case for case in suite if case.attrib["name"] == "people-out")[0]
    assert failure.tag == "failure" and 'name: expected "Anna", got "Ann"' in str(failure.text)


def test_only_chosen_tests(project: Path) -> None:
    write(project, {"expected/people-out.json": []})
    assert run(project, "names", "notes*").returncode == 0
    assert run(project, "people-out").returncode == 1
    done = run(project, "peple-out")
    assert done.returncode == 2 and "there are: names, notes-out, people-out" in done.stderr


def test_update_writes_what_comes_out(project: Path) -> None:
    write(
        project,
        {
            "expected/people-out.json": [],
            "expected/notes.xml": "",
            "expected/gone.test.json": {},
            "expected/names.csv": None,
            "pipes/new.conf.json": {**CONFIG["pipes/deep/people-out.conf.json"], "_id": "new"},
        },
    )
    done = run(project, "--update")
    assert done.returncode == 0, done.stdout + done.stderr
    expected = project / "expected"
    assert json.loads((expected / "people-out.json").read_bytes()) == GIVEN
    assert (
        (expected / "people-out.json").read_text().startswith('[\n  {\n    "_id": "ann",\n    "name": "Ann"')
    )
    assert (expected / "notes.xml").read_text().startswith('<notes>\n  <note by="me" lang="en">\n    <text>')
    assert (expected / "names.csv").read_bytes() == CONFIG["expected/names.csv"].encode()
    assert not (expected / "gone.test.json").exists()
    assert (expected / "new.test.json").exists() and (expected / "new.json").exists()
    again = run(project, "--update")
    assert "updated" not in again.stdout and run(project).returncode == 0


def test_a_config_that_is_refused_or_fails_is_a_failure(project: Path, tmp_path: Path) -> None:
    write(project, {"pipes/bad.conf.json": {"_id": "bad", "type": "pipe", "source": {"type": "nosuch"}}})
    done = run(project, "--junit", str(tmp_path / "junit.xml"))
    assert done.returncode == 1 and "nosuch" in done.stdout and done.stdout.startswith("FAILED  upload")
    assert ElementTree.parse(tmp_path / "junit.xml").getroot()[0].attrib["failures"] == "1"
    rules = {"default": [["fail!", "no good"]]}
    bad = {
        "_id": "bad",
        "type": "pipe",
        "source": {"type": "dataset", "dataset": "people"},
        "transform": {"type": "dtl", "rules": rules},
    }
    write(project, {"pipes/bad.conf.json": bad})
    done = run(project)
    assert done.returncode == 1 and "FAILED  run: 1 pipes failed" in done.stdout and "no good" in done.stdout
    write(project, {"pipes/bad.conf.json": None, "testdata/any/nobody.json": [{"_id": "1"}]})
    done = run(project)
    assert done.returncode == 1 and "FAILED  test data" in done.stdout and "nobody" in done.stdout


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    assert run(tmp_path / "nowhere", cwd=tmp_path).returncode == 2
    done = run(tmp_path)
    assert done.returncode == 2 and "there is no test-env.json" in done.stderr
    write(tmp_path, {"test-env.json": {}, "pipes/a.conf.json": CONFIG["pipes/notes.conf.json"]})
    done = run(tmp_path)
    assert done.returncode == 0 and "ignored tests: there are none: no expected/*.test.json" in done.stdout


def test_the_packages_of_the_node_are_enough(project: Path, tmp_path: Path) -> None:
    """Nothing else of this repository is on the path."""
    for package in ("localnode", "core"):
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / "site" / package, ignore=left_out)
    command = [sys.executable, "-m", "localnode", "test", str(project)]
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path, env=env
    )
    assert done.returncode == 0, done.stdout + done.stderr


# -- rules of comparison -------------------------------------------------------------------------------------


def same(expected: list[dict[str, Any]], given: list[dict[str, Any]], **spec: Any) -> bool:
    made = spec_of(Path("expected/x.test.json"), Path(), spec)
    return not entity_differences(expected, present(given, expected, made), made)


@pytest.mark.parametrize(
    ("expected", "given", "spec", "passes"),
    [
        ([{"_id": "1"}, {"_id": "2"}], [{"_id": "2"}, {"_id": "1"}], {}, True),
        ([{"_id": "1"}], [{"_id": "1", "_ts": 5, "a": {"_x": 1}}], {}, False),
        ([{"_id": "1", "a": {"_id": "i"}}], [{"_id": "1", "_ts": 5, "a": {"_x": 1, "_id": "i"}}], {}, True),
        ([], [{"_id": "1", "_deleted": True}], {}, True),
        ([], [{"_id": "1", "_deleted": True}], {"ignore_deletes": False}, False),
        ([{"_id": "1", "_deleted": True}], [{"_id": "1", "_deleted": True}], {}, True),
        ([{"_id": "1"}], [{"_id": "1", "_deleted": False}], {}, True),
        ([{"_id": "1", "n": 1}], [{"_id": "1", "n": 1.0}], {}, True),
        ([{"_id": "1", "n": 1.0}], [{"_id": "1", "n": 1}], {}, False),
        ([{"_id": "1", "n": 1}], [{"_id": "1", "n": True}], {}, False),
        ([{"_id": "1", "n": 12345678901234567}], [{"_id": "1", "n": 12345678901234567}], {}, False),
        ([{"_id": "1", "n": 12345678901234568}], [{"_id": "1", "n": 12345678901234567}], {}, True),
        ([{"_id": "1", "n": "~f1.5"}], [{"_id": "1", "n": "~f1.5"}], {}, True),
        ([{"_id": "1", "l": [{}]}], [{"_id": "1", "l": [{"b": 1}], "c": 2}], {"blacklist": ["l.b", "c"]}, True),
        ([{"_id": "1", "d": {"k": {}}}], [{"_id": "1", "d": {"k": {"b": 1}}}], {"blacklist": ["d[].b"]}, True),
        ([{"_id": "1", "a": 1}], [{"_id": "1", "a": 1, "a.b": 2}], {"blacklist": ["a.*"]}, True),
        ([{"_id": "1", "l": [1, 2]}], [{"_id": "1", "l": [2, 1]}], {}, False),
        ([{"k": "a", "n": 1}, {"k": "b"}], [{"_id": "y", "k": "b"}, {"_id": "x", "k": "a", "n": 1}], {"fields_to_sort_by": ["k"], "blacklist": ["_id"]}, True),
    ],
)  # fmt: skip
def test_when_entities_are_the_same(expected: Any, given: Any, spec: Any, passes: bool) -> None:
    assert same(expected, given, **spec) is passes


@pytest.mark.parametrize(
    ("expected", "given", "passes"),
    [
        ('<a x="1" y="2"/>', "<a x='1' y='2'></a>", True),
        ("<a>\n  <b>t</b>\n  <c/>\n</a>\n", "<a><b>t</b><c/></a>", True),
        ("<a>\n    <b>t</b>\n    <c/>\n</a>\n", "<a><b>t</b><c/></a>", False),
        ("<a><b><![CDATA[<]]></b></a>", "<a><b>&lt;</b></a>", True),
        ("<a><b>t</b></a>", "<a><b> t</b></a>", False),
        ('<?xml version="1.0"?><a/>', "<?xml version='1.0' encoding='utf-8'?>\n<a/>", True),
        ('<?xml version="1.0"?><a/>', "<a/>", False),
        ("not xml", "not xml", True),
        ("not xml", "<a/>", False),
    ],
)
def test_when_documents_are_the_same(expected: str, given: str, passes: bool) -> None:
    assert (xml_differences(expected.encode(), given.encode()) == []) is passes


def test_texts_are_the_same_byte_for_byte() -> None:
    assert text_differences(b"a\r\n", b"a\r\n") == []
    assert text_differences(b"a\n", b"a\r\n")[-3:] == ["-a", "+a\\r", " "]
    assert text_differences(b"\xe6", "æ".encode()) != []


def test_a_whitelist_leaves_out_everything_else(tmp_path: Path) -> None:
    listed = frozenset({"pipes/people.conf.json", "pipes/names.conf.json", "node-metadata.conf.json"})
    chosen = Project(write(tmp_path, CONFIG), whitelist=listed)
    assert {entity["_id"] for entity in chosen.entities()} == {"people", "names", "node"}
    assert [spec.name for spec in chosen.specs()] == ["names"] and list(chosen.test_data()) == []


def test_variables_of_a_connector_stand_over_those_of_the_profile(tmp_path: Path) -> None:
    write(tmp_path, {".additional_parameters.json": {"b": 2}, "hub/my-env.json": {"a": 1, "b": 1}})
    assert Project(tmp_path / "hub", "my").variables() == {"a": 1, "b": 2}
