"""The templates of REST connectors, with an invented connector against a REST service over loopback.

What each must do was read in public connectors that carried the templates written out; see localnode/extras/bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localnode.pipes import FAILED, SUCCESS, ConfigProblem, Engine, Pipe, Systems
from localnode.store import Store
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

Build = Callable[..., Pipe]
Fill = Callable[..., None]
Rows = Callable[[str], dict[str, dict[str, Any]]]

SHARE = "books-customer-share"
OPERATIONS = {
    "list": {"url": "customers", "method": "GET"},
    "lookup": {"url": "customers/{{ id }}", "method": "GET"},
    "insert": {"url": "customers", "method": "POST"},
    "update": {"url": "customers/{{ id }}", "method": "PUT"},
    "delete": {"url": "customers/{{ id }}", "method": "DELETE"},
    "defaults": {"url": "{{ properties.of }}/default", "method": "GET"},
}


class Customers:
    """A REST service that keeps customers by their number; `refuse` answers every write with that status."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.refuse: int | None = None
        self.upstream: Upstream

    def answer(self, asked: Asked) -> Reply:
        number = asked.path.rpartition("/")[2]
        if asked.method == "GET":
            if number == "customers":
                return Reply(list(self.kept.values()))
            if number == "default":
                return Reply({"id": 0, "name": "?", "terms": {"days": 14, "currency": "NOK"}})
            return Reply(self.kept[number]) if number in self.kept else Reply({}, 404)
        if self.refuse:
            return Reply({"why": "refused"}, self.refuse)
        if asked.method == "POST":
            number = str(100 + len(self.kept))
            self.kept[number] = {**asked.json, "id": number}
            return Reply(self.kept[number], 201)
        if number not in self.kept:
            return Reply({}, 404)
        if asked.method == "DELETE":
            del self.kept[number]
            return Reply(None, 204)
        self.kept[number] = {**asked.json, "id": number}
        return Reply(self.kept[number])

    @property
    def writes(self) -> list[tuple[str, str, Any]]:
        """Every write so far: method, number, payload."""
        asked = [one for one in self.upstream.asked if one.method != "GET"]
        return [(one.method, one.path.rpartition("/")[2], one.json if one.body else None) for one in asked]


@pytest.fixture
def customers() -> Iterator[Customers]:
    service = Customers()
    with scripted_upstream(service.answer) as service.upstream:
        yield service


@pytest.fixture
def books(store: Store, customers: Customers) -> Iterator[Engine]:
    """An engine with the system "books"."""
    config = {"_id": "books", "type": "system:rest", "url_pattern": f"{customers.upstream.url}/%s"}
    systems = Systems({"books": {**config, "operations": OPERATIONS}}, {}, {})
    yield Engine(store, systems)
    systems.close()


@pytest.fixture
def share(pipe: Build, books: Engine, fill: Fill) -> Callable[..., Pipe]:
    """`share({properties})`: the share pipe, over the dataset "wanted"."""

    def build(**properties: Any) -> Pipe:
        fill("wanted")
        given = {"primary_key": "id", "rest_system": "books", "share_dataset": SHARE, **properties}
        return pipe(
            SHARE,
            {"type": "dataset", "dataset": "wanted"},
            transform={"type": "template", "template": "transform-share-rest", "properties": given},
            engine=books,
            batch_size=1,
            sink={"deletion_tracking": False, "set_initial_offset": "onload"},
            add_namespaces=False,
        )

    return build


@pytest.fixture
def rows(store: Store) -> Rows:
    """What a dataset holds, deleted or not."""
    return lambda name: {e["_id"]: e for e in store.dataset(name).read(history=False)}


def wanted(number: str, now: dict[str, Any], was: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A state that is wanted of a customer who is known there, computed from how it `was`."""
    return {
        "_id": f"customer:{number}",
        "id": number,
        **now,
        "$based_on": was,
        "$based_on_properties": ["name", "address.city"],
        **more,
    }


NEW = {"_id": "person:1", "name": "New", "sesam_note": "x", "$origin": "~:person:1", "$ids": ["~:person:1"]}

DECISIONS: dict[str, tuple[dict[str, Any], dict[str, Any], list[Any]]] = {
    "update": (
        wanted("1", {"name": "Bo"}, {"name": "Ann"}),
        {"$last_operation": "update", "$success": True},
        [("PUT", "1", {"id": "1", "name": "Bo"})],
    ),
    "unchanged": (
        wanted("1", {"name": "Ann"}, {"name": "Ann"}),
        {"$last_operation": "discard-entity-not-changed", "$success": True},
        [],
    ),
    "modified in the system": (
        wanted("1", {"name": "Bo"}, {"name": "Anna"}),
        {"$last_operation": "discard-modified-in-system", "$success": True},
        [],
    ),
    "insert": (
        NEW,
        {"$last_operation": "insert", "$success": True, "$generated_id": "101", "$origin": "~:person:1"},
        [("POST", "customers", {"name": "New"})],
    ),
    "delete": (
        {**wanted("1", {}, {"name": "Ann"}), "_deleted": True},
        {"$last_operation": "delete", "$success": True, "$deleted": True, "_deleted": False},
        [("DELETE", "1", None)],
    ),
    "not found": (
        wanted("9", {"name": "Bo"}, {"name": "Ann"}),
        {"$last_operation": "lookup", "$success": False, "$error": "error-lookup"},
        [],
    ),
    "replaced": (
        {"_id": "customer:1", "id": "1", "$replaced": True, "_deleted": True},
        {"$last_operation": "discard-replaced", "$success": True, "$replaced": True, "$deleted": True},
        [],
    ),
    "deletion of nothing": (
        {"_id": "person:2", "name": "Gone", "_deleted": True},
        {"$last_operation": "discard-delete-non-existent", "$success": True, "$deleted": True},
        [],
    ),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision(name: str, share: Any, customers: Customers, fill: Fill, rows: Rows) -> None:
    entity, row, writes = DECISIONS[name]
    customers.kept["1"] = {"id": "1", "name": "Ann", "address": {"city": ""}, "phone": "5"}
    pipe = share(enable_deletes=True)
    fill("wanted", entity)
    assert pipe.run().status == SUCCESS
    found = rows(SHARE)[entity["_id"]]
    assert {key: found.get(key) for key in row} == row
    assert found.get("id") == entity.get("id")
    assert found["$source"]["_id"] == entity["_id"] and f"$trace_{row['$last_operation']}" in found
    assert customers.writes == writes
    assert pipe.run().status == SUCCESS and customers.writes == writes


@pytest.mark.parametrize(
    ("more", "refuse", "row"),
    [
        ({}, None, {"$last_operation": "discard-deletes-not-enabled"}),
        ({"$discard": "not ours"}, None, {"$last_operation": "discard-by-connector"}),
        ({"$replaced": True}, 404, {"$last_operation": "discard-replaced"}),
    ],
)
def test_deletions_that_are_not_sent(
    share: Any, customers: Customers, fill: Fill, rows: Rows, more: Any, refuse: Any, row: Any
) -> None:
    customers.kept["1"] = {"id": "1", "name": "Ann"}
    pipe = share()
    fill("wanted", {"_id": "c", "id": "1", "_deleted": True, **more})
    assert pipe.run().status == SUCCESS and customers.writes == []
    assert {**rows(SHARE)["c"], **row} == rows(SHARE)["c"]


@pytest.mark.parametrize(
    ("entity", "status", "error"),
    [
        (NEW, 422, "error-insert"),
        (wanted("1", {"name": "Bo"}, {"name": "Ann"}), 500, "error-update"),
        ({"_id": "c", "id": "1", "_deleted": True}, 404, "error-delete"),
    ],
)
def test_refused_writes_are_kept_with_their_answer(
    share: Any, customers: Customers, fill: Fill, rows: Rows, entity: Any, status: int, error: str
) -> None:
    customers.kept["1"] = {"id": "1", "name": "Ann"}
    customers.refuse = status
    pipe = share(enable_deletes=True)
    fill("wanted", entity)
    assert pipe.run().status == SUCCESS
    row = rows(SHARE)[entity["_id"]]
    assert (row["$error"], row["$success"]) == (error, False)
    trace = row[f"$trace_{row['$last_operation']}"]
    assert (trace["response_status"], trace["response_body"]) == (status, {"why": "refused"})


def test_too_many_requests_is_no_outcome(share: Any, customers: Customers, fill: Fill, rows: Rows) -> None:
    customers.refuse = 429
    pipe = share()
    fill("wanted", NEW)
    pipe.run()
    assert rows(SHARE) == {}
    customers.refuse = None
    assert pipe.run().status == SUCCESS and rows(SHARE)["person:1"]["$generated_id"] == "100"


def test_what_was_inserted_is_known_ever_after(
    share: Any, customers: Customers, fill: Fill, rows: Rows
) -> None:
    pipe = share()
    fill("wanted", NEW)
    pipe.run()
    fill("wanted", {**NEW, "name": "Newer"})
    pipe.run()
    row = rows(SHARE)["person:1"]
    assert row["$last_operation"] == "discard-already-inserted"
    assert (row["$generated_id"], row["$origin"]) == ("100", "~:person:1")
    assert [method for method, *_ in customers.writes] == ["POST"]


def test_an_insert_without_origin_or_without_a_key_in_its_answer_stops_the_pipe(
    share: Any, customers: Customers, fill: Fill, rows: Rows
) -> None:
    pipe = share(primary_key_insert="number")
    fill("wanted", {"_id": "a", "name": "No origin"})
    result = pipe.run()
    assert result.status == FAILED and "$origin" in result.reason and customers.writes == []
    fill("wanted", {"_id": "a", "name": "x", "$origin": "~:a:1"})
    result = pipe.run()
    assert result.status == FAILED and "primary key" in result.reason


@pytest.mark.parametrize(
    ("now", "was", "there", "operation"),
    [
        ({"name": "A", "address": {"city": "Oslo"}}, {"name": "A", "address": {"city": "Oslo"}}, None, "discard-entity-not-changed"),
        ({"name": "A", "address": {"city": "Moss"}}, {"name": "A", "address": {"city": "Oslo"}}, None, "update"),
        ({"name": "A"}, {"name": "A"}, {"address": {"city": None}, "name": "A"}, "discard-entity-not-changed"),
        ({"x:name": "A"}, {"name": "A"}, {"name": "A"}, "discard-entity-not-changed"),
        ({"name": "A", "phone": "9"}, {"name": "A"}, {"name": "A"}, "discard-entity-not-changed"),
        ({"name": ["A"]}, {"name": ["A"]}, {"name": "A"}, "discard-entity-not-changed"),
        ({"name": "A", "sesam_x": 1}, {"name": "A", "sesam_x": 2}, {"name": "A"}, "discard-entity-not-changed"),
        ({"name": "B"}, {"name": None}, {"name": None}, "discard-modified-in-system"),
    ],
)  # fmt: skip
def test_what_counts_as_a_change(
    share: Any, customers: Customers, fill: Fill, rows: Rows, now: Any, was: Any, there: Any, operation: str
) -> None:
    customers.kept["1"] = {"id": "1", **(there or was)}
    pipe = share()
    fill("wanted", wanted("1", now, was))
    assert pipe.run().status == SUCCESS
    assert rows(SHARE)["customer:1"]["$last_operation"] == operation


def test_a_person_can_force_an_update_through(share: Any, customers: Customers, fill: Fill) -> None:
    customers.kept["1"] = {"id": "1", "name": "Other"}
    pipe = share()
    fill("wanted", wanted("1", {"name": "Bo"}, {"name": "Ann"}, **{"$unsafe_skip_optimistic_locking": True}))
    pipe.run()
    assert customers.writes == [("PUT", "1", {"id": "1", "name": "Bo"})]


PATCH = {"rewrite_update_payload_after_patch": [["add", "$payload", ["dict", "all", "_S._payload"]]]}
INSERT_RULES = {
    "loud": [["add", "name", ["upper", "_S.name"]]],
    "rewrite_insert_payload": [["add", "$payload", ["apply", "loud", "_R._T.$source"]]],
}
UPDATE_RULES = {"rewrite_update_payload": [["add", "$payload", ["dict", "n", "_S.$source.name"]]]}


@pytest.mark.parametrize(
    ("properties", "entity", "payload"),
    [
        ({}, {**NEW, "$payload": {"raw": [1]}}, {"raw": [1]}),
        ({"rewrite_rules_payload": INSERT_RULES}, NEW, {"name": "NEW"}),
        ({"rewrite_rules_payload": UPDATE_RULES}, None, {"n": "Bo"}),
        (
            {"client_side_patching": True},
            None,
            {"id": "1", "name": "Bo", "phone": "5", "lines": [{"a": 9, "b": 2}], "address": {"city": "X", "zip": "1"}},
        ),
        (
            {"client_side_patching": True, "rewrite_rules_payload": {**UPDATE_RULES, **PATCH}},
            None,
            {"all": {"id": "1", "name": "Ann", "n": "Bo", "phone": "5", "lines": [{"a": 1, "b": 2}, {}], "address": {"city": "X", "zip": "1"}}},
        ),
    ],
)  # fmt: skip
def test_payloads(
    share: Any, customers: Customers, fill: Fill, properties: Any, entity: Any, payload: Any
) -> None:
    there = {
        "id": "1",
        "name": "Ann",
        "phone": "5",
        "lines": [{"a": 1, "b": 2}, {}],
        "address": {"city": "X", "zip": "1"},
    }
    customers.kept["1"] = there
    pipe = share(**properties)
    change = wanted("1", {"name": "Bo", "lines": [{"a": 9}]}, {"name": "Ann", "address": {"city": "X"}})
    fill("wanted", entity or change)
    assert pipe.run().status == SUCCESS
    assert [sent for *_, sent in customers.writes] == [payload]


def test_a_natural_key_is_there_before_the_record_is(
    share: Any, customers: Customers, fill: Fill, rows: Rows
) -> None:
    customers.kept["1"] = {"id": "1", "part": "a", "name": "Ann"}
    pipe = share(primary_key=["id", "part"], is_natural_key=True)
    known = wanted("1", {"name": "Bo", "part": "a"}, {"name": "Ann"})
    new = {**NEW, "id": "7", "part": "b"}
    fill("wanted", known, new, {**NEW, "_id": "half", "id": "8"})
    assert pipe.run().status == SUCCESS
    found = {name: row["$last_operation"] for name, row in rows(SHARE).items()}
    assert found == {"customer:1": "update", "person:1": "insert", "half": "discard-partial-natural-key"}
    assert rows(SHARE)["person:1"]["$generated_id"] == ["7", "b"]


def test_rules_around_the_calls(share: Any, customers: Customers, fill: Fill, rows: Rows) -> None:
    customers.kept["1"] = {"id": "1", "data": {"name": "ann"}}
    pipe = share(
        payload_property="payload",
        rewrite_rules_lookup={"rewrite_lookup": [["add", "response_body", "_S.response_body.data"]]},
        rules={"lookup_rewrite_based_on": [["add", "name", ["upper", "_S.name"]]]},
        rewrite_rules_mutation={"rewrite_insert": [["add", "response_body", ["dict", "id", "given"]]]},
    )
    fill("wanted", wanted("1", {"name": "BO"}, {"name": "ANN"}), NEW)
    assert pipe.run().status == SUCCESS
    assert rows(SHARE)["customer:1"]["$last_operation"] == "update"
    assert rows(SHARE)["person:1"]["$generated_id"] == "given"


def test_an_operation_that_the_system_does_not_have_harms_only_what_asks_for_it(
    share: Any, customers: Customers, fill: Fill, rows: Rows
) -> None:
    customers.kept["1"] = {"id": "1", "name": "Ann"}
    pipe = share(operation_insert="customer-insert")
    fill("wanted", wanted("1", {"name": "Bo"}, {"name": "Ann"}), NEW)
    result = pipe.run()
    assert result.counts.failed == 1 and list(rows(SHARE)) == ["customer:1"]
    assert 'no operation "customer-insert"' in result.reason


# -- the whole flow ----------------------------------------------------------------------------------------

COLLECT = {
    "type": "template",
    "template": "transform-collect-rest",
    "properties": {"primary_key": "id", "share_dataset": SHARE, "rest_system": "books"},
}
AS_IT_IS = [["copy", "*", "_*"], ["add", "$based_on", ["apply", "based-on", "_S."]]]
MAPPED = {
    "default": [*AS_IT_IS, ["add", "$based_on_properties", ["list", "name", "address.city"]]],
    "based-on": [["copy", ["list", "name", "address"]]],
}
UNMAPPED = {"default": AS_IT_IS, "based-on": [["copy", "*", ["list", "_*", "$*"]]]}


@pytest.mark.parametrize(
    ("rules", "operation"),
    [(MAPPED, "discard-entity-not-changed"), (UNMAPPED, "discard-modified-in-system")],
    ids=["mapped", "the pipe that stands for a transform in a connector's own tests"],
)
def test_collect_transform_and_share_without_a_change_write_nothing(
    pipe: Build, share: Any, books: Engine, customers: Customers, rows: Rows, rules: Any, operation: str
) -> None:
    customers.kept = {str(n): {"id": str(n), "name": f"N{n}", "address": {"city": "Oslo"}} for n in range(5)}
    source = {"type": "rest", "system": "books", "operation": "list", "id_expression": "{{ id }}"}
    flow = [
        pipe("all", source, engine=books, add_namespaces=False),
        pipe("collect", {"type": "dataset", "dataset": "all"}, transform=COLLECT, engine=books),
        pipe(
            "wanted",
            {"type": "dataset", "dataset": "collect"},
            engine=books,
            transform={"type": "dtl", "rules": rules},
        ),
        share(),
    ]
    for _ in range(3):
        assert [each.run().status for each in flow] == [SUCCESS] * 4
    assert customers.writes == []
    operations = {row["$last_operation"] for row in rows(SHARE).values()}
    assert operations == {operation} and len(rows(SHARE)) == 5
    looked_up = [asked.path for asked in customers.upstream.asked if asked.path != "/customers"]
    assert len(looked_up) == 5


def test_collect_finds_the_origin_of_what_the_sync_made(
    pipe: Build, share: Any, books: Engine, fill: Fill, customers: Customers, rows: Rows
) -> None:
    sharing = share()
    fill("wanted", NEW)
    sharing.run()
    fill("all", {"_id": "100", "id": "100", "name": "New"}, {"_id": "5", "id": "5", "name": "Old"})
    pipe("collect", {"type": "dataset", "dataset": "all"}, transform=COLLECT, engine=books).run()
    assert rows("collect")["100"]["$origin"] == "~:person:1"
    assert "$origin" not in rows("collect")["5"]


def test_a_key_of_several_properties_is_found_whole(
    pipe: Build, books: Engine, fill: Fill, rows: Rows
) -> None:
    fill(
        SHARE,
        {"_id": "a", "$generated_id": ["1", "x"], "$origin": "~:p:a"},
        {"_id": "b", "$generated_id": ["1", "y"], "$origin": "~:p:b"},
    )
    fill("all", {"_id": "1", "id": "1", "part": "y"}, {"_id": "2", "id": "y", "part": "1"})
    properties = {**COLLECT["properties"], "primary_key": ["id", "part"]}
    transform = {**COLLECT, "properties": properties}
    pipe("collect", {"type": "dataset", "dataset": "all"}, transform=transform, engine=books).run()
    assert rows("collect")["1"]["$origin"] == "~:p:b" and "$origin" not in rows("collect")["2"]


def test_collect_looks_up_what_it_is_told_to(
    pipe: Build, books: Engine, fill: Fill, customers: Customers, rows: Rows
) -> None:
    customers.kept["1"] = {"id": "1", "name": "Ann"}
    fill(SHARE)
    fill(
        "all",
        {"_id": "1", "id": "1", "hint": 5},
        {"_id": "2", "id": "2"},
        {"_id": "3", "id": "3", "_deleted": True},
    )
    more = {"operation_lookup": "lookup", "original_property": "before"}
    transform = {**COLLECT, "properties": {**COLLECT["properties"], **more}}
    pipe("collect", {"type": "dataset", "dataset": "all"}, transform=transform, engine=books).run()
    found = rows("collect")
    assert found["1"]["name"] == "Ann" and found["1"]["before"]["hint"] == 5 and "hint" not in found["1"]
    assert "2" not in found and found["3"]["_deleted"]
    assert not any(name.startswith("response") for name in {**found["1"], **found["3"]})


def test_collect_takes_no_deletion_for_granted_if_told_to_look(
    pipe: Build, books: Engine, fill: Fill, customers: Customers, rows: Rows
) -> None:
    customers.kept["1"] = {"id": "1"}
    fill(SHARE)
    fill(
        "all",
        {"_id": "1", "id": "1", "_deleted": True},
        {"_id": "2", "id": "2", "_deleted": True},
        {"_id": "3", "id": "3"},
    )
    properties = {**COLLECT["properties"], "operation_lookup_delete": "lookup"}
    transform = {**COLLECT, "properties": properties}
    pipe("collect", {"type": "dataset", "dataset": "all"}, transform=transform, engine=books).run()
    found = rows("collect")
    assert {name: row["_deleted"] for name, row in found.items()} == {"1": False, "2": True, "3": False}
    assert {name for row in found.values() for name in row if name[0] not in "_"} == {"id"}
    assert [asked.path for asked in customers.upstream.asked] == ["/customers/1", "/customers/2"]


def test_defaults_go_under_what_is_new(pipe: Build, books: Engine, fill: Fill, rows: Rows) -> None:
    transform = {
        "type": "template",
        "template": "transform-defaults-rest",
        "properties": {
            "primary_key": "id",
            "rest_system": "books",
            "operation": "defaults",
            "operation_properties": {"of": "customers"},
        },
    }
    fill(
        "wanted",
        {"_id": "new", "name": "N", "terms": {"days": 30}},
        {"_id": "known", "id": "1", "name": "K"},
        {"_id": "gone", "name": "G", "_deleted": True},
    )
    pipe("b", {"type": "dataset", "dataset": "wanted"}, transform=transform, engine=books).run()
    plain = {name: {k: v for k, v in row.items() if k[0] != "_"} for name, row in rows("b").items()}
    assert plain["new"] == {"name": "N", "terms": {"days": 30, "currency": "NOK"}}
    assert plain["known"] == {"id": "1", "name": "K"} and plain["gone"] == {"name": "G"}


# -- bodies ------------------------------------------------------------------------------------------------

BODY = """[
  {% for name in names | sort %}
  {"type": "dtl", "rules": {"default": [["copy", "*"], ["add", {{ name | tojson }}, {{ properties.value | tojson }}]]}}
  {{- "," if not loop.last }}
  {% endfor %}
] sesam:markjson"""


def test_a_body_may_be_a_text(pipe: Build, fill: Fill, live: Callable[[str], Any]) -> None:
    fill("a", {"_id": "1"})
    properties = {"names": ["y", "x"], "value": {"n": 1}}
    template = {"type": "template", "template": BODY, "properties": properties}
    pipe("b", {"type": "dataset", "dataset": "a"}, transform=template).run()
    assert live("b") == {"1": {"x": {"n": 1}, "y": {"n": 1}}}


@pytest.mark.parametrize(
    ("body", "properties", "word"),
    [
        ("transform-share", {}, 'no template "transform-share" .known: transform-collect-rest'),
        ("transform-collect-rest", {"primary_key": "id"}, "'share_dataset' is undefined"),
        (BODY, {"names": ["a"]}, "no attribute 'value'"),
        ("{{ x }} sesam:markjson", {"x": "["}, "does not render to JSON"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %} sesam:markjson", {}, "too many steps"),
        ("{% if %} sesam:markjson", {}, "Jinja"),
        (5, {}, "must be a transform"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_body_is_told(pipe: Build, body: Any, properties: Any, word: str) -> None:
    config = {"type": "template", "template": body, "properties": properties}
    with pytest.raises(ConfigProblem, match=word):
        pipe("b", {"type": "dataset", "dataset": "a"}, transform=config)
