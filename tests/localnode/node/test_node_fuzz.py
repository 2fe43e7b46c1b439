"""Whatever is uploaded, the node answers with findings: it neither breaks nor hangs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from localnode.config.problems import ConfigRefused
from localnode.config.resolve import resolve
from localnode.config.upload import read_upload
from localnode.pipes import ConfigProblem, Engine, Pipe, Systems, registry
from localnode.store import Store
from tests.support.processes import ROOT

TEXTS = st.sampled_from(
    [
        "",
        "a",
        "x y",
        "$ENV(e)",
        "$ENV(none)",
        "$SECRET(s)",
        "{{ x }}",
        "{{",
        "{% if %}",
        "_S.a",
        "default",
        "*",
        "(",
        "200-299",
    ]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**6), st.floats(-1e9, 1e9), TEXTS)
NAMES = [
    "type", "system", "url", "operation", "operations", "rules", "default", "dataset", "datasets", "equality", "equality_sets",
    "condition", "alternatives", "transforms", "template", "transform", "properties", "schema", "$ref", "pattern", "subset",
    "trigger_on", "key", "value", "columns", "indexes", "method", "payload", "headers", "params", "next_page_link",
    "entities", "_id", "completeness", "expression", "wrapper", "xml-property", "set_initial_offset",
    "$conditional_properties", "namespaces", "compaction", "keep_versions", "metadata",
]  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES) | TEXTS, inner, max_size=4)
    ),
    max_leaves=12,
)


def component(kind: str) -> st.SearchStrategy[Any]:
    """A component of a known type with its own properties, right or wrong."""

    def of(name: str) -> st.SearchStrategy[dict[str, Any]]:
        found = registry.find(kind, name)
        assert found is not None
        known = {key: JSON for key in found.schema["properties"] if key != "type"}
        required = {key: known[key] for key in found.schema["required"] if key in known}
        optional = {key: known[key] for key in known if key not in required}
        shapes = st.fixed_dictionaries({"type": st.just(name), **required}, optional=optional)
        return shapes.map(lambda shape: shape)

    return st.sampled_from(registry.types(kind)).flatmap(of)


PIPES = st.fixed_dictionaries(
    {"_id": st.just("p"), "type": st.just("pipe"), "source": component("source") | JSON},
    optional={
        "transform": component("transform") | st.lists(component("transform"), max_size=2) | JSON,
        "sink": component("sink") | JSON,
        "pump": st.dictionaries(st.sampled_from(["cron_expression", "mode", "schedule_interval"]), SCALARS)
        | JSON,
        "compaction": JSON,
        "namespaces": JSON,
        "batch_size": SCALARS,
        "$conditional_properties": JSON,
    },
)
SYSTEMS = st.fixed_dictionaries(
    {
        "_id": st.just("s"),
        "type": st.sampled_from(["system:rest", "system:url", "system:microservice", "system:x"]),
    },
    optional={
        "operations": JSON,
        "url_pattern": SCALARS,
        "oauth2": JSON,
        "custom_auth": JSON,
        "retry_strategy": JSON,
    },
)
METADATA = st.fixed_dictionaries(
    {"_id": st.just("node"), "type": st.just("metadata")},
    optional={"global_defaults": JSON, "namespaces": JSON},
)
FEW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=4000, deadline=None, suppress_health_check=list(HealthCheck))


def check(entities: list[Any], store: Store) -> None:
    """What an upload does, up to the point at which something would be stored."""
    try:
        posted = read_upload(json.dumps(entities).encode())
    except ConfigRefused:
        return
    config = resolve(posted, {"e": {"a": [1]}})
    for component in config.components:
        assert all(problem.msg for problem in component.problems)
    systems = {system.id: system.effective for system in config.systems.values() if system.valid}
    for pipe in config.pipes.values():
        if pipe.valid:
            try:
                Pipe(pipe.effective, Engine(store, Systems(systems), config.settings))
            except ConfigProblem as error:
                assert error.message


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    opened = Store.open(tmp_path_factory.mktemp("fuzz") / "node.db")
    yield opened
    opened.close()


@FEW
@given(st.lists(JSON, max_size=2) | JSON)
def test_any_json_is_answered(store: Store, entities: Any) -> None:
    check(entities if isinstance(entities, list) else [entities], store)


EMPTY = {"_id": "p", "type": "pipe", "source": {"type": "empty"}}


@FEW
@given(PIPES, SYSTEMS, METADATA)
@example(
    pipe=EMPTY,
    system={"_id": "s", "type": "system:x", "custom_auth": None},
    metadata={"_id": "node", "type": "metadata"},
)
@example(
    pipe=EMPTY,
    system={"_id": "s", "type": "system:x", "custom_auth": {"refresh_window": "x"}},
    metadata={"_id": "node", "type": "metadata"},
)
def test_pipes_of_all_kinds_are_built_or_refused(store: Store, pipe: Any, system: Any, metadata: Any) -> None:
    check([pipe, system, metadata], store)


@pytest.mark.parametrize(
    "pipe",
    [
        {"source": {"type": "empty"}, "namespaces": {"default": True}},
        {"source": {"type": "empty"}, "transform": {"type": "template", "template": "{% if %}"}},
        {"source": {"type": {}}},
        {"source": {"type": "empty"}, "sink": {"type": []}},
        {"source": {"type": "empty"}, "transform": {"type": "chained", "transforms": [[1]]}},
    ],
)
def test_what_fuzzing_has_found(store: Store, pipe: dict[str, Any]) -> None:
    check([{"_id": "p", "type": "pipe", **pipe}], store)


REAL = [json.loads(path.read_text()) for path in sorted((ROOT / "pipes").glob("*.conf.json"))]


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in inner for place in places(item, (*at, key)))]


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """A real pipe with something else in up to three places, in any of them much nesting."""
    pipe = json.loads(json.dumps(draw(st.sampled_from(REAL))))
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(places(pipe)[1:]))
        inner = pipe
        for key in way:
            inner = inner[key]
        value = draw(JSON)
        for _ in range(draw(st.sampled_from([0, 0, 0, 20, 150, 300]))):
            value = ["list", value]
        inner[last] = value
    return pipe


@FEW
@given(changed(), st.booleans())
def test_real_pipes_with_something_else_in_them(client: Any, pipe: Any, force: bool) -> None:
    answer = client.put(f"/api/config?force={force}", json=[pipe])
    assert answer.status_code in (200, 400), answer.get_data()
    for refused in answer.get_json().get("validation_errors", []) if answer.status_code == 400 else []:
        assert all(0 < len(error["msg"]) < 1100 for error in refused["config-errors"])
    assert client.get("/api/pipes").status_code == 200


@pytest.mark.parametrize(
    "request_",
    [
        (
            "PUT",
            "/config",
            [{"_id": "p", "type": "pipe", "source": {"type": "embedded", "entities": [{"_id": {}}]}}],
        ),
        ("PUT", "/config", [{"_id": "p\ud800", "type": "pipe", "source": {"type": "empty"}}]),
        ("PUT", "/env", {"a": "\ud800"}),
        ("PUT", "/secrets", {"a": "\ud800"}),
        ("PUT", "/env", {"a": json.loads("[" * 500 + "]" * 500)}),
        ("POST", "/pipes/reader/pump", {"operation": "update-last-seen", "last-seen": "x"}),
        ("POST", "/pipes/union/pump", {"operation": "update-last-seen", "last-seen": "7x"}),
        ("POST", "/receivers/in/entities", [{"_id": "a\ud800"}]),
        ("GET", "/publishers/out/entities?since=[1]", None),
        ("GET", "/publishers/out/entities?since=" + "9" * 40, None),
        ("GET", "/pipes/reader/entities?stage=source&since=x", None),
    ],
)
def test_what_cannot_be_is_told(client: Any, request_: tuple[str, str, Any]) -> None:
    reads = {"type": "dataset", "dataset": "in"}
    pipes = [
        {"_id": "in", "source": {"type": "http_endpoint"}},
        {"_id": "reader", "source": reads},
        {"_id": "union", "source": {"type": "union_datasets", "datasets": ["in"]}},
        {"_id": "out", "source": reads, "sink": {"type": "http_endpoint"}},
    ]
    config = [{**pipe, "type": "pipe"} for pipe in pipes]
    assert client.put("/api/config", json=config).status_code == 200
    assert client.post("/api/receivers/in/entities", json=[{"_id": "1"}]).status_code == 200
    method, path, body = request_
    answer = (
        client.open("/api" + path, method=method, json=body)
        if body is not None
        else client.get("/api" + path)
    )
    assert answer.status_code == 400 and answer.get_json()["detail"], answer.get_data()
    assert [pipe["_id"] for pipe in client.get("/api/pipes").get_json()] == ["in", "reader", "union", "out"]


def test_offsets_beyond_all_numbers(client: Any) -> None:
    config = [{"_id": "in", "type": "pipe", "source": {"type": "http_endpoint"}}]
    assert client.put("/api/config", json=config).status_code == 200
    assert client.post("/api/receivers/in/entities", json=[{"_id": "1"}]).status_code == 200
    huge = "9" * 40
    assert client.get(f"/api/datasets/in/entities?since={huge}").get_json() == []
    assert len(client.get(f"/api/datasets/in/entities?since=-{huge}&limit={huge}").get_json()) == 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
@MANY
@given(PIPES, SYSTEMS, METADATA)
def test_many_more_pipes(store: Store, pipe: Any, system: Any, metadata: Any) -> None:
    check([pipe, system, metadata], store)


@pytest.mark.parametrize("depth", [90, 400, 3000, 100_000])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"type": "dtl", "rules": {"default": [["add", "x", ', "1]]}}"),
        ('{"type": "json_schema", "schema": {"items": ', "1}}"),
        ('{"type": "template", "properties": {}, "template": {"transform": ', "1}}"),
        ('{"type": "chained", "transforms": ', "1}"),
    ],
)
def test_no_depth_is_too_much(store: Store, depth: int, before: str, after: str) -> None:
    opening = '["list", ' if "dtl" in before else '{"items": ' if "schema" in before else "["
    closing = "}" if opening.startswith("{") else "]"
    body = before + opening * depth + "1" + closing * depth + after[1:]
    text = f'[{{"_id": "p", "type": "pipe", "source": {{"type": "empty"}}, "transform": {body}}}]'
    try:
        posted = read_upload(text.encode())
    except ConfigRefused:
        return
    config = resolve(posted, {})
    if config.pipes["p"].valid:
        try:
            Pipe(config.pipes["p"].effective, Engine(store, Systems({})))
        except ConfigProblem as error:
            assert error.message
