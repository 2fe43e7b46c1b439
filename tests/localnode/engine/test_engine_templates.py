"""Template transforms with their body in the config."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localnode.config.resolve import resolve
from localnode.extras import templates
from localnode.pipes import ConfigProblem, Pipe

Build = Callable[..., Pipe]
FROM_A = {"type": "dataset", "dataset": "a"}


def dtl(*rules: Any) -> dict[str, Any]:
    return {"type": "dtl", "rules": {"default": list(rules)}}


def test_properties_are_filled_in(pipe: Build, fill: Callable[..., None], live: Callable[[str], Any]) -> None:
    fill("a", {"_id": "1", "x": 1})
    body = {
        "transform": [
            dtl(["copy", "{{ properties.keep }}"], ["add", "n", "{{ properties.number }}"]),
            dtl(
                ["copy", "*"],
                ["add", "m", "{{ properties.word | upper }}{{ 1 }}"],
                ["add", "o", "{{ other }}"],
            ),
        ]
    }
    properties = {"keep": ["list", "x"], "number": 5, "word": "w"}
    pipe("b", FROM_A, transform={"type": "template", "template": body, "properties": properties}).run()
    assert live("b") == {"1": {"x": 1, "n": 5, "m": "W1", "o": "{{ other }}"}}


def test_a_single_transform_is_a_body_too(
    pipe: Build, fill: Callable[..., None], live: Callable[[str], Any]
) -> None:
    fill("a", {"_id": "1"})
    template = {"type": "template", "template": dtl(["add", "y", 1]), "properties": {}}
    pipe("b", FROM_A, transform=[template, dtl(["copy", "*"], ["add", "z", 2])]).run()
    assert live("b") == {"1": {"y": 1, "z": 2}}


@pytest.mark.parametrize(
    ("template", "word"),
    [
        ("transform-share-rest", "primary_key"),
        ({}, "must be a transform"),
        ({"transform": [5]}, "must be a transform"),
        (dtl(["add", "x", "{{ properties.none }}"]), "none"),
        (dtl(["add", "x", "{{ properties. }}"]), "Jinja"),
        (dtl(["addd", "x", 1]), "addd"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(pipe: Build, template: Any, word: str) -> None:
    config = {"type": "template", "template": template, "properties": {}}
    with pytest.raises(ConfigProblem, match=word) as caught:
        pipe("b", FROM_A, transform=config)
    assert caught.value.path[:2] == ("transform", "template")


def test_the_check_of_a_config_looks_into_templates() -> None:
    hop = ["hops", {"datasets": ["h h"], "where": [["eq", "_S.k", "h.k"]]}]
    body = {"transform": [dtl(["add", "x", hop]), {"type": "http", "system": "nosuch", "url": "/"}]}
    template = {"type": "template", "template": body, "properties": {}}
    config = resolve([{"_id": "b", "type": "pipe", "source": FROM_A, "transform": template}], {})
    found = {problem.elements: problem.msg for problem in config.pipes["b"].problems}
    assert 'unknown system "nosuch"' in found["$['transform']['template']['transform'][1]['system']"]
    assert any('hops to the dataset "h"' in msg for msg in found.values())


def test_an_operation_that_the_system_does_not_have_is_warned_of() -> None:
    system = {"_id": "s", "type": "system:rest", "url_pattern": "http://s.example/%s", "operations": {}}
    properties = {"primary_key": "id", "rest_system": "s", "share_dataset": "b"}
    template = {"type": "template", "template": "transform-share-rest", "properties": properties}
    config = resolve([system, {"_id": "b", "type": "pipe", "source": FROM_A, "transform": template}], {})
    assert config.pipes["b"].valid
    found = [
        problem.msg for problem in config.pipes["b"].problems if problem.elements.endswith("['operation']")
    ]
    assert len(found) == 3 and found[0] == 'system "s" has no operation "lookup": what asks for it fails'


@pytest.mark.parametrize("properties", [[], [1], "x", 5, True, {"primary_key": 5}, {"primary_key": []}])
@pytest.mark.parametrize("template", ["transform-share-rest", dtl(["add", "x", "{{ properties.y }}"])])
def test_properties_of_any_kind_are_no_more_than_a_problem(template: Any, properties: Any) -> None:
    transform = {"type": "template", "template": template, "properties": properties}
    config = resolve([{"_id": "b", "type": "pipe", "source": FROM_A, "transform": transform}], {})
    assert config.pipes["b"].id == "b"


def test_a_body_that_takes_long_to_fail_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localnode.extras.jinja_budget.MAX_MADE", 100_000)
    rendered: list[str] = []
    text = templates.template
    monkeypatch.setattr(
        templates, "template", lambda source, *path: rendered.append(source) or text(source, *path)
    )
    loop = "{% for a in range(99999) %}{{ a }}{% endfor %} sesam:markjson"
    pipe = {"_id": "b", "type": "pipe", "source": FROM_A, "transform": {"type": "template", "template": loop}}
    for _ in range(3):
        resolve([pipe], {})
    assert rendered == [loop]
