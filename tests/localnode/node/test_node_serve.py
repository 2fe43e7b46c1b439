"""The node as a process: who may call, how it stops, what survives, what the command line says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from localnode.cli.main import main
from localnode.node.folder import STORE_FILE
from localnode.store import Store
from tests.localnode.node.node_support import zipped
from tests.support.commands import localnode as command
from tests.support.plain import PLAIN
from tests.support.processes import ROOT, free_port, wait_until

INPUT = {
    "_id": "in",
    "type": "pipe",
    "source": {"type": "embedded", "entities": [{"_id": str(n), "n": n} for n in range(3)]},
}
DOUBLE = {
    "_id": "double",
    "type": "pipe",
    "source": {"type": "dataset", "dataset": "in"},
    "transform": {"type": "dtl", "rules": {"default": [["copy", "_id"], ["add", "n", ["*", "_S.n", 2]]]}},
}


def cli(*arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localnode", *arguments],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **env},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config folder with two pipes."""
    root = tmp_path / "config"
    (root / "pipes").mkdir(parents=True)
    for entity in (INPUT, DOUBLE):
        (root / "pipes" / f"{entity['_id']}.conf.json").write_text(json.dumps(entity))
    (root / "node-metadata.conf.json").write_text(json.dumps(PLAIN))
    (root / "test-env.json").write_text('{"node-env": "test"}')
    return root


def test_tokens_and_requests_beyond_the_limit(serve_node):
    with serve_node(env={"NODE_OPEN_LOOPBACK": "false", "NODE_MAX_BODY_BYTES": "2000"}) as server:
        text = (server.data / ".syncconfig").read_text()
        assert f'NODE="{server.url}"' in text
        assert (server.data / ".syncconfig").stat().st_mode & 0o077 == 0
        token = text.split('JWT="')[1].split('"')[0]
        assert server.call("GET", "/pipes").status_code == 401
        assert server.call("GET", "/pipes", headers={"Authorization": f"Bearer {token}x"}).status_code == 401
        mine = {"Authorization": f"Bearer {token}"}
        assert server.call("GET", "/pipes", headers=mine).status_code == 200
        assert server.call("GET", "/ping").status_code == 200
        answer = server.call("PUT", "/env", headers=mine, json={"x": "y" * 3000})
        assert answer.status_code == 413 and answer.headers["Content-Type"] == "application/problem+json"


def test_loopback_needs_no_token_but_pages_of_other_origins_do(server):
    assert server.call("GET", "/pipes").status_code == 200
    assert server.call("GET", "/pipes", headers={"Origin": server.url}).status_code == 200
    assert server.call("GET", "/pipes", headers={"Origin": "http://evil.example"}).status_code == 401
    assert server.call("GET", "/pipes", headers={"Host": "evil.example"}).status_code == 401


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_in_seconds_even_while_a_run_blocks(tmp_path, sign):
    port = free_port()
    command = [sys.executable, "-m", "localnode", "serve", "--port", str(port), "--data", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        assert child.stdout is not None and "node at" in child.stdout.readline()
        endless = {**INPUT, "_id": "endless", "batch_size": 1}
        endless["source"] = {"type": "embedded", "entities": [{"_id": str(n)} for n in range(20000)]}
        import requests

        url = f"http://127.0.0.1:{port}/api"
        files = {"file": ("config", zipped([endless]), "application/zip")}
        assert requests.put(f"{url}/config", files=files, timeout=60).ok
        requests.post(f"{url}/pipes/run-all-pipes", params={"request_mode": "async"}, timeout=60)
        wait_until(lambda: requests.get(f"{url}/status", timeout=60).json()["running_pipes"])
        child.send_signal(sign)
        assert child.wait(60) == 0
    with closing(Store(tmp_path / STORE_FILE)) as store:
        assert store.dataset("endless").info().live < 20_000, "it did not wait for the run"


def test_what_was_synced_survives_a_kill(serve_node, tmp_path):
    with serve_node("--no-schedule") as server:
        files = {"file": ("config", zipped([INPUT, DOUBLE, PLAIN]), "application/zip")}
        server.json("PUT", "/config", files=files)
        server.json("POST", "/pipes/run-all-pipes")
        data = server.data
        os.killpg(server.pid, signal.SIGKILL)
        wait_until(lambda: not _locked(data), what="the killed node gone")
    with serve_node("--no-schedule", data=data) as again:
        assert [e["n"] for e in again.json("GET", "/datasets/double/entities")] == [0, 2, 4]
        result = again.json(
            "POST", "/pipes/run-all-pipes", params={"reset_pipes_and_delete_sink_datasets": "False"}
        )
        assert result["status"] == "success" and result["additional_info"]["changes"] == 0


def _locked(data: Path) -> bool:
    from localnode.errors import Conflict
    from localnode.node.folder import DataFolder

    try:
        DataFolder(data).close()
    except Conflict:
        return True
    return False


def test_a_data_folder_has_one_node(server):
    second = command("serve", "--port", str(free_port()), "--data", str(server.data))
    assert second.returncode == 1 and "another node uses" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "env", "word"),
    [
        (["--system", "nonsense"], {}, "nonsense"),
        (["--port", "99999"], {}, "--port"),
        ([], {"NODE_PORT": "x"}, "NODE_PORT"),
        ([], {"NODE_SYSTEMS": "a=ftp://x"}, "a=ftp://x"),
        ([], {"NODE_OPEN_LOOPBACK": "maybe"}, "NODE_OPEN_LOOPBACK"),
        (["--config", "/does/not/exist"], {}, "/does/not/exist"),
    ],
)
def test_wrong_settings_stop_it_with_a_line_that_names_them(
    tmp_path, monkeypatch, capsys, arguments, env, word
):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert main(["serve", "--data", str(tmp_path), *arguments]) == 2
    assert word in capsys.readouterr().err


def test_a_config_with_errors_stops_it_and_says_what_is_wrong(tmp_path, folder):
    (folder / "pipes" / "bad.conf.json").write_text(
        '{"_id": "bad", "type": "pipe", "source": {"type": "nope"}}'
    )
    ended = cli("serve", "--port", str(free_port()), "--data", str(tmp_path / "d"), "--config", str(folder))
    assert ended.returncode == 1
    assert "bad" in ended.stderr and "unknown source type" in ended.stderr and "Traceback" not in ended.stderr


def test_serve_with_a_config_folder_schedules_by_itself(serve_node, folder):
    eager = {**INPUT, "pump": {"run_at_startup": True, "schedule_interval": 3000}}
    (folder / "pipes" / "in.conf.json").write_text(json.dumps(eager))
    with serve_node("--config", str(folder)) as server:
        wait_until(lambda: server.call("GET", "/datasets/double/entities").text.count('"n"') == 3)


def test_commands_against_a_node(server, folder):
    to = ("--node", server.url)
    uploaded = command("upload", str(folder), *to)
    assert uploaded.returncode == 0 and "2 pipes" in uploaded.stdout, uploaded.stderr
    assert server.json("GET", "/env") == {"node-env": "test"}
    ran = command("run", *to)
    assert ran.returncode == 0 and "success: 6 changes" in ran.stdout
    again = json.loads(command("run", "--json", *to).stdout)
    assert again["additional_info"]["changes"] == 0
    reset = json.loads(command("run", "--json", "--reset", *to).stdout)
    assert reset["additional_info"]["changes"] == 6
    status = command("status", *to)
    assert status.returncode == 0 and "double" in status.stdout and "success" in status.stdout
    listed = json.loads(command("entities", "double", *to).stdout)
    assert [entity["n"] for entity in listed] == [0, 2, 4]
    logged = json.loads(command("entities", "system:pump_execution:double", "--limit", "1", *to).stdout)
    assert len(logged) == 1
    made = command("transform", "double", *to, stdin='[{"_id": "x", "n": 21}]')
    assert json.loads(made.stdout) == [{"_id": "x", "n": 42}]
    assert command("entities", "nobody", *to).returncode == 1
    failing = {**DOUBLE, "transform": {"type": "dtl", "rules": {"default": [["fail!", "no good"]]}}}
    (folder / "pipes" / "double.conf.json").write_text(json.dumps(failing))
    assert command("upload", str(folder), *to).returncode == 0
    broken = command("run", "--reset", *to)
    assert broken.returncode == 1 and "double" in broken.stdout and "no good" in broken.stdout
    assert command("status", *to).returncode == 1
    (folder / "pipes" / "double.conf.json").write_text('{"_id": "double",\n "type": pipe}')
    refused = command("upload", str(folder), *to)
    assert refused.returncode == 1 and "pipes/double.conf.json, line 2, column" in refused.stderr


def test_commands_without_a_node_say_so():
    ended = cli("status", "--node", f"http://127.0.0.1:{free_port()}")
    assert ended.returncode == 1 and "does not answer" in ended.stderr and "Traceback" not in ended.stderr


def test_transform_offline_with_datasets_for_hops(tmp_path, folder):
    hop = {
        "_id": "hop",
        "type": "pipe",
        "source": {"type": "dataset", "dataset": "in"},
        "transform": {
            "type": "dtl",
            "rules": {
                "default": [
                    ["copy", "*"],
                    [
                        "add",
                        "name",
                        [
                            "hops",
                            {"datasets": ["names n"], "where": [["eq", "_S.n", "n._id"]], "return": "n.name"},
                        ],
                    ],
                ]
            },
        },
    }
    (folder / "pipes" / "hop.conf.json").write_text(json.dumps(hop))
    (tmp_path / "names.json").write_text('[{"_id": "7", "name": "seven"}]')
    made = command(
        "transform", "hop", "--config", str(folder), "--dataset", f"names={tmp_path / 'names.json'}",
        stdin='{"_id": "x", "n": "7"}',
    )  # fmt: skip
    assert json.loads(made.stdout) == [{"_id": "x", "n": "7", "name": ["seven"]}], made.stderr
    assert command("transform", "nobody", "--config", str(folder), stdin="[]").returncode == 1
    assert command("transform", "hop", "--config", str(folder), stdin="[").returncode == 2


def test_dtl_cases():
    case = {
        "id": "c",
        "rules": {"default": [["copy", "_id"], ["add", "x", ["+", 1, 2]]]},
        "source": [{"_id": "a"}],
    }
    ended = command("dtl", stdin=json.dumps([case]))
    assert ended.returncode == 0
    assert json.loads(ended.stdout)[0]["output"][0]["x"] == 3


@pytest.mark.parametrize(
    "words", [[], ["serve"], ["upload"], ["run"], ["status"], ["entities"], ["dtl"], ["transform"]]
)
def test_every_command_has_help(capsys, words):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0 and len(capsys.readouterr().out) > 100


def test_unknown_commands_are_wrong_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["no-such-command"])
    assert ended.value.code == 2
