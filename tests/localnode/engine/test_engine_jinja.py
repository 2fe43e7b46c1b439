"""Templates in configs: what they give, and what the sandbox keeps them from."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from localnode.extras import jinja_budget
from localnode.extras.jinja import TemplateFailed, template
from localnode.pipes import ConfigProblem


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


def doubled(start: str, step: str) -> str:
    """A text, list or object that is made twice as large forty times, and then written out."""
    return start + step * 40 + "{{ a }}"


GROWING = {
    "~": doubled("{% set a = 'x' %}", "{% set a = a ~ a %}"),
    "+": doubled("{% set a = 'x' %}", "{% set a = a + a %}"),
    "*": doubled("{% set a = 'x' %}", "{% set a = a * 2 %}"),
    "block": doubled("{% set a = 'x' %}", "{% set a %}{{ a }}{{ a }}{% endset %}"),
    "list sum": doubled("{% set a = ['x'] %}", "{% set a = a + a %}"),
    "list in a list": doubled("{% set a = ['x'] %}", "{% set a = [a, a] %}"),
    "tuple": doubled("{% set a = 'x' %}", "{% set a = (a, a) %}"),
    "object": doubled("{% set a = 'x' %}", "{% set a = {'a': a, 'b': a} %}"),
    "dict()": doubled("{% set a = 'x' %}", "{% set a = dict(a=a, b=a) %}"),
    "slice": "{% set n = namespace(a=[]) %}{% for i in range(90000) %}{% set n.a = n.a + [('x' * 90000)[1:]] %}{% endfor %}",
    "replace": "{{ 'x'" + "|replace('x', 'x' * 99)" * 9 + " }}",
    "str.replace": "{{ 'x'" + ".replace('x', 'x' * 99)" * 9 + " }}",
    "str.translate": "{{ ('x' * 99999).translate({120: 'y' * 99999}) }}",
    "str.join": "{{ ('x' * 99999).join(['y'] * 99999) }}",
    "join": "{{ (['y'] * 99999) | join('x' * 99999) }}",
    "join of a generator": "{{ (['y'] * 99999) | map('replace', 'y', 'x' * 99999) | join }}",
    "ljust": "{{ 'x'.ljust(10 ** 9) }}",
    "zfill": "{{ 'x'.zfill(10 ** 9) }}",
    "expandtabs": "{{ '\t'.expandtabs(10 ** 9) }}",
    "to_bytes": "{{ (1).to_bytes(10 ** 9, 'big') }}",
    "format": "{{ '%999999999d' | format(1) }}",
    "width from the data": "{{ '%*d' % (10 ** 9, 1) }}",
    "str.format": "{{ '{:>999999999}'.format(1) }}",
    "str.format with a width from the data": "{{ '{:{}}'.format(1, 10 ** 9) }}",
    "many fields": "{{ ('{0}' * 99999).format('x' * 99999) }}",
    "output": "{% for i in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
    "fromkeys": "{{ dict.fromkeys(range(99999), 'x' * 99999) }}",
    "squares": "{% set n = namespace(a=99) %}{% for i in range(50) %}{% set n.a = n.a * n.a %}{% endfor %}",
    "lists added up": "{{ ([[1]] * 99999) | sum(start=[]) }}",
    "indent": "{{ [[1]] | tojson(indent=10 ** 9) }}",
    "loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "recursive loop": "{% for i in range(999) recursive %}{% if loop.depth < 9 %}{{ loop(range(999)) }}{% endif %}{% endfor %}",
    "endless macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "search from the right": "{{ ('a' * 999999).rfind('b' + 'a' * 400000) }}",
    "markup": "{{ ('<!---->' * 99999) | striptags }}",
}


@pytest.mark.parametrize("source", GROWING.values(), ids=GROWING.keys())
def test_what_grows_without_end_is_stopped(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a small budget, which is soon used up."""
    monkeypatch.setattr(jinja_budget, "MAX_MADE", 1_000_000)
    with pytest.raises(TemplateFailed, match="template "):
        template(source).text({})


def test_what_takes_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jinja_budget, "MAX_SECONDS", 0.05)
    with pytest.raises(TemplateFailed, match="longer than 0.05 s of CPU time"):
        template(GROWING["loops"]).text({})


ALL_AT_FULL_SIZE = """
import json, resource, sys, time
from localnode.extras import jinja_budget
from localnode.extras.jinja import TemplateFailed, template

resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
for name, source in json.load(sys.stdin).items():
    began = time.thread_time()
    try:
        template(source).text({})
        sys.exit(f"{name}: rendered")
    except TemplateFailed as error:
        if isinstance(error.__cause__, MemoryError):
            sys.exit(f"{name}: out of memory")
    if time.thread_time() - began > 2 * jinja_budget.MAX_SECONDS:
        sys.exit(f"{name}: {time.thread_time() - began} s")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_and_time_are_bounded() -> None:
    command = [sys.executable, "-c", ALL_AT_FULL_SIZE]
    done = subprocess.run(
        command, input=json.dumps(GROWING), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 400 * 1024


def test_a_budget_is_for_one_rendering() -> None:
    half = template("{% for i in range(n) %}{{ 'x' * 1000 }}{% endfor %}")
    for _ in range(3):
        assert len(half.text({"n": 12_000})) == 12_000_000


def test_ordinary_payloads_of_megabytes_pass() -> None:
    rows = [{"id": at, "text": "x" * 400} for at in range(10_000)]
    text = template("{% for row in rows %}{{ row | tojson }}{{ ',' if not loop.last }}{% endfor %}")
    assert len(json.loads(f"[{text.text({'rows': rows})}]")) == 10_000
    assert json.loads(template("{{ rows | tojson }}").text({"rows": rows})) == rows


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ '%05.1f|%s' % (2.25, 'a') }}", "002.2|a"),
        ("{{ '%05d' | format(7) }}", "00007"),
        ("{{ '{:>4}|{{}}'.format('a') }}", "   a|{}"),
        ("{{ x | map(attribute='id') | join(',') }}", "1,2"),
        ("{{ x | join(';', attribute='id') }}", "1;2"),
        ("{{ '-'.join(['a', 'b']) ~ '-'.join('cd') }}", "a-bc-d"),
        ("{{ x[0] | tojson(indent=1) | replace('\n', '') }}", '{ "id": 1}'),
        ("{% for i in [1, [2]] recursive %}{{ loop(i) if i is iterable else i }}{% endfor %}", "12"),
        (
            "{% set n = namespace(l=[]) %}{% for r in x %}{% set n.l = n.l + [r.id] %}{% endfor %}{{ n.l }}",
            "[1, 2]",
        ),
        ("{{ x | sum(attribute='id') }}{{ (1, 2) }}{{ x[1:] | length }}", "3(1, 2)1"),
        ("{% macro m(a) %}<{{ a }}>{{ caller() }}{% endmacro %}{% call m(1) %}b{% endcall %}", "<1>b"),
    ],
)
def test_what_the_budget_leaves_as_it_was(source: str, expected: str) -> None:
    assert template(source).text({"x": [{"id": 1}, {"id": 2}]}) == expected


@pytest.mark.parametrize("source", ["{{", "{% if %}", "{{ x | nosuch }}", "{{ 'a' | center(5) }}"])
def test_what_does_not_compile(source: str) -> None:
    with pytest.raises(ConfigProblem, match="Jinja"):
        template(source, ("source", "url"))
