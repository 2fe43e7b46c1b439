"""Templates in configs: what they give, and what the sandbox keeps them from."""

from __future__ import annotations

from typing import Any

import pytest

from localnode.pipes import ConfigProblem
from localnode.pipes.jinja import TemplateFailed, template


@pytest.mark.parametrize(
    ("source", "variables", "expected"),
    [
        ("a{{ x }}b", {"x": None}, "ab"),
        ("{{ x }}", {"x": 1}, "1"),
        ("{{ ('0:' + x) | bytes | base64_encode }}", {"x": "t"}, "MDp0"),
        ("{{ 'YWJj' | base64_decode }}", {}, "~bYWJj"),
        ("{{ (x * 1000 * 1000) | datetime | datetime_format }}", {"x": 1000}, "1970-01-01T00:00:01Z"),
        ("{{ '2015-07-28T09:46:00Z' | datetime | datetime_format('%d.%m.%Y') }}", {}, "28.07.2015"),
        ("{{ (now() + timedelta(hours=48)).strftime('%Y') | length }}", {}, "4"),
        ("{{ secret('a') }}", {"secret": {"a": "b"}.get}, "b"),
    ],
)
def test_text(source: str, variables: dict[str, Any], expected: str) -> None:
    assert template(source).text(variables) == expected


@pytest.mark.parametrize(
    ("source", "expected"), [("{{ x }}", 5), (" {{ x * 60 }} ", 300), ("{{ x }}{{ x }}", "55"), ("a", "a")]
)
def test_value(source: str, expected: Any) -> None:
    assert template(source).value({"x": 5}) == expected


@pytest.mark.parametrize(
    "source",
    [
        "{% include '/etc/passwd' %}",
        "{% import '/etc/passwd' as p %}",
        "{% extends '/etc/passwd' %}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ now.__globals__ }}",
        "{{ x.append(1) }}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ 9 ** 99999 ** 9 }}",
        "{{ '%9999999999d' % 1 }}",
        "{% for i in range(10 ** 9) %}{% endfor %}",
        "{{ missing }}",
        "{{ 1 / 0 }}",
        "{{ 'x' | datetime_format('%Q') }}{{ missing.too }}",
    ],
)
def test_what_no_template_can_do(source: str) -> None:
    with pytest.raises(TemplateFailed, match="template "):
        template(source).text({"x": []})


@pytest.mark.parametrize("source", ["{{", "{% if %}", "{{ x | nosuch }}", "{{ 'a' | center(5) }}"])
def test_what_does_not_compile(source: str) -> None:
    with pytest.raises(ConfigProblem, match="Jinja"):
        template(source, ("source", "url"))
