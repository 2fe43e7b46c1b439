"""What a node keeps is its owner's alone, its log is JSON, and a full disk is called a full disk."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from localnode.api.app import create_app
from localnode.config import NodeSettings
from localnode.diagnostics import scratch_copy
from localnode.node import Node
from localnode.node.folder import SETTINGS_FILE, STORE_FILE, DataFolder
from localnode.pipes.execution_log import ExecutionLog
from localnode.store import DiskFull, Store
from tests.attack.test_http import running


def open_to_others(folder: Path) -> list[str]:
    """Files and folders that others than their owner may read or write."""
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_what_a_node_writes_is_its_owners_alone_and_its_log_is_json(tmp_path: Path) -> None:
    with running("node", tmp_path) as root:
        config = [{"_id": "in", "type": "pipe", "source": {"type": "http_endpoint"}}]
        requests.put(f"{root}/api/config", json=config, timeout=60).raise_for_status()
        requests.post(f"{root}/api/receivers/in/entities", json=[{"_id": "a"}], timeout=60).raise_for_status()
        assert (tmp_path / "data" / STORE_FILE).exists()
        assert open_to_others(tmp_path / "data") == []
    lines = [line for line in (tmp_path / "node.log").read_text().splitlines() if line.startswith("{")]
    assert all({"time", "level", "service", "message"} <= json.loads(line).keys() for line in lines)


def test_what_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    for name in (SETTINGS_FILE, STORE_FILE, f"{STORE_FILE}-wal"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    other = tmp_path / "somebody-else's"
    other.touch()
    other.chmod(0o644)
    DataFolder(tmp_path).close()
    assert open_to_others(tmp_path) == [str(other)]


def test_a_store_without_space_names_the_disk_and_goes_on_when_there_is_some(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "datasets.db")
    dataset = store.dataset("d", create=True)
    store._writer.execute("PRAGMA max_page_count = 100")
    big = [{"_id": str(number), "text": "x" * 100_000} for number in range(20)]
    with pytest.raises(DiskFull, match="datasets.db is full"):
        dataset.write(big)
    store._writer.execute("PRAGMA max_page_count = 100000")
    dataset.write(big)
    assert len(list(dataset.read())) == 20
    store.close()


def test_a_run_that_finds_no_space_is_not_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it matter whether there is space to keep that it has failed."""

    def no_room(*given: object, **more: object) -> None:
        raise DiskFull("datasets.db")

    node = Node(NodeSettings(data=tmp_path / "data", schedule=False))
    client = create_app(node, node.token).test_client()
    try:
        big = [{"_id": str(number), "text": "x" * 100_000} for number in range(20)]
        pipes = [
            {"_id": name, "type": "pipe", "source": {"type": "embedded", "entities": big}, "pump": {"batch_retries": 9}}
            for name in ("one", "two")
        ]  # fmt: skip
        node.replace_entities(pipes, force=False)
        node.store._writer.execute("PRAGMA max_page_count = 100")
        answer = client.post("/api/pipes/run-all-pipes?request_mode=sync").json
        assert answer["status"] == "failed"
        assert "datasets.db is full; free some space" in answer["additional_info"]["message"]
        assert answer["additional_info"]["rounds"] == 1
        monkeypatch.setattr(ExecutionLog, "ended", no_room)
        answer = client.post("/api/pipes/run-all-pipes?request_mode=sync").json
        assert "datasets.db is full; free some space" in answer["additional_info"]["message"]
        assert not [each for each in caplog.messages if "unexpected error" in each]
    finally:
        node.close()


def test_a_plan_that_finds_no_space_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node(NodeSettings(data=tmp_path / "data", schedule=False))
    client = create_app(node, node.token).test_client()
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL

    def copy(source: Path, target: Path) -> None:
        raise full

    monkeypatch.setattr(scratch_copy, "_copy", copy)
    try:
        for name in ("plan", "verify"):
            answer = client.post(f"/api/diagnostics/{name}")
            assert answer.status_code == 507 and "is full; free some space" in answer.json["detail"], name
    finally:
        node.close()


def test_health_and_answers_name_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node(NodeSettings(data=tmp_path / "data", schedule=False))
    client = create_app(node, node.token).test_client()
    try:
        assert (client.get("/api/health").status_code, client.get("/api/health").json) == (
            200,
            {"status": "ok"},
        )
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1024))
        answer = client.get("/api/health")
        assert (answer.status_code, answer.json["status"]) == (503, "unavailable")
        assert f"{tmp_path / 'data'} is full" in answer.json["reason"]
        monkeypatch.undo()
        node.uploaded._db.execute("PRAGMA max_page_count = 1")
        answer = client.put("/api/env", json={"a": "x" * 1_000_000})
        assert answer.status_code == 507
        assert "node.db is full" in answer.json["detail"]
    finally:
        node.close()


def test_other_failures_of_the_store_are_not_called_a_full_disk(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "datasets.db")
    with pytest.raises(sqlite3.OperationalError), store.transaction() as db:
        db.execute("SELECT * FROM nothing")
    store.close()
