"""The merge source: components, identities, tombstones; incremental runs end where a full run would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localnode.pipes import FAILED, ConfigProblem, Engine, Pipe, Systems
from localnode.store import Store

SETS = [["a.k", "b.k"], ["a.m", "b.m"], ["b.k", "c.k"]]
MERGE = {"type": "merge", "version": 2, "datasets": ["A a", "B b", "C c"], "equality_sets": SETS}


def brute_force(content: dict[str, dict[str, dict[str, Any]]], identity: str) -> dict[str, set[str]]:
    """Representative -> members (`dataset index|id`) by comparing everything with everything."""
    nodes = [
        (at, name, e) for at, (_, es) in enumerate(sorted(content.items())) for name, e in sorted(es.items())
    ]
    nodes = [node for node in nodes if not node[2].get("_deleted")]
    group = {(at, name): (at, name) for at, name, _ in nodes}

    def root(x: Any) -> Any:
        while group[x] != x:
            x = group[x]
        return x

    rules = [(0, "k", 1, "k"), (0, "m", 1, "m"), (1, "k", 2, "k")]
    for at, name, e in nodes:
        for other_at, other, f in nodes:
            for x, p, y, q in rules:
                if (at, other_at) == (x, y) and set(e.get(p) or []) & set(f.get(q) or []):
                    one, two = sorted((root((at, name)), root((other_at, other))))
                    group[two] = one
    found: dict[Any, list[Any]] = {}
    for at, name, _ in nodes:
        found.setdefault(root((at, name)), []).append((at, name))
    result = {}
    for members in found.values():
        members.sort()
        name = members[0][1] if identity == "first" else "|".join(f"{at}|{i}" for at, i in members)
        result[name] = {f"{at}|{i}" for at, i in members}
    return result


keys = st.lists(st.sampled_from("pqrs"), max_size=2)
edits = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(0, 4), keys, keys, st.booleans(), st.booleans()),
    max_size=25,
)


@given(edits, st.sampled_from(["first", "composite"]), st.integers(1, 3))
@settings(max_examples=80, deadline=None)
def test_incremental_runs_end_where_brute_force_does(steps: list[Any], identity: str, batch: int) -> None:
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "n.db")
        for name in "ABC":
            store.dataset(name, create=True).set_populated()
        config = {"_id": "m", "type": "pipe", "batch_size": batch, "source": {**MERGE, "identity": identity}}
        config["transform"] = {
            "type": "dtl",
            "rules": {"default": [["copy", ["list", "$replaced"]], ["add", "who", "_S.who"]]},
        }
        pipe = Pipe(config, Engine(store, Systems({})))
        content: dict[str, dict[str, dict[str, Any]]] = {"A": {}, "B": {}, "C": {}}
        for dataset, number, k, m, deleted, run in steps:
            name = f"{dataset.lower()}{number}"
            entity = {
                "_id": name,
                "k": k,
                "m": m,
                "who": f"{'ABC'.index(dataset)}|{name}",
                "_deleted": deleted,
            }
            content[dataset][name] = entity
            store.dataset(dataset).write([entity])
            if run:
                assert pipe.run().status == "success"
        assert pipe.run().status == "success"
        rows = store.dataset("m", create=True).read(deleted=False)
        found = {e["_id"]: set(e["who"] if isinstance(e["who"], list) else [e["who"]]) for e in rows}
        assert found == brute_force(content, identity)
        before = store.dataset("m").max_updated
        pipe.run()
        assert store.dataset("m").max_updated == before, "a run without changes writes nothing"
        pipe.run(full=True)
        rows = store.dataset("m").read(deleted=False)
        assert {e["_id"] for e in rows} == set(found), "a rescan changes nothing that is alive"
        store.close()


@pytest.fixture
def merged(pipe: Callable[..., Pipe], fill: Callable[..., None]) -> Pipe:
    fill("A", {"_id": "a1", "k": "x", "n": 1}, {"_id": "a2", "k": "y", "n": 2})
    fill("B", {"_id": "b1", "k": "x", "n": 1}, {"_id": "b2", "k": "z"})
    fill("C")
    built = pipe("m", {**MERGE, "identity": "first", "strategy": "compact"})
    assert built.run().status == "success"
    return built


def latest(store: Store, name: str) -> dict[str, dict[str, Any]]:
    return {
        e["_id"]: {k: v for k, v in e.items() if k[0] != "_" or (k == "_deleted" and v)}
        for e in store.dataset(name).read()
    }


def test_joining_and_splitting_leaves_tombstones(
    merged: Pipe, store: Store, fill: Callable[..., None]
) -> None:
    assert latest(store, "m")["a1"] == {"$ids": ["a1", "b1"], "k": "x", "n": 1}
    fill("B", {"_id": "b2", "k": "y"})
    merged.run()
    now = latest(store, "m")
    assert now["a2"] == {"$ids": ["a2", "b2"], "k": "y", "n": 2}
    assert now["b2"] == {"_deleted": True, "$replaced": True}
    fill("B", {"_id": "b2", "k": "z"})
    merged.run()
    now = latest(store, "m")
    assert now["a2"] == {"$ids": ["a2"], "k": "y", "n": 2} and now["b2"] == {"$ids": ["b2"], "k": "z"}


def test_one_id_for_two_entities_is_refused(
    pipe: Callable[..., Pipe], fill: Callable[..., None], store: Store
) -> None:
    fill("A", {"_id": "same", "k": "x"}, {"_id": "a2", "k": "z"})
    fill("B", {"_id": "b1", "k": "x"}, {"_id": "b2", "k": "y"})
    fill("C")
    built = pipe("m", {**MERGE, "identity": "first"})
    assert built.run().status == "success"
    fill("C", {"_id": "same", "k": "other"})
    refused = built.run()
    assert refused.status == "failed" and "'same'" in refused.reason and "A and C" in refused.reason
    assert latest(store, "m")["same"]["$ids"] == ["same", "b1"]
    fill("C", {"_id": "same", "k": "x"})
    assert built.run().status == "success", "the two are one now"
    fill("C", {"_id": "same", "k": "y"})
    assert built.run().status == "success", "it goes by the id of b2 now"
    assert latest(store, "m")["b2"]["$ids"] == ["b2", "same"]


def test_a_living_representative_is_never_replaced_on_the_way(
    pipe: Callable[..., Pipe], fill: Callable[..., None], store: Store
) -> None:
    fill("A", {"_id": "a1", "k": "x"}, {"_id": "a2", "k": "y"})
    fill("B", {"_id": "b1", "k": ["x", "y"]})
    fill("C")
    built = pipe("m", {**MERGE, "identity": "first"})
    built.run()
    assert latest(store, "m")["a1"]["$ids"] == ["a1", "a2", "b1"]
    fill("A", {"_id": "a2", "k": "z"})
    fill("B", {"_id": "b1", "k": "none"})
    built.run()
    assert {name: e["$ids"] for name, e in latest(store, "m").items()} == {
        "a1": ["a1"],
        "a2": ["a2"],
        "b1": ["b1"],
    }
    assert not any(e["_deleted"] for e in store.dataset("m").read(history=True))


def test_a_deleted_member_comes_out_alone(merged: Pipe, store: Store, fill: Callable[..., None]) -> None:
    fill("A", {"_id": "a1", "k": "x", "n": 1, "_deleted": True})
    merged.run()
    now = latest(store, "m")
    assert now["a1"]["_deleted"] is True and "$replaced" not in now["a1"]
    assert now["b1"] == {"$ids": ["b1"], "k": "x", "n": 1}


def test_only_touched_components_are_emitted(merged: Pipe, fill: Callable[..., None]) -> None:
    fill("A", {"_id": "a1", "k": "x", "n": 9})
    result = merged.run()
    assert (result.sync_type, result.counts.read, result.changed) == ("incremental", 1, 1)


def test_ids_are_nis_with_namespaced_identifiers(
    pipe: Callable[..., Pipe], fill: Callable[..., None], store: Store
) -> None:
    fill("A", {"_id": "x:a1", "k": "x"})
    fill("B", {"_id": "y:b1", "k": "x", "$ids": ["~:y:b1", "~:z:9"]})
    built = pipe("m", {**MERGE, "datasets": ["A a", "B b", "C c"]}, namespaced_identifiers=True)
    built.run()
    assert [e["$ids"] for e in store.dataset("m").read()] == [["~:x:a1", "~:y:b1", "~:z:9"]]


def test_too_large_a_component_fails_the_run(
    pipe: Callable[..., Pipe], fill: Callable[..., None], store: Store
) -> None:
    fill("A", *({"_id": f"a{n}", "k": "same"} for n in range(5)))
    fill("B", {"_id": "b", "k": "same"})
    result = pipe("m", {**MERGE, "max_merged": 5}).run()
    assert result.status == FAILED and "max_merged=5" in result.reason
    assert store.dataset("m").max_updated is None


def test_rules_are_checked_when_the_pipe_is_built(pipe: Callable[..., Pipe]) -> None:
    with pytest.raises(ConfigProblem, match="exactly one"):
        pipe("m", {"type": "merge", "datasets": ["A a", "B b"], "equality": [["eq", "a.x", "d.x"]]})
    with pytest.raises(ConfigProblem, match="twice"):
        pipe("m", {"type": "merge", "datasets": ["A a", "A b"], "equality": []})


def test_a_dataset_made_again_joins_by_what_it_holds_now(
    pipe: Callable[..., Pipe], fill: Callable[..., None], store: Store
) -> None:
    fill("A", {"_id": "1", "k": "p"})
    fill("B", {"_id": "2", "k": "p"}, {"_id": "3", "k": "q"})
    fill("C")
    merged = pipe("m", {**MERGE, "identity": "first"}, reprocessing_policy="automatic")
    merged.run()
    assert {e["_id"] for e in store.dataset("m").read(deleted=False)} == {"1", "3"}
    store.delete_dataset("A")
    fill("A", {"_id": "1", "k": "q"})
    merged.run()
    found = {e["_id"]: sorted(e["$ids"]) for e in store.dataset("m").read(deleted=False)}
    assert found == {"1": ["1", "3"], "2": ["2"]}
