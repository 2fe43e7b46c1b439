"""Define open readings: what neither Sesam's documentation nor a recording of a hosted node settles.

One table has each question, this node's answer (the first choice), and the other possible answers. If a
hosted node turns out to behave differently, `NODE_READINGS` switches that reading. Tests switch all of them,
to check that nothing depends on a guess. docs/reference/readings.md is generated from the table.

Readings apply when rules are compiled or run, so call `choose` first, and once in a process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from core.settings import setting
from core.suggestions import did_you_mean


@dataclass(frozen=True, slots=True)
class Reading:
    """One open question, in Markdown; `choices` says what each reading means, the node's own first."""

    about: str
    question: str
    choices: Mapping[str, str]

    @property
    def default(self) -> str:
        """Return this node's own reading."""
        return next(iter(self.choices))

    @property
    def others(self) -> tuple[str, ...]:
        """Return the other possible readings."""
        return tuple(self.choices)[1:]


def _of(about: str, question: str, **choices: str) -> Reading:
    return Reading(about, question, {name.replace("_", "-"): meaning for name, meaning in choices.items()})


_VALUES, _LISTS, _TEXTS = "Values", "Lists and dictionaries", "Strings"
_TIMES, _IDS, _RULES = "Dates", "Namespaces and ids", "Rules and targets"
_HOPS, _SOURCES = "Hops and other datasets", "Sources and sinks"

READINGS: dict[str, Reading] = {
    "numbers": _of(
        _VALUES,
        "Are `1`, `1.0` and the decimal 1 the same value for `eq`, `in`, `distinct`, the set functions and"
        " joins?",
        different="three values",
        equal="one value, as for `gt` and in sorting",
    ),
    "eq-null": _of(
        _VALUES,
        'Is null equal to `[]`, as both have no values? (The page of `eq` coerces to lists, that of `add-if`'
        " tells them apart.)",
        different="`eq` of null and `[]` is false",
        equal="it is true",
    ),
    "compare-null": _of(
        _VALUES,
        "What do `gt`, `gte`, `lt` and `lte` return for null, and for two values of different types?",
        false="false, in either order",
        ordered="the result of the mixed type ordering: null comes before everything",
    ),
    "all-of-none": _of(
        _VALUES, "What is `all` of no values?", true="true", false="false"
    ),
    "boolean-to-number": _of(
        _VALUES,
        "Do `integer`, `float` and `decimal` convert booleans?",
        dropped="no: they are dropped, or replaced by the default",
        number="yes: true is 1, false is 0",
    ),
    "number-with-spaces": _of(
        _VALUES,
        'Do `integer`, `float` and `decimal` convert `" 1 "`?',
        dropped="no",
        number="yes, spaces around it do not count",
    ),
    "integer-of-datetime": _of(
        _VALUES,
        "Does `integer` convert datetimes? (Its page names none, but the published example of transform"
        " completeness waits until the integer of one is more than 0.)",
        nanoseconds="yes, to nanoseconds since 1970, which `datetime` takes back",
        dropped="no: they are dropped, or replaced by the default",
    ),
    "integer-of-negative": _of(
        _VALUES,
        "What is `integer` of -1.5?",
        truncated="-1, its fraction is cut off",
        floored="-2, the next lower integer",
    ),
    "numeric-strings": _of(
        _VALUES,
        "Are strings such as `\"1\"` numbers for mathematics?",
        strings="no",
        numbers="yes",
    ),
    "integer-quotient": _of(
        _VALUES,
        "What kind of number is one integer divided by another?",
        decimal="a decimal",
        float="a float",
    ),
    "remainder-sign": _of(
        _VALUES,
        "Which sign does a remainder have if only one operand is negative?",
        divisor="that of the divisor",
        dividend="that of the dividend",
    ),
    "decimal-scale": _of(
        _VALUES,
        'Does the decimal of `"1.50"` keep its zero?',
        kept="yes, digits stay as they are written",
        normal="no, it is 1.5",
    ),
    "sum-of-none": _of(_LISTS, "What is `sum` of no values?", zero="0", null="null"),
    "ties": _of(
        _LISTS,
        "Which value do `max` and `min` return if several are the greatest or least by FUNCTION?",
        first="the first",
        last="the last",
    ),
    "descending-ties": _of(
        _LISTS,
        "In which order does `sorted-descending` leave values that are equal by FUNCTION?",
        kept="as they were",
        reversed="the other way round",
    ),
    "list-of-null": _of(
        _LISTS,
        "What do `map`, `filter`, `map-values`, `flatten`, `reversed`, `slice` and `insert` return for null?",
        empty="what they return for no values (`[]`)",
        null="null",
    ),
    "one-entry": _of(
        _LISTS,
        "Do `items`, `keys` and `values` of a dict with one entry return a list? (`key-values` returns a"
        " single dict.)",
        list="a list of one",
        lone="the single entry",
    ),
    "one-pair": _of(
        _LISTS,
        "What does `key-values` return for a list with one dict that has one entry? (For that dict alone it"
        " returns a single dict.)",
        list="a list of one",
        lone="a single dict",
    ),
    "flatten-null": _of(_LISTS, "Does `flatten` keep nulls?", kept="yes", dropped="no"),
    "combine-null": _of(
        _LISTS, "Is a null among several arguments of `combine` a value?", dropped="no", kept="yes"
    ),
    "nth-negative": _of(
        _LISTS, "Which value is `nth` -1?", from_end="the last", null="none, so null"
    ),
    "insert-outside": _of(
        _LISTS,
        "What does `insert` do with an INDEX outside the list?",
        clamped="the value goes to the nearest end",
        ignored="nothing: the list stays as it is",
    ),
    "null-position": _of(
        _LISTS,
        "What does a null START or END mean for `slice` and `substring`?",
        bound="the start or the end",
        null="the result is null",
    ),
    "dict-keys": _of(
        _LISTS,
        "What happens to a key of `dict` that is not a string?",
        dropped="it is left out with its value",
        text="its text is the key, except for null",
    ),
    "path-null": _of(
        _LISTS,
        "Are nulls that a path finds in a list among its values?",
        kept="yes",
        dropped="no",
    ),
    "path-union": _of(
        _LISTS,
        "If a path finds a property in several namespaces, are equal values returned once?",
        all="no, all values are returned",
        distinct="yes",
    ),
    "split-empty": _of(
        _TEXTS,
        "Does `split` keep empty parts?",
        kept="yes",
        dropped="no",
    ),
    "replace-dict": _of(
        _TEXTS,
        "How does `replace` apply a dict of replacements?",
        at_once="in one pass: a replacement is not replaced again; longer keys first",
        in_turn="one after the other, in the order written",
    ),
    "concat-tagged": _of(
        _TEXTS,
        "Do `concat` and `join` accept identifiers, URIs, times and UUIDs?",
        dropped="no, only strings",
        text="yes, as `string` writes them",
    ),
    "join-of-none": _of(
        _TEXTS, "What is `join` of an empty list?", empty='`""`', null="null, as for null"
    ),
    "json-uri": _of(
        _TEXTS,
        "Is a single URI quoted in the JSON text that `json` returns? (The page prints it without quotes.)",
        quoted="yes",
        bare="no",
    ),
    "json-escapes": _of(
        _TEXTS,
        "How do `json` and `json-transit` write characters beyond ASCII?",
        none="unchanged",
        ascii="as `\\u…`",
    ),
    "datetime-without-zone": _of(
        _TIMES,
        "Does `datetime` convert a text without `Z` and offset, or a date?",
        dropped="no",
        utc="yes, as UTC",
    ),
    "month-end": _of(
        _TIMES,
        "What is January 31 plus one month?",
        last="the last day of February",
        over="the missing days are counted into March: March 2 or 3",
    ),
    "fraction-digits": _of(
        _TIMES,
        "What does `%f` of `datetime-format` do with digits finer than microseconds?",
        cut="they are cut off",
        rounded="they are rounded, halves up",
    ),
    "ni-colons": _of(
        _IDS,
        "Where does the identifier of `~:a:b:c` begin, for `ni-id`, `ni-ns` and the pipe setting"
        " `remove_namespaces`?",
        first="after the first colon, so that they undo `ni`",
        last="after the last, as in property names",
    ),
    "id-colons": _of(
        _IDS,
        "What does `remove_namespaces` leave of the `_id` `a:b:c`? (The vendor's advice is to have no colon"
        " in what stays.)",
        last="`c`",
        first="`b:c`",
    ),
    "added-id": _of(
        _IDS,
        "Does `add` of an `_id` that has a namespace put the pipe's in front?",
        kept="no, it stays as it is",
        prefixed="yes, unless it has that namespace already",
    ),
    "make-ni-order": _of(
        _IDS, "In which order does `make-ni` leave a list?", sorted="sorted", kept="as it was"
    ),
    "source-ids": _of(
        _IDS,
        "What does `_S.$ids` return if an entity has none?",
        list="a list of its `_id` as identifier",
        lone="its `_id` as identifier",
    ),
    "deleted-carried": _of(
        _RULES,
        "Does the target start with the `_deleted` of the source?",
        yes="yes",
        no="no: rules must copy it if they need it",
    ),
    "copy-internal": _of(
        _RULES,
        'Does `["copy", "*"]` take root properties with `_`, such as `_updated`?',
        all="yes, all",
        few="only `_id` and `_deleted`",
    ),
    "applied-null": _of(
        _RULES, "Is a rule applied to null?", no="no: the result is null", yes="yes, as to any value"
    ),
    "missing-source": _of(
        _RULES,
        "What does `rename` do if the source does not have the property?",
        nothing="nothing",
        null="the target's property is null",
    ),
    "union-null": _of(
        _RULES, "Does `merge-union` keep a null among values?", kept="yes", dropped="no"
    ),
    "id-list": _of(
        _RULES,
        "What happens to an entity whose rules give it several values as `_id`, such as those that hops find?"
        " (Recorded: the run succeeds.)",
        first="its `_id` is the first that is a string",
        left_out="it is left out",
    ),
    "created-first": _of(
        _RULES,
        "Where in the output are the entities that `create` produces?",
        before="before the target",
        after="after it, so that with the same `_id` they win",
    ),
    "first-change": _of(
        _RULES,
        "What is `is-changed` for a deleted entity without a previous version?",
        null="null, as for any entity without one",
        true="true, since it is deleted",
    ),
    "hop-duplicates": _of(
        _HOPS,
        "Is an entity returned several times if several rows of `hops` lead to it?",
        kept="yes, once for each row",
        once="no",
    ),
    "max-depth": _of(
        _HOPS,
        "What does `max_depth` of a `recurse` count?",
        all="all rounds",
        further="the rounds after the first",
    ),
    "root-again": _of(
        _HOPS,
        "Does `exclude_root` also apply if the recursion reaches the root again?",
        shown="no: it is returned then",
        out="yes, for entities with its `_id`",
    ),
    "lookup-deleted": _of(
        _HOPS,
        "What does `lookup-entity` return for a deleted entity?",
        null="nothing",
        entity="the entity as it was, with `_deleted`",
    ),
    "completeness-of-input": _of(
        _HOPS,
        "Up to which time is the input that a pipe read from outside complete?",
        start="the start of its run",
        end="the end of its run",
    ),
    "merge-nulls": _of(
        _SOURCES,
        "Does the merge strategy `default` list nulls beside values of other members?",
        kept="yes",
        dropped="no",
    ),
    "merged-id": _of(
        _SOURCES,
        "Do the members in `$merged` (strategy `list`) have an `_id`?",
        yes="yes",
        no="no",
    ),
    "merged-one": _of(
        _SOURCES,
        "What does the merge strategy `compact` return for a list with one value that only one member has?"
        " (Its page says that single values are unwrapped; hosted nodes were recorded leaving this list.)",
        list="that list",
        lone="the value in it",
    ),
    "latest-ties": _of(
        _SOURCES,
        "Which of two versions with the same time is the latest for `merge_datasets`?",
        later="that of the dataset named later",
        earlier="that of the dataset named earlier",
    ),
    "deleted-part": _of(
        _SOURCES,
        "What does `merge_datasets` with strategy `all` return for a deleted part?",
        kept="the part, with `_deleted`",
        dropped="nothing, unless all are",
    ),
    "unknown-deletion": _of(
        _SOURCES,
        "What does the `dataset` sink do with a deleted entity whose `_id` the dataset has never had?",
        kept="it is stored as deleted",
        dropped="nothing: there is nothing to delete",
    ),
}  # fmt: skip
"""Every open question by its name."""

_chosen = {name: reading.default for name, reading in READINGS.items()}


def reads(name: str, choice: str) -> bool:
    """Return whether the question `name` is read as `choice`."""
    return _chosen[name] == choice


def turned() -> str:
    """Return the readings that are not the node's own, as `parse` takes them; "" if there are none."""
    changed = (f"{name}={choice}" for name, choice in _chosen.items() if choice != READINGS[name].default)
    return ", ".join(changed)


def choose(choices: Mapping[str, str]) -> None:
    """Use these readings, and the node's own for all other questions."""
    for name, reading in READINGS.items():
        _chosen[name] = choices.get(name, reading.default)


@contextmanager
def chosen(choices: Mapping[str, str]) -> Iterator[None]:
    """Use these readings within the context, and the present ones for all other questions."""
    before = dict(_chosen)
    choose({**before, **choices})
    try:
        yield
    finally:
        choose(before)


def parse(written: str) -> dict[str, str]:
    """Read `ties=last, numbers=equal`; raise ValueError that says what is wrong."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in written.split(","))):
        name, _, choice = (part.strip() for part in pair.partition("="))
        if name not in READINGS:
            raise ValueError(f'names "{name}", which is not a reading{did_you_mean(name, READINGS)}')
        choices = READINGS[name].choices
        if choice not in choices:
            hint = did_you_mean(choice, choices)
            raise ValueError(f"must say {' or '.join(f'{name}={word}' for word in choices)}{hint}")
        found[name] = choice
    return found


@dataclass(frozen=True)
class ReadingSettings:
    """How open questions are read."""

    readings: Mapping[str, str] = setting(
        "NODE_READINGS",
        "how to interpret what Sesam's documentation leaves open, if a hosted node is known to behave"
        " differently: `name=choice`, separated by commas ([readings](readings.md))",
        parse,
        {},
        shown="",
    )
