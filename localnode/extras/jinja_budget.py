"""What rendering one template may cost: characters and items made, steps taken, seconds.

A config is written by somebody else and Jinja has loops, so a short template can ask for a year of work or
for more memory than there is. Whatever makes much out of little is measured before it is done, and
everything is counted against one budget: `rendering` opens it, `spend` draws on it. A template that
overdraws ends with a SecurityError, which says of what there was too much.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext, Undefined

MAX_MADE = 32 * 1024 * 1024
"""Characters and items that one rendering may make, in all: a payload of some ten megabytes, and its JSON."""
MAX_SECONDS = 5.0
"""CPU time, so that a busy machine fails nobody."""
MAX_WIDTH = 10_000
MAX_BITS = 10_000
STEP = 16
"""What a round of a loop, a call and a filter count for: two million of them are the whole budget."""

ITEM = 8
"""What an item of a list or an object counts for, besides what it holds."""

_CLOCK_BITS = 12
"""The clock is looked at once in so many spent (a power of two): asking it costs more than a step."""
_LONGEST_MARKED_UP = 100_000
_TEXTS = (str, bytes)
_LISTS = (list, tuple, set, frozenset)
_SEQUENCES = (str, bytes, list, tuple)
_OPEN_WIDTH = re.compile(r"%[^%a-zA-Z]*\*|\{[^{}]*:[^{}]*\{")
"""A width that the data gives: `%*d`, `{:{}}`."""


class Budget:
    """What a rendering may still use. `deadline` is on the clock of time.thread_time."""

    def __init__(self) -> None:
        self.left = MAX_MADE
        self.deadline = time.thread_time() + MAX_SECONDS


_budget: ContextVar[Budget | None] = ContextVar("rendering", default=None)


@contextmanager
def rendering() -> Iterator[None]:
    """Let whatever is rendered inside draw on one new budget."""
    token = _budget.set(Budget())
    try:
        yield
    finally:
        _budget.reset(token)


def spend(amount: int) -> None:
    """Draw on the budget. SecurityError when it does not reach, or time is up."""
    budget = _budget.get()
    if budget is None:
        return
    before = budget.left
    budget.left = left = before - amount
    if left < 0:
        raise SecurityError(f"it makes more than {MAX_MADE} characters, or takes too many steps")
    if before >> _CLOCK_BITS != left >> _CLOCK_BITS and time.thread_time() > budget.deadline:
        raise SecurityError(f"it takes longer than {MAX_SECONDS:g} s of CPU time")


def size(value: object) -> int:
    """Characters and items in a value, however often a part occurs in it.

    SecurityError beyond MAX_MADE: a list that holds one list twice, forty times over, is small until it is
    written out.
    """
    total, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, _TEXTS):
            total += len(item)
        elif isinstance(item, Mapping):
            total += ITEM * len(item)
            waiting.extend(item.keys())
            waiting.extend(item.values())
        elif isinstance(item, _LISTS):
            total += ITEM * len(item)
            waiting.extend(item)
        else:
            total += ITEM
        _check(total)
    return total


def _check(total: int) -> None:
    if total > MAX_MADE:
        raise SecurityError(f"a value of more than {MAX_MADE} characters")


def kept(value: Any) -> Any:
    """Return a value as it was made: measured, and drawn on the budget without the parts it is made of."""
    if isinstance(value, (*_LISTS, Mapping)):
        size(value)
        spend(ITEM * len(value))
    elif isinstance(value, _TEXTS):
        spend(len(value))
    return value


def each(values: Iterable[object]) -> Iterator[Any]:
    """Yield the items of a loop, one step each."""
    for value in values:
        spend(STEP)
        yield value


def as_text(value: object) -> str:
    """`str(value)`, measured before."""
    spend(size(value))
    return str(value)


def joined(values: Iterable[object]) -> str:
    """Return the texts of some values in a row."""
    return "".join([as_text(value) for value in values])


def concat(parts: Iterable[str]) -> str:
    """Return what a block, a macro or a template gives in pieces, as one text."""
    found = []
    for part in parts:
        spend(len(part))
        found.append(part)
    return "".join(found)


# -- operators ---------------------------------------------------------------------------------------------


def before_operator(operator: str, left: Any, right: Any) -> None:
    """Draw on the budget for what an operator is about to make."""
    whole = isinstance(left, int) and isinstance(right, int)
    if operator == "**" and whole and left.bit_length() * abs(right) > MAX_BITS:
        raise SecurityError("the number would be too long")
    if operator == "*" and whole and left.bit_length() + right.bit_length() > MAX_BITS:
        raise SecurityError("the number would be too long")
    if operator == "%" and isinstance(left, _TEXTS):
        form = left.decode("latin-1") if isinstance(left, bytes) else left
        before_format(form, form.count("%"), right)
    if operator == "*":
        for one, times in ((left, right), (right, left)):
            if isinstance(one, _SEQUENCES) and isinstance(times, int):
                _before_sequence(one, max(times, 0))
    if operator == "+" and isinstance(left, _SEQUENCES) and isinstance(right, _SEQUENCES):
        _check(size(left) + size(right))
        _before_sequence(left, 1)
        _before_sequence(right, 1)


def _before_sequence(value: Any, times: int) -> None:
    _check(size(value) * times)
    spend(len(value) * times * (1 if isinstance(value, _TEXTS) else ITEM))


def before_format(text: str, fields: int, values: object) -> None:
    """Draw on the budget for a format.

    SecurityError when it asks for more than MAX_WIDTH places, or lets the data say how many.
    """
    numbers = "".join(character if character in "0123456789" else " " for character in text).split()
    if _OPEN_WIDTH.search(text) or any(len(number) > 6 or int(number) > MAX_WIDTH for number in numbers):
        raise SecurityError(f"widths up to {MAX_WIDTH}, written out as digits, only")
    _check(size(values) * max(fields, 1))
    spend(len(text) + size(values) * max(fields, 1))


# -- calls -------------------------------------------------------------------------------------------------


def before_call(
    called: object, arguments: tuple[Any, ...], options: Mapping[str, object]
) -> tuple[object, ...]:
    """Draw on the budget for a call. Returns the arguments to call with."""
    spend(STEP)
    if isinstance(called, LoopContext) and arguments:
        return (each(arguments[0]), *arguments[1:])
    method = getattr(called, "__wrapped__", called)
    owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    if isinstance(owner, str) and name in ("format", "format_map"):
        before_format(owner, owner.count("{"), [*arguments, *options.values()])
    elif isinstance(owner, (*_TEXTS, int)) and name in _COSTS:
        spend(_COSTS[name](owner, (*arguments, *options.values())))
    return arguments


def after_call(called: object, result: object) -> object:
    """Return the result of a call, measured unless it is a part of something that was there before."""
    owner, name = getattr(called, "__self__", None), getattr(called, "__name__", "")
    return result if isinstance(owner, Mapping) and name in _LOOK_UPS else kept(result)


_LOOK_UPS = ("get", "items", "keys", "values")


def _width(owner: object, arguments: tuple[object, ...]) -> int:
    widest = max((number for number in arguments if isinstance(number, int)), default=0)
    if widest > MAX_WIDTH:
        raise SecurityError(f"widths up to {MAX_WIDTH} only")
    return widest + (len(owner) if isinstance(owner, _TEXTS) else 0)


def _tabs(owner: Any, arguments: tuple[Any, ...]) -> int:
    return len(owner) * max(8, _width("", arguments))


def _replace(owner: Any, arguments: tuple[Any, ...]) -> int:
    words = [word for word in arguments[:2] if isinstance(word, type(owner)) or isinstance(owner, type(word))]
    if len(words) < 2:
        return 0
    grows = int(owner.count(words[0])) * max(0, len(words[1]) - len(words[0]))
    return len(owner) + grows


def _join(owner: Any, arguments: tuple[object, ...]) -> int:
    items = arguments[0] if arguments else ()
    if isinstance(items, _TEXTS):
        return (len(owner) + 1) * len(items)
    if not isinstance(items, _LISTS):
        raise SecurityError("join takes a list here")
    return len(owner) * len(items) + sum(len(item) for item in items if isinstance(item, _TEXTS))


def _translate(owner: Any, arguments: tuple[Any, ...]) -> int:
    table = arguments[0] if arguments else {}
    values = table.values() if isinstance(table, Mapping) else table
    return len(owner) * max((len(value) for value in values if isinstance(value, _TEXTS)), default=1)


def _backwards(owner: Any, arguments: tuple[object, ...]) -> int:
    """Bound a search from the right, which may look at every place of the word at every place of the text."""
    words = [word for word in arguments if isinstance(word, _TEXTS)]
    return len(owner) + len(owner) * max(map(len, words), default=0) // 100


_COSTS: Mapping[str, Callable[[Any, tuple[Any, ...]], int]] = {
    **dict.fromkeys(("ljust", "rjust", "center", "zfill", "to_bytes"), _width),
    **dict.fromkeys(("rfind", "rindex", "rsplit", "rpartition"), _backwards),
    "expandtabs": _tabs,
    "replace": _replace,
    "join": _join,
    "translate": _translate,
}


# -- filters -----------------------------------------------------------------------------------------------

_LIGHT = frozenset(
    {
        *("abs", "attr", "count", "d", "default", "first", "float", "int", "items", "last", "length", "map"),
        *("random", "reject", "rejectattr", "round", "safe", "select", "selectattr"),
    }
)
"""Filters that make nothing, or give one item after the other."""


def watched(name: str, function: Callable[..., object]) -> Callable[..., object]:
    """Return a filter that draws on the budget: for the input that it works through, and for its result."""
    passes = hasattr(function, "jinja_pass_arg")

    @functools.wraps(function)
    def watch(*arguments: object, **options: object) -> object:
        spend(STEP)
        if name in _LIGHT:
            return function(*arguments, **options)
        given = arguments[1:] if passes else arguments
        before = _FILTERS.get(name)
        if before is not None:
            before(given, options)
        spend(sum(size(value) for value in (*given, *options.values())))
        return kept(function(*arguments, **options))

    return watch


def _replace_filter(given: tuple[object, ...], options: dict[str, object]) -> None:
    value, old, new = (str(word) for word in (*given, *options.values())[:3])
    spend(_replace(value, (old, new)))


def _format_filter(given: tuple[object, ...], options: dict[str, object]) -> None:
    form = str(given[0])
    before_format(form, form.count("%"), [*given[1:], *options.values()])


def _striptags_filter(given: tuple[object, ...], options: dict[str, object]) -> None:
    """MarkupSafe copies the whole text for each comment in it."""
    if size(given[0]) > _LONGEST_MARKED_UP:
        raise SecurityError(f"striptags takes up to {_LONGEST_MARKED_UP} characters")


def _tojson_filter(given: tuple[object, ...], options: dict[str, object]) -> None:
    if isinstance(given[0], Undefined):
        str(given[0])  # raises, and says what is missing
    indent = (*given[1:], *options.values())
    if indent and (size(given[0]) > _LONGEST_MARKED_UP or any(not _is_small(each) for each in indent)):
        raise SecurityError(f"tojson indents by up to 8, and up to {_LONGEST_MARKED_UP} characters")


def _is_small(value: object) -> bool:
    return value is None or (isinstance(value, int) and value <= 8)


def _sum_filter(given: tuple[object, ...], options: dict[str, object]) -> None:
    """Refuse to add up lists: each sum would be a copy of the one before."""
    start = options.get("start", given[2] if len(given) > 2 else 0)
    if not isinstance(start, (int, float)):
        raise SecurityError("sum adds numbers only")


_FILTERS: Mapping[str, Callable[[tuple[Any, ...], dict[str, Any]], None]] = {
    "replace": _replace_filter,
    "format": _format_filter,
    "striptags": _striptags_filter,
    "tojson": _tojson_filter,
    "sum": _sum_filter,
}
