"""The data folder: one run at a time, and never the data of other systems."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import BadSetting
from localnode.node.folder import DataFolder as NodeFolder
from stack.data_folder import DataFolder, FolderInUse
from stack.run import RunOptions, prepare, refuse_invented_people
from stack.settings import SANDBOX, StackSettings, free_ports
from tests.support.processes import ROOT, end, wait_until

HOLDER = """
import pathlib, sys, time
from stack.data_folder import DataFolder
from stack.process_manager import ProcessManager, Program
with DataFolder(pathlib.Path(sys.argv[1])).use("the first", print) as lock:
    children = ProcessManager(pathlib.Path(sys.argv[1]) / "logs", {"PATH": "/usr/bin:/bin"}, (lock,))
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), exit())); time.sleep(600)"
    children.start(Program("sleeper", [sys.executable, "-c", stubborn], {}, "http://127.0.0.1:9/"))
    print("held by", children.pid("sleeper"), flush=True)
    time.sleep(600)
"""
REAL = {"customerp": "https://erp.example", "chargebee": "https://acme-test.chargebee.com/api/v2"}
OTHER = {**REAL, "chargebee": "https://acme.chargebee.com/api/v2"}
SANDBOXES = {"customerp": SANDBOX, "chargebee": SANDBOX}


@pytest.fixture
def holder(tmp_path: Path):
    """A process that has the folder, and a child of its own."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None and child.stdout.readline().startswith("held by")
    yield child
    end(child)
    child.stdout.close()


def test_a_second_run_is_refused_while_the_first_lives(tmp_path: Path, holder) -> None:
    (tmp_path / "node").mkdir()
    said = rf"in use by the first \(process {holder.pid}\).*--folder"
    with pytest.raises(FolderInUse, match=said), DataFolder(tmp_path).use("the second", print):
        pytest.fail("both have it")
    assert (tmp_path / "node").is_dir(), "nothing of the first is touched"
    cleaning = subprocess.run(
        [sys.executable, "-m", "stack.data_folder", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert cleaning.returncode == 2 and "in use by the first" in cleaning.stderr


def test_after_kill_9_the_next_run_waits_for_what_is_left_and_goes_on(tmp_path: Path, holder) -> None:
    said: list[str] = []
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait(60)
    with DataFolder(tmp_path).use("the second", said.append):
        pass
    assert any("killed" in line or "without clearing up" in line for line in said), said
    said.clear()
    with DataFolder(tmp_path).use("the third", said.append):
        pass
    assert said == [], "the second ended in good order"


def test_the_data_of_a_node_that_runs_by_itself_is_not_touched(tmp_path: Path) -> None:
    node = NodeFolder(tmp_path / "node")
    with pytest.raises(FolderInUse, match="started separately"), DataFolder(tmp_path).use("me", print):
        pytest.fail("the node has it")
    node.close()
    with DataFolder(tmp_path).use("me", print):
        pass


@pytest.mark.parametrize("command", [["stack", "run", "--folder"], ["localnode", "serve", "--data"]])
def test_a_folder_that_cannot_be_written_to_is_said_in_one_sentence(
    tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "file").touch()
    folder = str(tmp_path / "file" / "data")
    ended = subprocess.run(
        [sys.executable, "-m", *command, folder], cwd=ROOT, capture_output=True, text=True, check=False
    )
    said = f"{command[0]}: the data folder {folder} cannot be written to (not a directory); name another\n"
    assert ended.returncode in (1, 2) and ended.stderr == said


def folder_with(path: Path, systems: dict[str, str] | None, written: bool = True) -> DataFolder:
    folder = DataFolder(path)
    (path / "node").mkdir(parents=True)
    (path / "node" / "datasets.db").write_text("x")
    if systems is not None:
        folder.note_systems(systems, written)
    return folder


@pytest.mark.parametrize(
    ("held", "now", "options", "known", "kept"),
    [
        (None, SANDBOXES, {}, False, False),
        (None, SANDBOXES, {"keep": True}, False, True),
        (None, REAL, {}, False, False),
        (SANDBOXES, SANDBOXES, {}, False, False),
        (SANDBOXES, SANDBOXES, {"keep": True}, True, True),
        (SANDBOXES, REAL, {}, False, False),
        (REAL, REAL, {}, True, True),
        (REAL, REAL, {"keep": True}, True, True),
        (REAL, REAL, {"fresh": True}, False, False),
        (REAL, OTHER, {"fresh": True}, False, False),
        (REAL, SANDBOXES, {"fresh": True}, False, False),
    ],
)
def test_what_was_synced_with_real_systems_is_kept_and_the_rest_begins_again(
    tmp_path: Path,
    held: dict[str, str] | None,
    now: dict[str, str],
    options: dict[str, bool],
    known: bool,
    kept: bool,
) -> None:
    folder = folder_with(tmp_path / "data", held)
    assert prepare(folder, now, RunOptions(folder.path, **options)) is known
    assert (folder.path / "node").exists() is kept


@pytest.mark.parametrize(
    ("now", "known", "kept"), [(REAL, False, True), (OTHER, False, False), (SANDBOXES, False, False)]
)
def test_what_was_only_planned_is_gone_on_with_or_forgotten(
    tmp_path: Path, now: dict[str, str], known: bool, kept: bool
) -> None:
    folder = folder_with(tmp_path / "data", REAL, written=False)
    assert prepare(folder, now, RunOptions(folder.path)) is known
    assert (folder.path / "node").exists() is kept


@pytest.mark.parametrize(
    ("held", "now", "options"),
    [
        (REAL, OTHER, {}),
        (REAL, SANDBOXES, {}),
        (REAL, OTHER, {"keep": True}),
        (SANDBOXES, REAL, {"keep": True}),
    ],
)
def test_the_data_of_other_systems_is_never_taken_for_theirs(
    tmp_path: Path, held: dict[str, str], now: dict[str, str], options: dict[str, bool]
) -> None:
    folder = folder_with(tmp_path / "data", held)
    with pytest.raises(BadSetting, match="other systems.*FRESH=1"):
        prepare(folder, now, RunOptions(folder.path, **options))
    assert (folder.path / "node" / "datasets.db").exists()


@pytest.mark.parametrize(
    ("site", "data", "real_erp", "is_refused"),
    [
        ("acme", "demo", False, True),
        ("acme-test", "demo", False, False),
        ("acme", "empty", False, False),
        ("acme", "demo", True, False),
    ],
)
def test_invented_people_do_not_get_into_a_live_site(
    tmp_path: Path, site: str, data: str, real_erp: bool, is_refused: bool
) -> None:
    settings = StackSettings(
        free_ports(), tmp_path, data, real_erp, real_chargebee=True, environment={"CHARGEBEE_SITE": site}
    )
    if is_refused:
        with pytest.raises(BadSetting, match="not a test site"):
            refuse_invented_people(settings)
    else:
        refuse_invented_people(settings)


def test_a_process_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    (tmp_path / "lock").write_text(f'{{"pid": {gone.pid}, "who": "it"}}')
    said: list[str] = []
    with DataFolder(tmp_path).use("me", said.append):
        pass
    assert said and wait_until(lambda: (tmp_path / "lock").read_text() == "")
