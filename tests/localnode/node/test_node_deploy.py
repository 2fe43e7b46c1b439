"""What real projects upload: variables that are not defined, components that only a hosted node has, schedules from the
environment. Everything else runs, and an upload is all or nothing."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from flask.testing import FlaskClient

from localnode.config import SettingsStore
from localnode.config.resolve import resolve
from localnode.node import Node
from localnode.pipes import Pipe
from localnode.scheduler import Scheduler
from tests.support.plain import PLAIN

ROWS = [{"_id": "1", "n": 1}]
IN = {"_id": "in", "type": "pipe", "source": {"type": "embedded", "entities": ROWS}}
DB = {"_id": "db", "type": "system:mssql", "host": "$ENV(db-host)"}
TO_SQL = {
    "_id": "to-sql",
    "type": "pipe",
    "source": {"type": "dataset", "dataset": "in"},
    "transform": {"type": "dtl", "rules": {"default": [["add", "m", ["plus", 1, "_S.n"]]]}},
    "sink": {"type": "sql", "system": "db", "table": "T", "primary_key": ["_id"]},
}
FROM_SQL = {"_id": "from-sql", "type": "pipe", "source": {"type": "sql", "system": "db", "table": "T"}}
READS_IT = {"_id": "reads-it", "type": "pipe", "source": {"type": "dataset", "dataset": "from-sql"}}
HOPS_TO_IT = {
    "_id": "hops-to-it",
    "type": "pipe",
    "source": {"type": "dataset", "dataset": "in"},
    "transform": {
        "type": "dtl",
        "rules": {
            "default": [
                ["add", "x", ["hops", {"datasets": ["from-sql s"], "where": ["eq", "_S._id", "s._id"]}]]
            ]
        },
    },
}


def upload(client: FlaskClient, *entities: dict[str, Any]) -> dict[str, Any]:
    answer = client.put("/api/config", json=[PLAIN, *entities])
    assert answer.status_code == 200, answer.json
    return {e["posted-config"]["_id"]: e["config-errors"] for e in answer.json["validation_errors"]}


def run_all(client: FlaskClient) -> dict[str, Any]:
    path = "/api/pipes/run-all-pipes?request_mode=sync&reset_pipes_and_delete_sink_datasets=False"
    return dict(client.post(path).json)


def runtime(client: FlaskClient, pipe: str) -> dict[str, Any]:
    return dict(client.get(f"/api/pipes/{pipe}").json["runtime"])


class TestNotRunnableHere:
    """Pipes that name what this node has not."""

    def test_they_are_deployed_and_everything_else_runs(self, client: FlaskClient) -> None:
        found = upload(client, DB, IN, TO_SQL, FROM_SQL, READS_IT, HOPS_TO_IT)
        for name, kind, place in (("to-sql", "sink", "sink"), ("from-sql", "source", "source")):
            (warning,) = [each for each in found[name] if "not runnable" in each["msg"]]
            assert (warning["level"], warning["elements"]) == ("warning", f"$['{place}']['type']")
            assert f'the {kind} type "sql" is not available on this node' in warning["msg"]
            state = runtime(client, name)
            assert state["is-valid-config"] is True and state["not-runnable"] == warning["msg"]
            assert state["next-run"] is None
        result = run_all(client)
        assert result["status"] == "success", result
        told = {each["pipe"] for each in result["additional_info"]["not_runnable_pipes"]}
        assert told == {"to-sql", "from-sql"}
        assert client.get("/api/status").json["not_runnable_pipes"] == ["to-sql", "from-sql"]
        assert [e["_id"] for e in client.get("/api/datasets/in/entities").json] == ["1"]

    def test_what_their_transforms_make_can_be_looked_at(self, client: FlaskClient) -> None:
        upload(client, DB, IN, TO_SQL)
        run_all(client)
        for stage in ("", "?stage=sink", "?stage=after-transforms"):
            (entity,) = client.get(f"/api/pipes/to-sql/entities{stage}").json
            assert entity["m"] == 2
        (entity,) = client.post("/api/pipes/to-sql/transform", json=[{"_id": "7", "n": 8}]).json
        assert entity["m"] == 9

    def test_a_sink_that_is_not_here_takes_namespaces_off_as_a_hosted_one(self, client: FlaskClient) -> None:
        for sink in ("sql", "mail", "elasticsearch"):
            pipe = {**TO_SQL, "namespaced_identifiers": True, "sink": {"type": sink}}
            upload(client, {**IN, "namespaced_identifiers": True}, {**pipe, "transform": []})
            run_all(client)
            (entity,) = client.get("/api/pipes/to-sql/entities").json
            assert entity["_id"] == "1" and entity["n"] == 1

    def test_started_by_hand_they_say_why(self, client: FlaskClient) -> None:
        upload(client, DB, IN, TO_SQL)
        assert client.post("/api/pipes/to-sql/pump", data={"operation": "start"}).status_code == 200
        for _ in range(200):
            if runtime(client, "to-sql").get("last-status"):
                break
        state = runtime(client, "to-sql")
        assert state["last-status"] == "not-runnable" and "not available" in state["last-message"]

    def test_what_cannot_be_read_is_refused_with_the_reason(self, client: FlaskClient) -> None:
        upload(client, DB, FROM_SQL)
        answer = client.get("/api/pipes/from-sql/entities?stage=source")
        assert answer.status_code == 503 and "not available on this node" in answer.json["detail"]

    def test_their_test_alternative_runs(self, client: FlaskClient) -> None:
        source = {
            "type": "conditional",
            "condition": "$ENV(node-env)",
            "alternatives": {"prod": FROM_SQL["source"], "test": IN["source"]},
        }
        client.put("/api/env", json={"node-env": "test"})
        assert "from-sql" not in upload(client, DB, {**FROM_SQL, "source": source})
        assert run_all(client)["additional_info"]["not_runnable_pipes"] == []
        assert len(client.get("/api/datasets/from-sql/entities").json) == 1

    def test_every_documented_type_is_known_and_no_other(self, client: FlaskClient) -> None:
        for kind, names in {
            "source": ["binary", "csv", "kafka", "ldap", "rdf", "sdshare", "sparql", "sql"],
            "sink": [
                "elasticsearch",
                "kafka",
                "mail",
                "sdshare",
                "sms",
                "solr",
                "sparql",
                "sql",
                "excel_endpoint",
            ],
        }.items():
            for name in names:
                config = resolve([{**IN, kind: {"type": name, "anything": 1}}], {})
                assert config.pipes["in"].valid and config.pipes["in"].not_runnable, name
        transform = resolve([{**IN, "transform": [{"type": "rdf"}]}], {}).pipes["in"]
        assert transform.valid and transform.not_runnable
        assert not resolve([{**IN, "sink": {"type": "sqll"}}], {}).pipes["in"].valid


class TestUndefinedVariables:
    """A warning at upload, an error of that pipe when it runs."""

    @pytest.mark.parametrize(
        ("more", "place"),
        [
            ({"pump": {"cron_expression": "$ENV(x)"}}, "['pump']['cron_expression']"),
            ({"pump": {"schedule_interval": "$ENV(x)"}}, "['pump']['schedule_interval']"),
            ({"batch_size": "$ENV(x)"}, "['batch_size']"),
            ({"source": {"type": "embedded", "entities": "$ENV(x)"}}, "['source']['entities']"),
            ({"source": {"type": "conditional", "condition": "$ENV(x)", "alternatives": {"a": {}}}}, "['source']['condition']"),
            ({"sink": {"type": "dataset", "dataset": "a$ENV(x)"}}, "['sink']['dataset']"),
            ({"transform": {"type": "dtl", "rules": {"default": [["add", "$ENV(x)", 1]]}}}, "['transform']['rules']['default'][0][1]"),
            ({"transform": {"type": "dtl", "rules": {"default": [["add", "y", ["substring", "$ENV(x)", "a"]]]}}}, "['transform']['rules']['default'][0][2][1]"),
            ({"$conditional_properties": {"condition": "$ENV(x)", "alternatives": {}}}, "['$conditional_properties']['condition']"),
        ],
    )  # fmt: skip
    def test_in_a_pipe(self, client: FlaskClient, more: dict[str, Any], place: str) -> None:
        found = upload(client, IN, {**IN, "_id": "p", **more})
        assert [(each["level"], each["elements"]) for each in found["p"]] == [("warning", f"${place}")]
        result = run_all(client)
        (failed,) = result["additional_info"]["failed_pipes"]
        assert (
            failed["pipe"] == "p" and '"x" is not defined' in failed["reason"] and place in failed["reason"]
        )
        assert len(client.get("/api/datasets/in/entities").json) == 1, "the others run"
        assert client.put("/api/env", json={"x": "1"}).status_code == 200

    def test_what_the_pipe_makes_can_be_looked_at_where_the_variable_does_not_matter(
        self, client: FlaskClient
    ) -> None:
        pipe = {
            **TO_SQL,
            "sink": {"type": "json", "system": "svc", "url": "$ENV(x)"},
            "pump": {"cron_expression": "$ENV(y)"},
        }
        upload(client, IN, {"_id": "svc", "type": "system:microservice"}, pipe)
        run_all(client)
        assert client.get("/api/pipes/to-sql/entities").json[0]["m"] == 2
        upload(client, IN, {**IN, "_id": "p", "source": {"type": "embedded", "entities": "$ENV(x)"}})
        answer = client.get("/api/pipes/p/entities?stage=source")
        assert answer.status_code == 400 and '"x" is not defined' in answer.json["detail"]

    def test_in_a_system(self, client: FlaskClient) -> None:
        system = {
            "_id": "s",
            "type": "system:url",
            "url_pattern": "$ENV(url)",
            "username": "$ENV(user)",
            "read_timeout": "$ENV(t)",
        }
        docker = {
            "_id": "mm",
            "type": "system:microservice",
            "docker": {"image": "i", "port": 1, "environment": {"A": "$ENV(a)"}},
        }
        pipe = {**IN, "_id": "p", "source": {"type": "json", "system": "s", "url": "/"}}
        found = upload(client, IN, system, docker, pipe)
        assert {each["level"] for each in [*found["s"], *found["mm"]]} == {"warning"}
        (failed,) = run_all(client)["additional_info"]["ignored_pipes"]
        assert failed["pipe"] == "p" and 'system "s": the environment variable ' in failed["reason"]
        assert client.get("/api/pipes/p/entities?stage=source").status_code == 503

    def test_where_it_has_no_effect_it_stops_nothing(self, client: FlaskClient) -> None:
        found = upload(client, {**IN, "comment": "of $ENV(x)", "metadata": {"a": "$ENV(x)"}})
        assert len(found["in"]) == 2
        assert run_all(client)["status"] == "success"

    def test_other_mistakes_are_errors_all_the_same(self, client: FlaskClient) -> None:
        pipe = {**IN, "batch_size": "x", "pump": {"cron_expression": "$ENV(x)", "mode": "odd"}}
        answer = client.put("/api/config", json=[pipe])
        assert answer.status_code == 400
        levels = {e["elements"]: e["level"] for e in answer.json["validation_errors"][0]["config-errors"]}
        assert levels == {
            "$['pump']['cron_expression']": "warning",
            "$['batch_size']": "error",
            "$['pump']['mode']": "error",
        }

    def test_once_it_is_defined_the_pipe_runs_and_once_it_is_gone_it_fails(self, client: FlaskClient) -> None:
        upload(client, {**IN, "pump": {"schedule_interval": "$ENV(every)"}})
        for variables, status in (({"every": 900}, "success"), ({}, "failed"), ({"every": 7200}, "success")):
            assert client.put("/api/env", json=variables).status_code == 200
            assert run_all(client)["status"] == status


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_a_source_dataset_that_nobody_writes_is_warned_of_and_empty(client: FlaskClient, name: str) -> None:
    found = upload(client, IN, {"_id": "p", "type": "pipe", "source": {"type": "dataset", "dataset": name}})
    (warning,) = found["p"]
    assert warning["level"] == "warning" and f'the dataset "{name}", which no pipe writes' in warning["msg"]
    assert run_all(client)["status"] == "success"
    assert client.get("/api/datasets/p/entities").json == []


def test_a_schedule_from_the_environment_decides_about_signals(client: FlaskClient, node: Node) -> None:
    reader = {"_id": "r", "type": "pipe", "source": {"type": "dataset", "dataset": "in"}}
    client.put("/api/env", json={"often": 60, "seldom": 7200})
    for name, signalled in (("often", True), ("seldom", False)):
        upload(client, IN, {**reader, "pump": {"schedule_interval": f"$ENV({name})"}})
        assert ("r" in node.scheduler._readers.get("in", ())) is signalled


@pytest.mark.parametrize(
    "where", [(Pipe, "on_load"), (Scheduler, "configure"), (SettingsStore, "_transaction")]
)
def test_an_upload_that_breaks_off_changes_nothing(
    client: FlaskClient, node: Node, where: tuple[Any, str]
) -> None:
    reader = {"_id": "old", "type": "pipe", "source": {"type": "dataset", "dataset": "in"}}
    upload(client, {**IN, "comment": "built again with $ENV(a)"}, reader)
    run_all(client)
    before = (client.get("/api/config").json, client.get("/api/env").json)
    times = [True]

    def breaks(*args: Any) -> Any:
        if times and times.pop():
            raise RuntimeError("no more room")
        return original(*args)

    for method, path, body in (
        ("PUT", "/api/config", [PLAIN, {**IN, "_id": "new"}]),
        ("PUT", "/api/env", {"a": 1}),
    ):
        original = getattr(*where)
        times[:] = [True]
        with mock.patch.object(*where, breaks):
            assert client.open(path, method=method, json=body).status_code == 500
        assert (client.get("/api/config").json, client.get("/api/env").json) == before
        assert {pipe["_id"] for pipe in client.get("/api/pipes").json} == {"in", "old"}
        assert len(client.get("/api/datasets/old/entities").json) == 1
        assert run_all(client)["status"] == "success"


def test_without_metadata_names_have_namespaces_as_on_a_hosted_node(client: FlaskClient) -> None:
    assert client.put("/api/config", json=[IN]).status_code == 200
    run_all(client)
    (entity,) = client.get("/api/datasets/in/entities").json
    assert entity["_id"] == "in:1" and entity["in:n"] == 1
    assert client.get("/api/metadata").json["config"]["effective"]["namespaced_identifiers"] is True
    assert client.put("/api/config", json=[IN, {"_id": "node", "type": "metadata"}]).status_code == 200
    run_all(client)
    live = client.get("/api/datasets/in/entities?deleted=false&history=false").json
    assert [entity["_id"] for entity in live] == ["1"]
