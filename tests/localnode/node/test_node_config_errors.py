"""What an upload is told about its mistakes: place, level, message; and that nothing changes when it is refused."""

import pytest

from localnode.config import InvalidConfig
from localnode.config.resolve import require_valid, resolve

EMBEDDED = {"type": "embedded", "entities": []}


def pipe(**more):
    return {"_id": "p", "type": "pipe", "source": EMBEDDED, **more}


def findings(*entities, env=None, secrets=None):
    config = resolve(entities, env or {}, secrets)
    return [(c.id, p.level, p.elements, p.msg) for c in config.components for p in c.problems]


def dtl(*steps):
    return {"type": "dtl", "rules": {"default": list(steps)}}


@pytest.mark.parametrize(
    ("wrong", "place", "words"),
    [
        (
            {"source": {"type": "embeded", "entities": []}},
            "$['source']['type']",
            ['unknown source type "embeded"', '"embedded"'],
        ),
        ({"source": {"type": "embedded"}}, "$['source']", ['"entities" is missing']),
        ({"source": {}}, "$['source']", ['no "type"']),
        ({"source": []}, "$['source']", ["must be object"]),
        ({"sink": {"type": "datset"}}, "$['sink']['type']", ["unknown sink type", '"dataset"']),
        ({"sink": {"type": "csv_endpoint"}}, "$['sink']", ['"columns"']),
        ({"batch_size": "x"}, "$['batch_size']", ["must be integer, not 'x'"]),
        ({"pump": {"cron_expression": "x"}}, "$['pump']['cron_expression']", ["not a cron expression"]),
        ({"pump": {"mode": "auto"}}, "$['pump']['mode']", ['"scheduled", "manual", "off"']),
        (
            {"pump": {"rescan_run_count": 2, "rescan_cron_expression": "0 1 * * ?"}},
            "$['pump']['rescan_run_count']",
            ["exclude each other"],
        ),
        ({"transform": dtl(["ad", "x", 1])}, "$['transform']['rules']['default'][0][0]", ['"ad"', '"add"']),
        (
            {"transform": [dtl(["copy", "*"]), dtl(["add", "y", ["lowr", "_S.x"]])]},
            "$['transform'][1]['rules']['default'][0][2][0]",
            ['unknown function "lowr"'],
        ),
        ({"transform": {"type": "dtl", "rules": {}}}, "$['transform']['rules']", ['"default"']),
        ({"transform": [{"type": "htpp"}]}, "$['transform'][0]['type']", ['"http"']),
        (
            {"transform": {"type": "chained", "transforms": [{"type": "htpp"}]}},
            "$['transform']['transforms'][0]['type']",
            ['"http"'],
        ),
        (
            {"source": {"type": "json", "system": "nobody", "url": "/"}},
            "$['source']['system']",
            ['unknown system "nobody"'],
        ),
        (
            {"transform": {"type": "http", "system": "nobody", "url": "/"}},
            "$['transform']['system']",
            ['unknown system "nobody"'],
        ),
        ({"namespaces": 3}, "$['namespaces']", ["must be object"]),
        ({"_id": "a/b"}, "$['_id']", ["a/b"]),
    ],
)
def test_errors_name_the_place_and_the_nearest_known_name(wrong, place, words):
    found = findings(pipe(**wrong))
    assert [(level, elements) for _, level, elements, _ in found] == [("error", place)]
    for word in words:
        assert word in found[0][3]


@pytest.mark.parametrize(
    ("odd", "place", "known"),
    [
        ({"bach_size": 1}, "$['bach_size']", '"batch_size"'),
        ({"source": {**EMBEDDED, "entites": []}}, "$['source']['entites']", '"entities"'),
        (
            {"sink": {"type": "dataset", "set-initial-offset": "onload"}},
            "$['sink']['set-initial-offset']",
            '"set_initial_offset"',
        ),
        ({"pump": {"schedule_intervall": 1}}, "$['pump']['schedule_intervall']", '"schedule_interval"'),
        ({"compaction": {"keep_version": 2}}, "$['compaction']['keep_version']", '"keep_versions"'),
        ({"namespaces": {"identiti": "x"}}, "$['namespaces']['identiti']", '"identity"'),
        (
            {"transform": {**dtl(["copy", "*"]), "id_requird": False}},
            "$['transform']['id_requird']",
            '"id_required"',
        ),
        (
            {"transform": {"type": "chained", "transforms": [{**dtl(), "rulez": 1}]}},
            "$['transform']['transforms'][0]['rulez']",
            '"rules"',
        ),
        (
            {
                "transform": dtl(
                    [
                        "add",
                        "y",
                        ["hops", {"datasets": ["p o"], "where": ["eq", "_S.x", "o.y"], "retrun": "o"}],
                    ]
                )
            },
            "$['transform']['rules']['default'][0][2][1]['retrun']",
            '"return"',
        ),
    ],
)
def test_unknown_properties_are_warnings_with_the_nearest_known_name(odd, place, known):
    """They must not lose the pipe: public configs have them, and a hosted node takes them."""
    found = findings(pipe(**odd))
    assert [(level, elements) for _, level, elements, _ in found] == [("warning", place)]
    assert known in found[0][3]


def test_a_pipe_with_unknown_properties_runs(client):
    odd = pipe(source={"type": "embedded", "entities": [{"_id": "1"}], "entites": []}, bach_size=1)
    answer = client.put("/api/config", json=[odd])
    assert answer.status_code == 200
    assert {each["level"] for each in answer.get_json()["validation_errors"][0]["config-errors"]} == {
        "warning"
    }
    assert client.post("/api/pipes/run-all-pipes").get_json()["status"] == "success"
    assert len(client.get("/api/datasets/p/entities").get_json()) == 1


def test_missing_source():
    assert findings({"_id": "p", "type": "pipe"})[0][1:] == (
        "error",
        "$",
        '"source" is missing',
    )


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"source": {"type": "dataset", "dataset": "pp"}}, 'reads the dataset "pp"'),
        (
            {
                "transform": dtl(
                    ["add", "y", ["hops", {"datasets": ["other o"], "where": [["eq", "_S.x", "o.y"]]}]]
                )
            },
            'hops to the dataset "other"',
        ),
    ],
)
def test_datasets_that_nobody_writes_are_warnings(more, word):
    found = findings(pipe(**more))
    assert [level for _, level, _, _ in found] == ["warning"] and word in found[0][3]


def test_a_dataset_has_one_writer():
    found = findings(pipe(), {**pipe(sink={"type": "dataset", "dataset": "p"}), "_id": "q"})
    assert [(who, place) for who, _, place, _ in found] == [
        ("p", "$['sink']['dataset']"),
        ("q", "$['sink']['dataset']"),
    ]


def test_dead_alternatives_are_not_checked():
    source = {
        "type": "conditional",
        "condition": "test",
        "alternatives": {"prod": {"type": "json", "system": "nobody", "url": 5}, "test": EMBEDDED},
    }
    assert findings(pipe(source=source)) == []


def test_systems_of_a_hosted_node_are_accepted_and_unknown_types_are_not():
    for known in ("smtp", "mssql", "oracle_tns", "elasticsearch"):
        assert findings({"_id": "other", "type": f"system:{known}", "whatever": [1]}) == []
    assert findings({"_id": "x", "type": "pipes"})[0][3] == 'unknown type "pipes"; did you mean "pipe"?'
    wrong = findings({"_id": "x", "type": "system:mysqll"})
    assert wrong == [
        ("x", "error", "$['type']", 'unknown type "system:mysqll"; did you mean "system:mysql"?')
    ]
    assert findings({"_id": "x", "type": "system"})[0][1] == "error"


@pytest.mark.parametrize(
    ("system", "level", "word"),
    [
        ({"type": "system:url"}, "error", "exactly one of"),
        ({"type": "system:url", "url_pattern": "a", "base_url": "b"}, "error", "exactly one of"),
        ({"type": "system:url", "url_pattern": "a", "hedders": {}}, "warning", '"headers"'),
        ({"type": "system:microservice", "_id": "a.b"}, "error", "a.b"),
        ({"type": "system:microservice", "docker": {"image": "x"}}, "error", '"port"'),
        ({"type": "system:url", "url_pattern": "http://a/", "password": "$SECRET(pw)"}, "warning", '"pw"'),
        (
            {"type": "system:url", "url_pattern": "http://a/", "authentication": "ntlm"},
            "warning",
            "ntlm is not",
        ),
    ],
)
def test_systems(system, level, word):
    found = findings({"_id": "sys", **system})
    assert [each[1] for each in found] == [level] and word in found[0][3]


@pytest.mark.parametrize(
    "system",
    [
        {"_id": "with_underscore", "type": "system:microservice"},
        {"_id": "u", "type": "system:url", "url_pattern": "http://a/", "read_timeout": "~f0.5"},
        {
            "_id": "o",
            "type": "system:url",
            "url_pattern": "http://a/",
            "oauth2": {"client_id": "", "client_secret": "x", "token_url": ""},
        },
        {
            "_id": "t",
            "type": "system:url",
            "url_pattern": "http://a/",
            "tripletex": {"consumer_token": "", "employee_token": "", "token_url": ""},
        },
    ],
)
def test_what_real_systems_have(system):
    assert findings(system) == []


@pytest.mark.parametrize(
    ("config", "place", "value"),
    [
        ({"pump": {"write_retry_delay": "~f0.1"}}, ("pump", "write_retry_delay"), 0.1),
        ({"pump": {"schedule_interval": "~f30"}}, ("pump", "schedule_interval"), 30),
        ({"batch_size": "~f10"}, ("batch_size",), 10),
        (
            {"compaction": {"keep_versions": "~f2", "time_threshold_hours": "~f0.5"}},
            ("compaction", "time_threshold_hours"),
            0.5,
        ),
        (
            {"source": {"type": "json", "system": "s", "url": "/", "page_size": "~f5"}},
            ("source", "page_size"),
            5,
        ),
        (
            {"sink": {"type": "dataset", "max_entity_bytes_size": "~f1000"}},
            ("sink", "max_entity_bytes_size"),
            1000,
        ),
        (
            {"transform": [{"type": "http", "system": "s", "url": "/", "batch_size": "~f7"}]},
            ("transform", 0, "batch_size"),
            7,
        ),
    ],
)
def test_tagged_decimals_are_numbers_where_a_number_is_wanted(config, place, value):
    system = {"_id": "s", "type": "system:microservice"}
    resolved = resolve([pipe(**config), system], {})
    found = resolved.pipes["p"].effective
    for step in place:
        found = found[step]
    assert (type(found), found) == (type(value), value)
    assert resolved.pipes["p"].problems == ()


def test_tagged_decimals_elsewhere_stay_what_they_are():
    rules = dtl(["add", "x", "~f0.1"])
    source = {"type": "embedded", "entities": [{"_id": "1", "n": "~f0.1"}]}
    effective = resolve([pipe(source=source, transform=rules, comment="~f0.1")], {}).pipes["p"].effective
    assert (
        effective["source"] == source and effective["transform"] == rules and effective["comment"] == "~f0.1"
    )
    wrong = findings(pipe(pump={"write_retry_delay": "~fx"}))
    assert [each[1] for each in wrong] == ["error"]


def test_stored_secrets_are_known_and_those_of_containers_do_not_count():
    docker = {"image": "a", "port": 1, "environment": {"KEY": "$SECRET(key)"}}
    system = {"_id": "sys", "type": "system:microservice", "docker": docker, "password": "$SECRET(pw)"}
    assert len(findings(system)) == 1
    assert findings(system, secrets={"sys": {"pw"}}) == [] and findings(system, secrets={"": {"pw"}}) == []


def test_metadata_that_cannot_be_used_is_an_error_and_unknown_parts_a_warning():
    assert findings({"_id": "node", "type": "metadata", "namespaces": {"default": 3}})[0][1] == "error"
    found = findings({"_id": "node", "type": "metadata", "namespaced_identifers": True})
    assert found[0][1] == "warning" and '"namespaced_identifiers"' in found[0][3]


def test_a_refused_config_carries_all_findings():
    config = resolve(
        [pipe(batch_size="x"), {"_id": "q", "type": "pipe", "source": {"type": "dataset", "dataset": "x"}}],
        {},
    )
    with pytest.raises(InvalidConfig) as caught:
        require_valid(config)
    levels = {
        entry["posted-config"]["_id"]: entry["config-errors"][0]["level"]
        for entry in caught.value.validation_errors
    }
    assert levels == {"p": "error", "q": "warning"}


def test_errors_only_found_while_building_refuse_the_upload_too(client):
    merge = {"type": "merge", "version": 2, "datasets": ["a x"], "equality": [["eq", "x.a", "nobody.b"]]}
    answer = client.put("/api/config", json=[pipe(source=merge)])
    assert answer.status_code == 400, answer.get_json()
    errors = answer.get_json()["validation_errors"][0]["config-errors"]
    assert any(error["level"] == "error" for error in errors)
    assert client.get("/api/pipes").get_json() == []


def test_invalid_json_is_answered_with_file_line_and_column(client):
    answer = client.put("/api/config", data=b'[{"_id": "a",\n "x": }]', content_type="application/json")
    assert answer.status_code == 400
    assert "line 2, column 7" in answer.get_json()["detail"]
    assert answer.get_json()["validation_errors"][0]["config-errors"][0]["level"] == "error"
    assert client.put("/api/config").status_code == 400


def test_a_pipe_with_errors_is_kept_by_force_but_does_nothing(client):
    bad = pipe(batch_size="x")
    assert client.put("/api/config?force=True", json=[bad]).status_code == 200
    runtime = client.get("/api/pipes/p").get_json()["runtime"]
    assert runtime["is-valid-config"] is False and runtime["config-errors"][0]["level"] == "error"
    assert client.post("/api/pipes/p/pump", data={"operation": "start"}).status_code == 400
    assert client.get("/api/pipes/p/entities").status_code == 400
    result = client.post("/api/pipes/run-all-pipes").get_json()
    assert result["status"] == "failed" and result["additional_info"]["failed_pipes"][0]["pipe"] == "p"


def test_the_config_circuit_breaker_refuses_to_remove_many_components(client):
    def metadata(breaker):
        return {"_id": "node", "type": "metadata", "global_defaults": {"use_config_circuit_breaker": breaker}}

    many = [{**pipe(), "_id": f"p{number}"} for number in range(12)]
    for breaker, status in ((False, 200), (True, 400)):
        assert client.put("/api/config?force=true", json=[metadata(breaker), *many]).status_code == 200
        answer = client.put("/api/config", json=[metadata(breaker)])
        assert answer.status_code == status, answer.get_json()
    assert "would remove 12 of 13" in answer.get_json()["detail"]
    assert client.put("/api/config", json=[metadata(True), *many[:2]]).status_code == 200
    assert client.put("/api/config?force=true", json=[]).status_code == 200


def test_only_changed_pipes_are_built_again(node):
    other = {"_id": "q", "type": "pipe", "source": EMBEDDED}
    node.replace_entities([pipe(), other], force=False)
    before = {name: each.engine_pipe for name, each in node.pipes.items()}
    node.replace_entities([pipe(batch_size=7), other], force=False)
    assert node.pipe("q").engine_pipe is before["q"]
    assert node.pipe("p").engine_pipe is not before["p"]
    node.put_secrets("", {"a": "b"}, replace=False)
    assert node.pipe("q").engine_pipe is not before["q"]
