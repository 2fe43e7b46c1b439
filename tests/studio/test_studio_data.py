"""What the pages fetch: shapes, paging, search, history, and no secret among it."""

from __future__ import annotations

import time
from importlib import import_module

import pytest
from flask.testing import FlaskClient

from localnode.config import read_directory, read_variables
from localnode.node import Node
from localnode.pipes.execution_log import ExecutionLog
from localnode.pipes.run import RunStopped
from localnode.store import Dataset, WriteOptions
from localnode.studio import browse, cases, names
from tests.studio.conftest import CONFIG, NASTY, pipe
from tests.support.processes import ROOT

PERSON = "/studio/data/datasets/crm-person-collect"


def test_the_flow_has_every_pipe_with_its_state_and_count(client: FlaskClient) -> None:
    flow = client.get("/studio/data/flow").get_json()
    cards = {card["id"]: card for card in flow["pipes"]}
    collect = cards["crm-person-collect"]
    assert (collect["system"], collect["datatype"], collect["stage"]) == ("crm", "person", "collect")
    assert (collect["state"], collect["live"], collect["versions"]) == ("ready", 121, 121)
    assert cards["global-person"]["reads"] == ["crm-person-enrich"] and cards["global-person"]["backlog"] == 0
    assert {cards[each]["concept"] for each in cards if each != "table"} == {"person"}
    assert (cards["table"]["concept"], cards["table"]["stage"], cards["table"]["state"]) == (
        "endpoints",
        "endpoint",
        "ready",
    )
    assert flow["systems"] == ["crm"] and flow["datasets"] == []


def test_an_endpoint_is_never_run_and_never_fails(client: FlaskClient, node: Node) -> None:
    node.signal("global-person")
    node.pipe("table").pump.run()
    assert not node.pipe("table").failed
    assert client.get("/studio/data/node").get_json()["failed"] == []


def test_states_say_what_is_wrong(client: FlaskClient, node: Node) -> None:
    entities = [
        *CONFIG,
        pipe(
            "broken",
            "global-person",
            transform={"type": "dtl", "rules": {"default": [["fail!", "as asked"]]}},
        ),
    ]
    node.replace_entities(
        [*entities, {"_id": "odd", "type": "pipe", "source": {"type": "nothing"}}], force=True
    )
    node.pipe("broken").pump.run()
    node.pipe("global-person").operate("disable", {"comment": "on leave"})
    cards = {card["id"]: card for card in client.get("/studio/data/flow").get_json()["pipes"]}
    assert cards["broken"]["state"] == "failed" and "as asked" in cards["broken"]["reason"]
    assert cards["odd"]["state"] == "invalid" and cards["odd"]["reason"]
    assert (cards["global-person"]["state"], cards["global-person"]["reason"]) == ("disabled", "on leave")


def test_one_pipe_with_its_config(client: FlaskClient) -> None:
    card = client.get("/studio/data/pipes/crm-person-enrich").get_json()
    assert card["comment"] == "adds a clock" and card["readers"] == ["global-person"]
    assert card["config"] == next(each for each in CONFIG if each["_id"] == "crm-person-enrich")
    assert "start-rescan" in card["operations"]
    assert client.get("/studio/data/pipes/none").status_code == 404


def test_datasets_are_listed_by_page(client: FlaskClient) -> None:
    first = client.get("/studio/data/datasets?limit=2").get_json()
    assert [row["id"] for row in first["rows"]] == ["crm-person-collect", "crm-person-enrich"]
    rest = client.get("/studio/data/datasets", query_string={"limit": 2, "after": first["cursor"]}).get_json()
    assert [row["id"] for row in rest["rows"]] == ["global-person"] and rest["cursor"] is None
    assert client.get("/studio/data/datasets?q=GLOBAL").get_json()["total"] == 1
    internal = client.get("/studio/data/datasets?internal=true&limit=200").get_json()
    assert any(row["id"].startswith("system:pump_execution:") for row in internal["rows"])


@pytest.mark.parametrize("order", [{"order": "newest"}, {"order": "id"}])
def test_paging_shows_every_entity_once(client: FlaskClient, order: dict[str, str]) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        more = {} if cursor is None else {"after" if order["order"] == "id" else "before": cursor}
        page = client.get(f"{PERSON}/entities", query_string={**order, **more, "limit": 25}).get_json()
        assert len(page["rows"]) <= 25
        seen += [row["id"] for row in page["rows"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 121
    if order["order"] == "id":
        assert seen == sorted(seen)


def test_pages_have_a_limit(client: FlaskClient) -> None:
    for query in ("limit=201", "limit=0", "limit=x", "order=random", "before=x"):
        assert client.get(f"{PERSON}/entities?{query}").status_code == 400, query


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("p007", ["p007"]),
        ("PERSON 77", ["p077"]),
        ("p11@example", ["p011"]),
        ("%", []),
        ("_", []),
        ('"', [NASTY]),
        ("Peršon", []),
    ],
)
def test_search_finds_ids_and_values(client: FlaskClient, text: str, found: list[str]) -> None:
    page = client.get(f"{PERSON}/search", query_string={"q": text}).get_json()
    assert [row["id"] for row in page["rows"]] == found
    assert page["cursor"] is None and page["searched"] == page["total"] == 121


def test_search_goes_on_where_it_stopped(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "WINDOW", 10)
    monkeypatch.setattr(browse, "SEARCH_SECONDS", 0)
    seen, cursor, calls = [], "", 0
    while cursor is not None:
        monkeypatch.setattr(browse.time, "monotonic", iter([0.0, -1.0, 1.0]).__next__)
        page = client.get(f"{PERSON}/search", query_string={"q": "example.com", "before": cursor}).get_json()
        seen += [row["id"] for row in page["rows"]]
        cursor, calls = page["cursor"], calls + 1
    assert len(seen) == len(set(seen)) == 120 and calls == 13


def test_a_full_page_of_findings_is_followed_by_the_rest(client: FlaskClient) -> None:
    first = client.get(f"{PERSON}/search?q=example.com&limit=50").get_json()
    assert len(first["rows"]) == 50
    rest = client.get(f"{PERSON}/search?q=example.com&limit=200&before={first['cursor']}").get_json()
    ids = [row["id"] for row in (*first["rows"], *rest["rows"])]
    assert len(ids) == len(set(ids)) == 120


def test_versions_show_what_changed(client: FlaskClient, node: Node) -> None:
    dataset = node.store.dataset("crm-person-collect")
    dataset.write([{"_id": "p001", "name": "Ada", "address": {"city": "Oslo"}, "n": 1}])
    dataset.write([{"_id": "p001", "name": "Ada", "address": {"city": "Bergen", "zip": "5003"}, "n": True}])
    page = client.get(f"{PERSON}/versions", query_string={"id": "p001", "limit": 2}).get_json()
    newest = {
        each["path"]: (each["kind"], each["before"], each["after"]) for each in page["rows"][0]["changes"]
    }
    assert newest == {
        "address.city": ("changed", "Oslo", "Bergen"),
        "address.zip": ("added", None, "5003"),
        "n": ("changed", 1, True),
    }
    rest = client.get(f"{PERSON}/versions", query_string={"id": "p001", "at": page["cursor"]}).get_json()
    assert rest["cursor"] is None and rest["rows"][0]["first"]
    assert client.get(f"{PERSON}/versions?id=nobody").status_code == 404
    other = client.get(f"{PERSON}/versions", query_string={"id": "p002", "at": page["cursor"]}).get_json()
    assert other["rows"] == []


def test_runs_are_counted_and_listed(client: FlaskClient, node: Node) -> None:
    chart = client.get("/studio/data/runs/chart?window=600&buckets=10").get_json()
    assert sum(chart["completed"]) == 3 and sum(chart["failed"]) == 0 and chart["complete"]
    assert {name: sum(values) for name, values in chart["stages"].items()} == {
        "collect": 121,
        "enrich": 121,
        "global": 121,
    }
    first = client.get("/studio/data/runs?limit=2").get_json()
    rest = client.get("/studio/data/runs", query_string={"before": first["cursor"]}).get_json()
    assert sorted(row["pipe"] for row in (*first["rows"], *rest["rows"])) == [
        "crm-person-collect",
        "crm-person-enrich",
        "global-person",
    ]
    assert client.get("/studio/data/runs?failed=true").get_json()["rows"] == []
    assert [
        row["changes"] for row in client.get("/studio/data/runs?pipe=global-person").get_json()["rows"]
    ] == [121]
    assert client.get("/studio/data/runs?pipe=none").status_code == 400


def test_writes_of_one_moment_stay_on_one_page(client: FlaskClient, node: Node) -> None:
    sink = {"type": "json", "system": "crm", "url": "/x"}
    call = {"type": "http", "system": "crm", "url": "/share", "side_effects": True}
    node.replace_entities(
        [
            *CONFIG,
            pipe("crm-person-share", "global-person", transform=call),
            pipe("push", "table", sink=sink),
        ],
        force=True,
    )
    shared = node.store.dataset("crm-person-share", create=True)
    rows = [
        {
            "_id": f"s{n}",
            "$operation": "update",
            "$status": "ok",
            "$was": {"name": "Old"},
            "name": "New",
            "id": "1",
        }
        for n in range(5)
    ]
    shared.write(
        [
            *rows,
            {"_id": "none", "$operation": "none", "$status": "ok"},
            {"_id": "no", "$operation": "update", "$status": "rejected"},
        ]
    )
    page = client.get("/studio/data/audit?limit=2").get_json()
    assert len(page["rows"]) == 5 and page["cursor"] is None
    assert page["rows"][0]["changes"] == [
        {"path": "name", "kind": "changed", "before": "Old", "after": "New"}
    ]


def test_trouble_and_the_nodes_log(client: FlaskClient, node: Node) -> None:
    node.replace_entities(
        [
            *CONFIG,
            pipe(
                "broken", "global-person", transform={"type": "dtl", "rules": {"default": [["fail!", NASTY]]}}
            ),
        ],
        force=False,
    )
    node.pipe("broken").pump.run()
    log = ExecutionLog(node.store, "global-person")
    log.ended(0.0, "full", RunStopped())
    events = client.get("/studio/data/events").get_json()["rows"]
    assert {each["pipe"] for each in events} == {"broken"}, "a run that was asked to end is no trouble"
    assert all("onerror" in each["message"] for each in events)
    lines = client.get("/studio/data/log").get_json()["rows"]
    assert lines == sorted(lines, key=lambda line: line["number"])
    last = lines[-1]["number"] if lines else 0
    assert client.get(f"/studio/data/log?since={last}").get_json()["rows"] == []


def test_no_secret_is_shown(client: FlaskClient, node: Node) -> None:
    node.put_secrets("", {"key": "hunter2-very-secret"}, replace=False)
    system = {
        "_id": "crm",
        "type": "system:url",
        "base_url": "http://127.0.0.1:9/",
        "password": "$SECRET(key)",
    }
    node.replace_entities([system, *CONFIG[1:]], force=True)
    for path in (
        "/studio/data/flow",
        "/studio/data/node",
        "/studio/data/pipes/crm-person-collect",
        "/studio/data/log",
    ):
        answer = client.get(path).get_data(as_text=True)
        assert "hunter2" not in answer and node.token not in answer, path


def test_large_datasets_are_paged_in_constant_time(client: FlaskClient, node: Node) -> None:
    dataset = node.store.dataset("large", create=True)
    for start in range(0, 60_000, 10_000):
        dataset.write([{"_id": f"e{n:06}", "name": f"Name {n}"} for n in range(start, start + 10_000)])
    paths = [
        "/studio/data/flow",
        "/studio/data/datasets",
        "/studio/data/datasets/large/entities",
        "/studio/data/datasets/large/info",
    ]
    paths += [
        "/studio/data/datasets/large/entities?order=id&after=e030000",
        "/studio/data/datasets/large/entities?before=30000",
    ]
    for path in paths:
        started = time.thread_time()
        assert client.get(path).status_code == 200
        assert time.thread_time() - started < 0.25, path


@pytest.mark.parametrize(
    ("pipe_id", "parts"),
    [
        ("crm-person-collect", ("crm", "person", "collect")),
        ("crm-eu-person-share", ("crm-eu", "person", "share")),
        ("global-person", ("", "person", "global")),
        ("anything", ("", "", "")),
        ("crm-eu-webhook", ("crm-eu", "", "")),
        ("other-person-enrich", ("", "", "enrich")),
    ],
)
def test_names_of_pipes_are_taken_apart(pipe_id: str, parts: tuple[str, str, str]) -> None:
    assert names.parts(pipe_id, ["crm", "crm-eu"]) == parts


def test_the_card_of_every_shipped_pipe_of_a_system_has_a_name_that_fits() -> None:
    systems = [path.name.removesuffix(".conf.json") for path in (ROOT / "systems").glob("*.conf.json")]
    pipes = [path.name.removesuffix(".conf.json") for path in (ROOT / "pipes").glob("*.conf.json")]
    of_systems = [pipe for pipe in pipes if pipe.startswith(tuple(f"{system}-" for system in systems))]
    assert len(of_systems) > 50
    for each in of_systems:
        system, datatype, _ = names.parts(each, systems)
        assert system and len(datatype or each.removeprefix(f"{system}-")) <= len("business_entity"), each


def test_lists_are_compared_with_the_kinds_within() -> None:
    assert browse.changes({"a": [1]}, {"a": [True]}) == [
        {"path": "a", "kind": "changed", "before": [1], "after": [True]}
    ]
    assert browse.changes({"a": [1], "_ts": 1}, {"a": [1], "_ts": 2}) == []


def test_kinds_are_what_the_systems_have(client: FlaskClient) -> None:
    assert client.get("/studio/data/kinds").get_json() == [
        {
            "system": "crm",
            "datatype": "person",
            "concept": None,
            "dataset": "crm-person-collect",
            "live": 121,
        }
    ]


def test_lists_show_what_tells_records_apart(client: FlaskClient, node: Node) -> None:
    entity = {
        "_id": "x",
        "created_at": 1786174645,
        "id": "x",
        "z": "last",
        "golden": {"email": {"v": "a@b.example", "t": ""}},
        "name": "Ada",
    }
    dataset = node.store.dataset("telling", create=True)
    dataset.write([entity])
    row = client.get("/studio/data/datasets/telling/entities").get_json()["rows"][0]
    assert list(row["values"].items()) == [
        ("name", "Ada"),
        ("email", "a@b.example"),
        ("z", "last"),
        ("created_at", 1786174645),
    ]


@pytest.fixture
def shared(client: FlaskClient, node: Node) -> Dataset:
    """The dataset of a pipe that writes to a system, with open cases."""
    call = {"type": "http", "system": "crm", "url": "/share", "side_effects": True}
    node.replace_entities([*CONFIG, pipe("crm-person-share", "global-person", transform=call)], force=True)
    dataset = node.store.dataset("crm-person-share", create=True)
    error = {"rule": "console-only", "steps": ["Open the console.", f"Create {NASTY}."], "name": NASTY}
    rows = [
        {"_id": f"p{n}", "$status": "pending", "$ids": [f"~:crm-person:p{n:03}"], "$error": error}
        for n in range(7)
    ]
    dataset.write(
        [
            *rows,
            {"_id": "fine", "$status": "ok"},
            {"_id": "no", "$status": "rejected", "$error": {"field": "/email"}},
        ]
    )
    return dataset


def test_open_cases_are_listed_by_page(client: FlaskClient, shared: Dataset) -> None:
    first = client.get("/studio/data/cases?limit=3").get_json()
    assert first["counts"] == {"pending": 7, "rejected": 1} and first["complete"]
    assert (first["rows"][0]["id"], first["rows"][0]["field"], first["rows"][0]["records"]) == (
        "no",
        "/email",
        [],
    )
    record = {"system": "crm", "datatype": "person", "id": "p006", "ni": "~:crm-person:p006"}
    assert first["rows"][1]["records"] == [{**record, "label": "crm person p006", "name": "Person 6"}]
    assert (first["rows"][1]["called"], first["rows"][1]["about"]) == ("Person 6", "crm person")
    assert first["rows"][1]["steps"][0] == "Open the console."
    rest = client.get("/studio/data/cases", query_string={"limit": 200, "after": first["cursor"]}).get_json()
    ids = [row["id"] for row in (*first["rows"], *rest["rows"])]
    assert ids == ["no", *(f"p{n}" for n in range(6, -1, -1))] and rest["cursor"] is None
    assert [row["id"] for row in client.get("/studio/data/cases?status=rejected").get_json()["rows"]] == [
        "no"
    ]
    assert client.get("/studio/data/cases?after=x").status_code == 400


def test_open_cases_follow_what_is_written(
    client: FlaskClient, node: Node, shared: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/studio/data/cases").get_json()["counts"] == {"pending": 7, "rejected": 1}
    shared.write(
        [
            {"_id": "p0", "$status": "ok"},
            {"_id": "p1", "_deleted": True, "$status": "pending"},
            {"_id": "fine", "$status": "conflict"},
        ]
    )
    assert client.get("/studio/data/cases").get_json()["counts"] == {
        "pending": 5,
        "rejected": 1,
        "conflict": 1,
    }
    node.store.delete_dataset("crm-person-share")
    assert client.get("/studio/data/cases").get_json()["counts"] == {}
    node.store.dataset("crm-person-share", create=True).write([{"_id": "again", "$status": "gone"}])
    assert client.get("/studio/data/cases").get_json()["counts"] == {"gone": 1}


def test_many_shared_records_are_read_in_portions(
    client: FlaskClient, shared: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "READ_SECONDS", -1)
    monkeypatch.setattr(cases, "PAGE", 4)
    answers = [client.get("/studio/data/cases").get_json() for _ in range(3)]
    assert [answer["complete"] for answer in answers] == [False, False, True]
    assert answers[-1]["counts"] == {"pending": 7, "rejected": 1}


def test_cases_are_grouped_found_and_sorted(client: FlaskClient, shared: Dataset) -> None:
    found = client.get("/studio/data/cases").get_json()
    groups = [(each["status"], each["rule"], each["count"]) for each in found["groups"]]
    assert groups == [("rejected", "", 1), ("pending", "console-only", 7)], "the odd one first"
    assert ids(client, "rule=") == ["no"] and len(ids(client, "rule=console-only")) == 7
    assert ids(client, "q=PERSON 5") == ["p5"], "by what people call it"
    assert ids(client, "q=/email") == ["no"]
    assert ids(client, "order=record&status=pending")[:2] == ["p0", "p1"]
    assert ids(client, "order=oldest")[0] == "p0" and ids(client, "order=newest")[0] == "no"
    assert client.get("/studio/data/cases?order=random").status_code == 400


def ids(client: FlaskClient, query: str) -> list[str]:
    rows: list[dict] = client.get(f"/studio/data/cases?{query}").get_json()["rows"]
    return [row["id"] for row in rows]


def test_the_refused_value_and_what_is_to_be_written(client: FlaskClient, shared: Dataset) -> None:
    error = {"field": "/address/city", "rule": "unique"}
    shared.write(
        [
            {
                "_id": "no",
                "$status": "rejected",
                "$error": error,
                "address": {"city": "Bergen"},
                "$was": {"address": {"city": "Oslo"}},
            }
        ]
    )
    row = client.get("/studio/data/cases?status=rejected").get_json()["rows"][0]
    assert row["value"] == "Bergen"
    assert row["fields"] == [{"field": "address.city", "before": "Oslo", "after": "Bergen"}]


def test_what_is_ignored_waits_no_more_until_it_changes(
    client: FlaskClient, node: Node, shared: Dataset
) -> None:
    decisions = node.store.dataset("decisions", create=True)
    decisions.write(
        [
            {"_id": "ignore:crm-person-share:p1", "decision": "ignore"},
            {"_id": "ignore:crm-person-share:fine", "decision": "ignore"},
            {"_id": "note:crm-person-share:p2", "decision": "note", "note": "Ann asks"},
        ]
    )
    found = client.get("/studio/data/cases").get_json()
    assert (found["counts"], found["ignored"]) == ({"pending": 6, "rejected": 1}, 1)
    assert ids(client, "ignored=true") == ["p1"]
    assert [row["note"] for row in found["rows"] if row["id"] == "p2"] == ["Ann asks"]
    at_a_glance = client.get("/studio/data/node").get_json()
    counts = at_a_glance["counts"]
    assert (at_a_glance["open"], counts["rejected"], counts["pending"]) == (7, 1, 6)
    shared.write([{"_id": "p1", "$status": "rejected", "$error": {"rule": "other"}}])
    found = client.get("/studio/data/cases").get_json()
    assert (found["counts"], found["ignored"]) == ({"pending": 6, "rejected": 2}, 0)
    decisions.write([{"_id": "note:crm-person-share:p2", "_deleted": True}])
    assert all(row["note"] is None for row in client.get("/studio/data/cases").get_json()["rows"])
    listed = client.get("/studio/data/decisions").get_json()["rows"]
    assert [row["row"] for row in listed] == [
        {"dataset": "crm-person-share", "id": "fine"},
        {"dataset": "crm-person-share", "id": "p1"},
    ]


def test_the_overview_counts_writes_by_the_reader_s_days(client: FlaskClient, shared: Dataset) -> None:
    shared.write([{"_id": f"w{n}", "$status": "ok", "$operation": "insert"} for n in range(3)])
    shared.write([{"_id": "w0", "$status": "ok", "$operation": "update", "name": "x"}])
    now = int(time.time())
    found = client.get(f"/studio/data/overview?days={now - 100_000},{now - 50_000}").get_json()
    assert found["days"] == [
        {"start": now - 100_000, "insert": 0, "update": 0, "delete": 0},
        {"start": now - 50_000, "insert": 3, "update": 1, "delete": 0},
    ]
    assert found["complete"] and found["counts"]["pending"] == 7
    assert found["running"] is False
    assert found["slowest"][0]["seconds"] >= found["slowest"][-1]["seconds"]
    assert found["next"] is None and set(found["alerts"]) == {"channels", "coming", "firing"}
    for days in ("", "x", "2,1", ",".join(map(str, range(40)))):
        assert client.get(f"/studio/data/overview?days={days}").status_code == 400, days


def test_a_band_of_the_flow_holds_one_golden_record(client: FlaskClient, node: Node) -> None:
    """The shipped pipes: orders look up people, which makes them no orders."""
    node.replace_env(read_variables(ROOT, "test") or {})
    node.replace_entities(read_directory(ROOT), force=True)
    concepts: dict[str, set[str]] = {}
    for card in client.get("/studio/data/flow").get_json()["pipes"]:
        concepts.setdefault(card["concept"], set()).add(f"{card['system']}-{card['datatype']}".strip("-"))
    assert set(concepts) == {
        "person",
        "organisation",
        "product",
        "order",
        "endpoints",
        "other",
        "chargebee-webhook",
    }
    assert {name for name in concepts["order"] if "-" in name} == {
        "chargebee-order",
        "customerp-order",
        "customerp-quote",
    }
    assert {"customerp-contact", "customerp-employee"} <= concepts["person"]


DEAD = {
    "max_write_errors_in_retry_dataset": 10,
    "max_consecutive_write_errors": 10,
    "max_retries_per_entity": 0,
}


@pytest.fixture
def failing(client: FlaskClient, node: Node) -> str:
    """A pipe that gives up three entities."""
    rules = [["if", ["in", "_S._id", ["list", "p001", "p002", "p003"]], ["fail!", NASTY]], ["copy", "*"]]
    pump = {**DEAD, "dead_letter_dataset": "dead", "track_dead_letters": True}
    failing = pipe(
        "failing", "global-person", transform={"type": "dtl", "rules": {"default": rules}}, pump=pump
    )
    node.replace_entities([*CONFIG, failing], force=False)
    node.pipe("failing").pump.run()
    return "failing"


def test_dead_letters_are_listed_with_why(client: FlaskClient, node: Node, failing: str) -> None:
    rows = client.get("/studio/data/letters").get_json()["rows"]
    assert sorted(row["id"] for row in rows) == ["p001", "p002", "p003"]
    assert "onerror" in rows[0]["error"] and rows[0]["pipe"] == failing
    assert client.get("/studio/data/node").get_json()["dead_letters"] == 3
    card = client.get(f"/studio/data/pipes/{failing}").get_json()
    assert card["dead_letters"] == 3 and "retry-dead-letters" in card["operations"]


def test_the_retry_queue_is_paged(client: FlaskClient, node: Node) -> None:
    state = node.store.pipe_state("global-person")
    for n in range(5):
        state.put_retry({"_id": f"r{n}"}, 1, "busy")
    first = client.get("/studio/data/retries?limit=3").get_json()
    rest = client.get("/studio/data/retries", query_string={"limit": 3, "after": first["cursor"]}).get_json()
    assert [row["id"] for row in (*first["rows"], *rest["rows"])] == [f"r{n}" for n in range(5)]
    assert rest["cursor"] is None and client.get("/studio/data/retries?after=[1]").status_code == 400
    assert client.get("/studio/data/node").get_json()["retries"] == 5


def test_what_a_breaker_holds_back_is_shown(client: FlaskClient, node: Node) -> None:
    dataset = node.store.dataset("global-person")
    dataset.write(
        [{"_id": "p001", "_deleted": True}, {"_id": "p002", "name": "x"}], WriteOptions(staged=True)
    )
    dataset.trip("too many deletions")
    assert client.get("/studio/data/breakers").get_json() == [
        {
            "dataset": "global-person",
            "pipe": "global-person",
            "reason": "too many deletions",
            "held": 2,
            "about": None,
            "system": None,
            "deletions": None,
        }
    ]
    held = client.get("/studio/data/breakers/held?dataset=global-person").get_json()["rows"]
    assert held == [
        {"id": "p001", "name": "", "deleted": True},
        {"id": "p002", "name": "", "deleted": False},
    ]
    client.post("/api/datasets/global-person", json={"operation": "rollback-circuit-breaker"})
    assert client.get("/studio/data/breakers").get_json() == []


def test_a_list_ends_its_page_when_much_was_passed_over(
    client: FlaskClient, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("localnode.studio.data"), "MAX_PASSED", 2)
    shown, cursor, calls = [], "", 0
    while cursor is not None:
        page = client.get("/studio/data/events", query_string={"before": cursor}).get_json()
        shown, cursor, calls = shown + page["rows"], page["cursor"], calls + 1
    assert shown == [] and calls > 1


def test_open_cases_are_counted_for_every_page(client: FlaskClient, shared: Dataset) -> None:
    assert client.get("/studio/data/node").get_json()["open"] == 8
