"""Indexes are keyed by all that their expression depends on."""

from __future__ import annotations

from typing import Any

import pytest

from localnode.pipes import Engine, Systems

JOINS = [
    (["uri-expand", "t.v"], "~rfoo:1", "~r{uri}1"),
    (["ni-expand", "t.v"], "~:foo:1", "{uri}1"),
    (["ni-collapse", ["string", "t.v"]], "http://a/1", "~:{name}:1"),
    (["ni", "t.v"], "~rhttp://a/1", "~:{name}:1"),
]


@pytest.mark.parametrize(("expression", "value", "found"), JOINS, ids=[str(join[0][0]) for join in JOINS])
def test_two_pipes_with_other_prefixes_share_no_index(pipe, fill, live, expression, value, found) -> None:
    """Each of them, run one after the other, finds what its own prefixes say."""
    fill("things", {"_id": "t", "v": value})
    for name, declared in (("a", {"foo": "http://a/"}), ("b", {"bar": "http://a/", "foo": "http://b/"})):
        prefix = next(iter(declared))
        wanted = found.format(uri=declared["foo"], name=prefix)
        fill("source", {"_id": "1", "wanted": wanted})
        hop = [
            "hops",
            {"datasets": ["things t"], "where": ["eq", "_S.wanted", expression], "return": "t._id"},
        ]
        built = pipe(
            name,
            {"type": "dataset", "dataset": "source"},
            [["add", "r", hop]],
            namespaces={"default": declared},
        )
        assert built.run().status == "success"
        assert live(name) == {"1": {"r": ["t"]}}


def test_prefixes_of_the_metadata_count_as_well(pipe, fill, live, engine: Engine) -> None:
    fill("things", {"_id": "t", "v": "~rfoo:1"})
    where = ["eq", "_S.wanted", ["uri-expand", "t.v"]]
    hop = ["hops", {"datasets": ["things t"], "where": where, "return": "t._id"}]
    for uri in ("http://a/", "http://b/"):
        fill("source", {"_id": "1", "wanted": f"~r{uri}1"})
        metadata = {"namespaces": {"default": {"foo": uri}}}
        changed = Engine(engine.store, Systems({}), metadata)
        built = pipe("a", {"type": "dataset", "dataset": "source"}, [["add", "r", hop]], engine=changed)
        assert built.run(full=True).status == "success"
        assert live("a")["1"]["r"] == ["t"]


def test_namespaces_that_a_function_adds_count_without_namespaced_identifiers(pipe, fill, live) -> None:
    fill("things", {"_id": "t", "v": {"n": 1}})
    hop: Any = {
        "datasets": ["things t"],
        "where": ["eq", "_S.wanted", ["keys", ["apply-ns", {}, "t.v"]]],
        "return": "t._id",
    }
    for name in ("a", "b"):
        fill("source", {"_id": "1", "wanted": f"{name}:n"})
        built = pipe(name, {"type": "dataset", "dataset": "source"}, [["add", "r", ["hops", hop]]])
        assert built.run().status == "success"
        assert live(name)["1"]["r"] == ["t"]


def test_an_equality_that_is_not_pure_is_refused(pipe) -> None:
    source = {
        "type": "merge",
        "version": 2,
        "datasets": ["a x", "b y"],
        "equality": [["eq", ["concat", "x.k", ["string", ["now"]]], "y.k"]],
    }
    with pytest.raises(Exception, match=r"must depend on x alone, not on now\(\)"):
        pipe("m", source)
