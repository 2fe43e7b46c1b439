"""Lists: building them, taking them apart, and looking for values in them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from localnode.dtl.api import Refusal
from localnode.dtl.arithmetic import add, number_of, value_of
from localnode.dtl.budget import spend_items, spend_results
from localnode.dtl.decorators import broadcast, fold_constant, plain, special
from localnode.dtl.functions.dicts import pairs_of
from localnode.dtl.functions.json import transit_text
from localnode.dtl.kinds import ABSENT, INVALID
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Evaluator, Expr
from localnode.dtl.values import ESCAPED, as_list, first, hashed, is_string, order_key, truthy
from localnode.readings import reads

MAX_RANGE = 1_000_000
KEY_AND_VALUE = ["list", "_.key", "_.value"]
"""With `map` over `key-values`: how rules ask for the pairs of a dict, which need no dict each on the way."""


def _listed(values: object) -> list[object] | None:
    """Return the values as a list; null has none, or (another reading) is not a list."""
    return None if values is None and reads("list-of-null", "null") else as_list(values)


def _each(call: Call, apply: Callable[[list[object], Callable[[object], object]], object]) -> Expr:
    """Return a function of the values and of FUNCTION (without it, of what gives a value back)."""
    function, values = call.named("FUNCTION"), call.named("VALUES").run
    if function is None:
        return fold_constant(lambda f, v: apply(as_list(values(f, v)), lambda item: item), call.args)
    result = function.run
    return Expr(lambda f, v: apply(as_list(values(f, v)), lambda item: result(f, item)))


@special("list", signature="VALUES*")
def list_(call: Call) -> Expr:
    """Return a list of the arguments as they are; nested lists stay nested, nulls are kept."""
    runs = [arg.run for arg in call.args]
    count = len(runs)

    def listed(f: Frame, v: object) -> list[object]:
        spend_items(count)
        return [run(f, v) for run in runs]

    return fold_constant(listed, call.args)


@special("combine", signature="VALUES+")
def combine(call: Call) -> Expr:
    """One list of the values of all arguments; null has no values, lists within lists stay as they are."""
    runs = [arg.run for arg in call.args]
    if len(runs) > 1 and reads("combine-null", "kept"):

        def with_nulls(f: Frame, v: object) -> list[object]:
            found = (run(f, v) for run in runs)
            return [item for values in found for item in ([None] if values is None else as_list(values))]

        return fold_constant(with_nulls, call.args)

    def combined(f: Frame, v: object) -> list[object]:
        found: list[Any] = []
        for run in runs:
            value = run(f, v)
            if type(value) is list:
                found += value
            elif value is not None:
                found.append(value)
        spend_items(len(found))
        return found

    return fold_constant(combined, call.args)


@plain("count", signature="VALUES")
def count(values: object) -> int:
    """Return the number of values: 0 for null, 1 for a single value."""
    return len(as_list(values))


@special("distinct", signature="[FUNCTION:each] VALUES")
def distinct(call: Call) -> Expr:
    """Return the values without duplicates (by FUNCTION, if given): the first of each, in order.

    Other values are returned unchanged.
    """
    function, values = call.named("FUNCTION"), call.named("VALUES").run
    key: Evaluator = function.run if function else lambda f, v: v

    def run(f: Frame, v: object) -> object:
        items = values(f, v)
        return distinct_by(items, lambda item: key(f, item)) if type(items) is list else items

    return Expr(run) if function else fold_constant(run, call.args)


def distinct_by(items: list[object], key: Callable[[object], object]) -> list[object]:
    """Return the first item of each key, in order."""
    spend_items(len(items))
    found: dict[Hashable, Any] = {}
    for item in items:
        found.setdefault(hashed(key(item)), item)
    return list(found.values())


@plain("enumerate", signature="[START:integer] VALUES")
def enumerate_(start: Any, values: object) -> object:
    """`{"key": n, "value": v}` for each value, with n from START (default 0).

    A single dict for a single value, null for null.
    """
    first_key = 0 if start is ABSENT else start
    if type(values) is not list:
        return None if values is None else {"key": first_key, "value": values}
    spend_results(2 * len(values))
    return [{"key": key, "value": item} for key, item in enumerate(values, first_key)]


@special("filter", signature="FUNCTION:each VALUES")
def filter_(call: Call) -> Expr:
    """Return a list of the values of which FUNCTION is truthy."""
    test, values = call.args[0].run, call.args[1].run
    if reads("list-of-null", "empty"):

        def select(f: Frame, v: object) -> list[object]:
            found = values(f, v)
            if type(found) is not list:
                found = [] if found is None else [found]
            spend_items(len(found))
            return [
                item
                for item in found
                if (held := test(f, item)) is True or (held is not False and truthy(held))
            ]

        return Expr(select)

    def run(f: Frame, v: object) -> object:
        items = _listed(values(f, v))
        if items is None:
            return None
        spend_items(len(items))
        return [item for item in items if truthy(test(f, item))]

    return Expr(run)


@plain("first", signature="VALUES")
def first_(values: object) -> object:
    """Return the first value of a list, null if it is empty; anything else is returned as it is."""
    return first(values)


@plain("last", signature="VALUES")
def last(values: object) -> object:
    """Return the last value of a list, null if it is empty; anything else is returned as it is."""
    if type(values) is list:
        return values[-1] if values else None
    return values


@plain("flatten", signature="VALUES")
def flatten(values: object) -> list[object] | None:
    """Return the values as a list, with the elements of lists among them put in their place (one level).

    Nulls are kept.
    """
    items = _listed(values)
    if items is None:
        return None
    found: list[Any] = []
    for item in items:
        if type(item) is list:
            spend_items(len(item))
            found += item
        else:
            found.append(item)
    return found if reads("flatten-null", "kept") else [item for item in found if item is not None]


@special("group", signature="KEY_FUNCTION:each VALUE_FUNCTION:each VALUES")
def group(call: Call) -> Expr:
    """Return a list of `[key, [values…]]`.

    The keys are those of KEY_FUNCTION in first-seen order, the values those of VALUE_FUNCTION.
    """
    key, value, values = (arg.run for arg in call.args)

    def run(f: Frame, v: object) -> list[object]:
        groups: dict[Hashable, list[Any]] = {}
        items = as_list(values(f, v))
        spend_results(len(items))
        for item in items:
            name = key(f, item)
            groups.setdefault(hashed(name), [name, []])[1].append(value(f, item))
        return list(groups.values())

    return Expr(run)


@special("group-by", signature="KEY_FUNCTION:each [STRING_FUNCTION:each] VALUES")
def group_by(call: Call) -> Expr:
    """Return a dict from key string to the list of values with that key.

    The key string is the `json-transit` text of what KEY_FUNCTION gives (so "A" becomes the key "\\"A\\""),
    or STRING_FUNCTION of it, with `_` bound to it; values where STRING_FUNCTION returns no string are left
    out.
    """
    key, values = call.args[0].run, call.args[-1].run
    to_string: Evaluator = call.args[1].run if len(call.args) == 3 else lambda f, v: transit_text(v)

    def run(f: Frame, v: object) -> dict[str, list[object]]:
        groups: dict[str, list[Any]] = {}
        items = as_list(values(f, v))
        spend_results(len(items))
        for item in items:
            name = to_string(f, key(f, item))
            if is_string(name):
                groups.setdefault(str(name), []).append(item)
        return groups

    return Expr(run)


@special("in", signature="VALUES ITEMS")
def in_(call: Call) -> Expr:
    """Return True if every one of VALUES is among ITEMS; false if there are no values (`[null]` is one)."""
    values, items = call.args[0].run, call.args[1].run
    if not call.args[1].constant:

        def among(f: Frame, v: object) -> bool:
            wanted, found = values(f, v), items(f, v)
            if type(wanted) is str and wanted[:1] not in ESCAPED and type(found) is list:
                return wanted in found  # as in `_is_among`, which most calls then need not make
            return _is_among(wanted, found)

        return Expr(among)
    known = {hashed(item) for item in as_list(call.args[1].value)}

    def run(f: Frame, v: Any) -> bool:
        wanted = values(f, v)
        if type(wanted) is str and wanted[:1] not in ESCAPED:
            return wanted in known
        wanted = as_list(wanted)
        return bool(wanted) and all(hashed(value) in known for value in wanted)

    return fold_constant(run, call.args)


def _is_among(values: object, items: object) -> bool:
    wanted = as_list(values)
    if not wanted:
        return False
    if len(wanted) == 1 and type(wanted[0]) is str and wanted[0][:1] not in ESCAPED:
        # The key of a plain string is that string, and nothing else equals one: a `Text` begins with "~".
        return wanted[0] in as_list(items)
    known = {hashed(item) for item in as_list(items)}
    return all(hashed(value) in known for value in wanted)


@plain("insert", signature="INDEX:integer VALUES OBJECT")
def insert(index: int, values: object, item: object) -> list[object] | None:
    """Return the values as a list with OBJECT (whole, even if it is a list) put in before INDEX.

    A negative INDEX counts from the end, one outside the list means its start or end.
    """
    items = _listed(values)
    if items is None:
        return None
    spend_items(len(items))
    inserted = list(items)
    if -len(items) <= index <= len(items) or reads("insert-outside", "clamped"):
        inserted.insert(index, item)
    return inserted


@plain("is-empty", signature="VALUES")
def is_empty(values: object) -> bool:
    """Return True if there are no values: null or `[]`."""
    return not as_list(values)


@plain("is-not-empty", signature="VALUES")
def is_not_empty(values: object) -> bool:
    """Return True if there is at least one value."""
    return bool(as_list(values))


@plain("is-list", signature="VALUES")
def is_list(values: object) -> bool:
    """Return True if the value is a list."""
    return type(values) is list


@special("map", signature="FUNCTION:each VALUES")
def map_(call: Call) -> Expr:
    """Return a list of what FUNCTION returns for each value."""
    function, values = call.args[0].run, call.args[1].run
    if call.args[0].raw == KEY_AND_VALUE and call.args[1].is_call("key-values"):
        entries = call.args[1].args[0].run
        return Expr(lambda f, v: pairs_of(entries(f, v)))
    if reads("list-of-null", "empty"):

        def results(f: Frame, v: Any) -> list[Any]:
            items = as_list(values(f, v))
            spend_results(len(items))
            return [function(f, item) for item in items]

        return Expr(results)

    def run(f: Frame, v: object) -> object:
        items = _listed(values(f, v))
        if items is None:
            return None
        spend_results(len(items))
        return [function(f, item) for item in items]

    return Expr(run)


@special("map-dict", signature="KEY_FUNCTION:each VALUE_FUNCTION:each VALUES")
def map_dict(call: Call) -> Expr:
    """Map-style over dicts: a dict with keys by KEY_FUNCTION and values by VALUE_FUNCTION.

    A key that is a list of one is that one; pairs whose key is then no string are left out, and so are empty
    dicts.
    """
    key, value, values = (arg.run for arg in call.args)

    def run(f: Frame, v: object) -> object:
        def one(item: object) -> object:
            if type(item) is not dict:
                return INVALID
            spend_results(len(item))
            pairs = ((_only(key(f, name)), value(f, content)) for name, content in item.items())
            return {str(name): content for name, content in pairs if is_string(name)} or INVALID

        return broadcast(one, values(f, v))

    return Expr(run)


def _only(value: object) -> object:
    """Return the value in a list of one; anything else as it is."""
    return value[0] if type(value) is list and len(value) == 1 else value


@special("map-values", signature="VALUE_FUNCTION:each VALUES")
def map_values(call: Call) -> Expr:
    """Return a list of what VALUE_FUNCTION returns for each value of each dict; other values are left out."""
    function, values = call.args[0].run, call.args[1].run

    def run(f: Frame, v: object) -> list[object] | None:
        items = _listed(values(f, v))
        if items is None:
            return None
        contents = [content for item in items if type(item) is dict for content in item.values()]
        spend_results(len(contents))
        return [function(f, content) for content in contents]

    return Expr(run)


@special("max", signature="[FUNCTION:each] VALUES")
def max_(call: Call) -> Expr:
    """Return the greatest value in the mixed type ordering (by FUNCTION, if given).

    The first of equals, null if there are no values.
    """
    return _each(call, lambda items, by: _extreme(max, items, by))


@special("min", signature="[FUNCTION:each] VALUES")
def min_(call: Call) -> Expr:
    """Return the least value in the mixed type ordering (by FUNCTION, if given).

    The first of equals, null if there are no values.
    """
    return _each(call, lambda items, by: _extreme(min, items, by))


def _extreme(choose: Callable[..., object], items: list[object], by: Callable[[object], object]) -> object:
    """Return the `min` or `max` of the values, of equals the first (or, another reading, the last)."""
    if len(items) < 2:
        return items[0] if items else None
    ordered = items if reads("ties", "first") else items[::-1]
    return choose(ordered, key=lambda item: order_key(by(item)), default=None)


def _nth_constant(call: Call) -> Evaluator | None:
    """Return `nth` with an index from the start that is written out."""
    index, values = call.args[0].value, call.args[1].run
    if not call.args[0].constant or type(index) is not int or index < 0:
        return None

    def at(f: Frame, v: object) -> object:
        items = values(f, v)
        if type(items) is list:
            return items[index] if index < len(items) else None
        return None if index else items

    return at


@plain("nth", signature="INDEX:integer VALUES", special_case=_nth_constant)
def nth(index: int, values: object) -> object:
    """Return the value at INDEX, from 0 (negative: from the end); null outside the list.

    A value that is not a list is its own only value.
    """
    items = as_list(values)
    least = -len(items) if reads("nth-negative", "from-end") else 0
    return items[index] if least <= index < len(items) else None


@plain("range", signature="START:integer STOP:integer [STEP:step]", fold=False)
def range_(start: int, stop: int, step: Any) -> list[int]:
    """Return the integers from START up to, not including, STOP.

    STEP is 1 by default and may be negative. At most a million of them.
    """
    numbers = range(start, stop, 1 if step is ABSENT else step)
    if numbers[MAX_RANGE:]:
        raise Refusal(f"range: more than {MAX_RANGE:,} numbers from {start} to {stop}")
    spend_items(len(numbers))
    return list(numbers)


@plain("reversed", signature="VALUES")
def reversed_(values: object) -> list[object] | None:
    """Return the values as a list, last first."""
    items = _listed(values)
    if items is None:
        return None
    spend_items(len(items))
    return items[::-1]


@plain("slice", signature="START:bound [END:bound] [STRIDE:step] VALUES")
def slice_(start: Any, end: Any, stride: Any, values: object) -> list[object] | None:
    """Return the values from START up to, not including, END, every STRIDE-th.

    Negative positions count from the end, a null position is the start or the end.
    """
    items = _listed(values)
    if items is None:
        return None
    spend_items(len(items))
    bounds = (None if bound is ABSENT else bound for bound in (start, end, stride))
    return items[slice(*bounds)]


@special("sorted", signature="[FUNCTION:each] VALUES")
def sorted_(call: Call) -> Expr:
    """Return the values in the mixed type ordering (by FUNCTION, if given); equals keep their order.

    Other values are returned unchanged.
    """
    return _sorted(call, descending=False)


@special("sorted-descending", signature="[FUNCTION:each] VALUES")
def sorted_descending(call: Call) -> Expr:
    """As `sorted`, greatest first; equals keep their order."""
    return _sorted(call, descending=True)


def _sorted(call: Call, descending: bool) -> Expr:
    function, values = call.named("FUNCTION"), call.named("VALUES").run
    by: Evaluator = function.run if function else lambda f, v: v
    turned = descending and reads("descending-ties", "reversed")

    def run(f: Frame, v: object) -> object:
        items = values(f, v)
        if type(items) is not list:
            return items
        spend_items(len(items))
        ordered = sorted(items, key=lambda item: order_key(by(f, item)), reverse=descending and not turned)
        return ordered[::-1] if turned else ordered

    return Expr(run) if function else fold_constant(run, call.args)


@plain("sum", signature="VALUES")
def sum_(values: object) -> object:
    """Return the sum of the numbers among the values, 0 if there are none."""
    total: Any = 0
    found = False
    for item in as_list(values):
        if (number := number_of(item)) is not None:
            total = add(total, number)
            found = True
    return value_of(total) if found or reads("sum-of-none", "zero") else None
