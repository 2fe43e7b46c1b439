"""Jinja templates in configs: a sandbox without loader, so that no template reads a file or reaches a host.

Undefined names are errors, as on a hosted node. Results that would take very long or very much memory
(`"x" * 10 ** 9`, a width of a million) are errors too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.exceptions import SecurityError, TemplateRuntimeError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from localnode.dtl.clock import compile_format
from localnode.dtl.functions.bytes import base64_decode, base64_encode, bytes_
from localnode.dtl.functions.datetimes import datetime as cast_datetime
from localnode.dtl.functions.datetimes import datetime_format
from localnode.dtl.kinds import INVALID
from localnode.pipes.errors import ConfigProblem, EntityUnfit

MAX_REPEATED = 1_000_000
MAX_WIDTH = 10_000
MAX_BITS = 10_000
_WIDTHS = re.compile(r"\d{5,}")
_LONE = re.compile(r"\s*\{\{(?P<expression>(?:(?!\}\}|\{\{).)*)\}\}\s*", re.DOTALL)
_UNBOUNDED = ("center", "indent", "batch", "slice", "wordwrap")


class TemplateFailed(EntityUnfit):
    """A template could not be rendered with the data at hand; the message says why.

    `undefined`: it asked for something that is not there.
    """

    def __init__(self, message: str, undefined: bool = False) -> None:
        super().__init__(message)
        self.undefined = undefined


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's own sandbox, with the operators watched that can make much out of little."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """See SandboxedEnvironment."""
        whole = isinstance(left, int) and isinstance(right, int)
        if operator == "**" and whole and left.bit_length() * abs(right) > MAX_BITS:
            raise SecurityError("the number would be too long")
        if operator == "%" and isinstance(left, str) and _WIDTHS.search(left):
            raise SecurityError(f"widths up to {MAX_WIDTH} only")
        if operator == "*":
            for one, times in ((left, right), (right, left)):
                sized = isinstance(one, (str, bytes, list, tuple)) and isinstance(times, int)
                if sized and len(one) * times > MAX_REPEATED:
                    raise SecurityError(f"at most {MAX_REPEATED} characters or items")
        return super().call_binop(context, operator, left, right)


def _now() -> datetime:
    return datetime.now(UTC)


def _value(convert: Callable[..., Any]) -> Callable[[Any], Any]:
    """A DTL function of one value as a filter: null for what it does not take."""

    def convert_one(value: Any) -> Any:
        result = INVALID if value is None else convert(value)
        return None if result is INVALID else result

    return convert_one


def _datetime_format(value: Any, form: str | None = None) -> Any:
    """A datetime as text: ISO 8601 without FORM, else in DTL's format codes."""
    if not isinstance(value, str) or not value.startswith("~t"):
        return None
    if form is None:
        return value[2:]
    chosen = compile_format(form)
    if chosen is None:
        raise TemplateRuntimeError(f"datetime_format: {form!r} is no format")
    result = datetime_format(UTC, chosen)(value)
    return None if result is INVALID else result


def _environment() -> _Sandbox:
    environment = _Sandbox(
        undefined=StrictUndefined, finalize=lambda value: "" if value is None else value, autoescape=False
    )
    for name in ("lipsum", "cycler", "joiner"):
        environment.globals.pop(name)
    for name in _UNBOUNDED:
        environment.filters.pop(name)
    environment.globals.update(now=_now, timedelta=timedelta)
    environment.filters.update(
        bytes=_value(bytes_),
        base64_encode=_value(base64_encode),
        base64_decode=_value(base64_decode),
        datetime=_value(cast_datetime),
        datetime_format=_datetime_format,
    )
    return environment


_ENVIRONMENT = _environment()


class Template:
    """A compiled template. `text` gives text; `value` the value itself where it is one `{{ … }}` alone;
    `names` are the variables it reads.
    """

    def __init__(self, source: str) -> None:
        """Raises TemplateSyntaxError (also for unknown filters)."""
        self.source = source
        self.names = meta.find_undeclared_variables(_ENVIRONMENT.parse(source))
        self._template = _ENVIRONMENT.from_string(source)
        lone = _LONE.fullmatch(source)
        self._expression = (
            _ENVIRONMENT.compile_expression(lone["expression"], undefined_to_none=False) if lone else None
        )

    def text(self, variables: Mapping[str, Any]) -> str:
        """The rendered text. TemplateFailed names the template and what went wrong."""
        return str(self._guarded(lambda: self._template.render(variables)))

    def value(self, variables: Mapping[str, Any]) -> Any:
        """The value of a lone expression with its type, else the rendered text; errors as in `text`."""
        if self._expression is None:
            return self.text(variables)
        return self._guarded(lambda: self._checked(variables))

    def _checked(self, variables: Mapping[str, Any]) -> Any:
        found = self._expression(**variables) if self._expression else None
        if isinstance(found, StrictUndefined):
            str(found)
        return found

    def _guarded(self, render: Callable[[], Any]) -> Any:
        try:
            return render()
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            shown = self.source if len(self.source) <= 80 else self.source[:80] + "…"
            raise TemplateFailed(f"template {shown!r}: {error}", isinstance(error, UndefinedError)) from error


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Template:
    return Template(source)


def template(source: str, path: tuple[str | int, ...] = ()) -> Template:
    """The compiled template; ConfigProblem at `path` when it cannot be compiled."""
    try:
        return _compiled(source)
    except TemplateSyntaxError as error:
        raise ConfigProblem(path, f"not a usable Jinja template: {error.message}") from error
    except (RecursionError, MemoryError, OverflowError, ValueError) as error:
        raise ConfigProblem(path, f"not a usable Jinja template: {type(error).__name__}") from error
