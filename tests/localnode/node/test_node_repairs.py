"""What a person does about dead letters and tripped breakers, with the commands they have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localnode.node.node_support import Server
from tests.support.commands import localnode
from tests.support.plain import PLAIN

INPUT: dict[str, Any] = {"_id": "input", "type": "pipe", "source": {"type": "http_endpoint"}}


def strict(limit: int) -> dict[str, Any]:
    """A pipe that cannot process an `n` above `limit`, and lays such entities aside at once."""
    return {
        "_id": "strict",
        "type": "pipe",
        "source": {"type": "dataset", "dataset": "input"},
        "transform": {
            "type": "dtl",
            "rules": {"default": [["copy", "*"], ["if", ["gt", "_S.n", limit], ["fail!", "too much"]]]},
        },
        "pump": {
            "max_write_errors_in_retry_dataset": 10,
            "max_consecutive_write_errors": 10,
            "max_retries_per_entity": 0,
            "dead_letter_dataset": "strict-dead",
            "track_dead_letters": True,
        },
    }


def command(server: Server, *words: str) -> Any:
    return localnode(*words, "--node", server.url)


def run(server: Server) -> dict[str, Any]:
    params = "request_mode=sync&reset_pipes_and_delete_sink_datasets=False"
    return dict(server.json("POST", f"/pipes/run-all-pipes?{params}"))


def upload(server: Server, *entities: dict[str, Any]) -> None:
    server.json("PUT", "/config", json=[*entities, PLAIN])


def ids(server: Server, dataset: str) -> set[str]:
    return {
        each["_id"]
        for each in server.json("GET", f"/datasets/{dataset}/entities?history=false&deleted=false")
    }


@pytest.fixture(autouse=True)
def ten_entities(server: Server) -> None:
    upload(server, INPUT, strict(5))
    server.json("POST", "/receivers/input/entities", json=[{"_id": f"e{n}", "n": n} for n in range(10)])


def test_dead_letters_say_why_and_hold_up_nobody(server: Server) -> None:
    run(server)
    assert ids(server, "strict") == {f"e{n}" for n in range(6)}
    assert ids(server, "strict-dead") == {f"e{n}" for n in range(6, 10)}
    listed = command(server, "dead-letters")
    assert listed.returncode == 1
    assert len(listed.stdout.splitlines()) == 4
    assert "strict e7: after 0 retries: " in listed.stdout and "too much" in listed.stdout


def test_a_dead_letter_goes_when_its_entity_changes_for_the_better(server: Server) -> None:
    run(server)
    server.json("POST", "/receivers/input/entities", json=[{"_id": "e7", "n": 1}])
    run(server)
    assert "e7" in ids(server, "strict")
    assert ids(server, "strict-dead") == {"e6", "e8", "e9"}


def test_once_the_config_is_right_one_command_retries_one_or_all(server: Server) -> None:
    run(server)
    upload(server, INPUT, strict(100))
    run(server)
    assert len(ids(server, "strict-dead")) == 4, "they do not come back by themselves"
    one = command(server, "retry", "strict", "e9")
    assert (one.returncode, one.stdout) == (0, "strict: 1 to be tried again\n"), one.stderr
    run(server)
    assert "e9" in ids(server, "strict")
    assert ids(server, "strict-dead") == {"e6", "e7", "e8"}
    everything = command(server, "retry")
    assert everything.stdout == "strict: 3 to be tried again\n", everything.stderr
    run(server)
    assert ids(server, "strict") == {f"e{n}" for n in range(10)}
    assert command(server, "dead-letters").returncode == 0
    assert command(server, "retry").stdout == "no dead letters\n"


def test_what_is_still_wrong_is_buried_again(server: Server) -> None:
    run(server)
    assert command(server, "retry", "strict").returncode == 0
    run(server)
    assert ids(server, "strict-dead") == {f"e{n}" for n in range(6, 10)}


def test_the_newest_version_of_an_entity_is_tried(server: Server) -> None:
    """A later version has failed as well: it, not the first, is tried again."""
    run(server)
    server.json("POST", "/receivers/input/entities", json=[{"_id": "e7", "n": 50}])
    run(server)
    upload(server, INPUT, strict(100))
    command(server, "retry", "strict", "e7")
    run(server)
    assert server.json("GET", "/datasets/strict/entity?entity_id=e7")["n"] == 50


def test_a_letter_that_is_not_there_is_named(server: Server) -> None:
    run(server)
    refused = command(server, "retry", "strict", "e1")
    assert refused.returncode == 1
    assert "has no dead letter e1" in refused.stderr


def test_a_breaker_is_listed_looked_into_and_rolled_back(server: Server) -> None:
    guarded = {
        "_id": "guarded",
        "type": "pipe",
        "source": {"type": "dataset", "dataset": "input"},
        "sink": {"type": "dataset", "dataset": "guarded", "circuit_breaker_threshold_count": 3},
    }
    upload(server, INPUT, guarded)
    assert run(server)["status"] == "success"
    assert command(server, "breakers").returncode == 0
    server.json("POST", "/receivers/input/entities", json=[{"_id": f"e{n}", "n": -n - 1} for n in range(4)])
    result = run(server)
    reason = json.dumps(result)
    assert result["status"] == "failed" and "commit guarded" in reason and "commit-circuit-breaker" in reason
    listed = command(server, "breakers")
    assert listed.returncode == 1 and "guarded: 4 uncommitted" in listed.stdout
    held = json.loads(command(server, "entities", "guarded", "--uncommitted").stdout)
    assert [each["n"] for each in held] == [-1, -2, -3, -4]
    assert command(server, "rollback", "guarded").stdout == "guarded: 4 rolled back\n"
    assert [each["n"] for each in server.json("GET", "/datasets/guarded/entities")] == list(range(10))
    again = command(server, "rollback", "guarded")
    assert again.returncode == 1 and "not tripped" in again.stderr
