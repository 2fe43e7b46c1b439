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

from jinja2 import (
    Environment,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    meta,
    nodes,
    pass_environment,
)
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import TemplateRuntimeError, UndefinedError
from jinja2.filters import make_attrgetter
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from localnode.dtl.clock import compile_format
from localnode.dtl.functions.bytes import base64_decode, base64_encode, bytes_
from localnode.dtl.functions.datetimes import datetime as cast_datetime
from localnode.dtl.functions.datetimes import datetime_format
from localnode.dtl.kinds import INVALID
from localnode.extras import jinja_budget as budget
from localnode.pipes.errors import ConfigProblem, EntityUnfit

_LONE = re.compile(r"\s*\{\{(?P<expression>(?:(?!\}\}|\{\{).)*)\}\}\s*", re.DOTALL)
_UNBOUNDED = ("center", "indent", "batch", "slice", "wordwrap", "urlize", "pprint")
_STEPS = "_steps"
AS_JSON = "sesam:markjson"
"""A text with this mark in it stands for the JSON that it is without it."""
_FAILURES = (
    TemplateError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    MemoryError,
)


class Absent(StrictUndefined):
    """A variable that is not there and whose parts are not, either; whether they are defined may be asked."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, name: Any) -> Any:
        return self


class TemplateFailed(EntityUnfit):
    """A template could not be rendered with the data at hand; the message says which one, and `reason` why.

    `undefined`: it asked for something that is not there.
    """

    def __init__(self, message: str, undefined: bool = False, reason: str = "") -> None:
        super().__init__(message)
        self.undefined = undefined
        self.reason = reason or message


class _Watched(CodeGenerator):
    """Code that has what it makes measured, where Jinja itself leaves no hook."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        """See CodeGenerator."""
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_List(self, node: nodes.List, frame: Frame) -> None:  # noqa: N802
        """See CodeGenerator."""
        self._kept(lambda: super(_Watched, self).visit_List(node, frame))

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802
        """See CodeGenerator."""
        self._kept(lambda: super(_Watched, self).visit_Dict(node, frame))

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:  # noqa: N802
        """See CodeGenerator."""
        if node.ctx == "load":
            self._kept(lambda: super(_Watched, self).visit_Tuple(node, frame))
        else:
            super().visit_Tuple(node, frame)

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802
        """See CodeGenerator. A slice is a copy."""
        if isinstance(node.arg, nodes.Slice):
            self._kept(lambda: super(_Watched, self).visit_Getitem(node, frame))
        else:
            super().visit_Getitem(node, frame)

    def _kept(self, write: Callable[[], None]) -> None:
        self.write("environment.kept(")
        write()
        self.write(")")


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's own sandbox, where everything that makes much out of little draws on a budget."""

    code_generator_class = _Watched
    intercepted_binops = frozenset({"+", "*", "**", "%"})
    concat = staticmethod(budget.concat)
    joined = staticmethod(budget.joined)
    kept = staticmethod(budget.kept)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """See SandboxedEnvironment."""
        budget.before_operator(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: object, *args: object, **kwargs: object) -> Any:  # noqa: B902, N805
        """See SandboxedEnvironment; its names, since a template's keywords come in as they are."""
        given = budget.before_call(__obj, args, kwargs)
        return budget.after_call(__obj, super().call(__context, __obj, *given, **kwargs))

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, _STEPS, [], [], None, None, lineno=loop.lineno)
        return tree


def _finalized(value: object) -> object:
    """Return what is written out for a value: nothing for null."""
    if value is None:
        return ""
    return budget.as_text(value) if isinstance(value, (list, tuple, dict)) else value


@pass_environment
def _join(environment: Environment, value: Any, d: str = "", attribute: str | int | None = None) -> str:
    """Jinja's `join`, with its names, whose text is measured before it is made."""
    items = budget.each(value)
    if attribute is not None:
        items = map(make_attrgetter(environment, attribute), items)
    texts = [budget.as_text(item) for item in items]
    budget.spend(len(d) * len(texts))
    return str(d).join(texts)


def _now() -> datetime:
    return datetime.now(UTC)


def _value(convert: Callable[..., object]) -> Callable[[object], object]:
    """Return a DTL function of one value as a filter: null for what it does not take."""

    def convert_one(value: object) -> object:
        result = INVALID if value is None else convert(value)
        return None if result is INVALID else result

    return convert_one


def _datetime_format(value: object, form: str | None = None) -> object:
    """Return a datetime as text: ISO 8601 without FORM, else in DTL's format codes."""
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
    environment = _Sandbox(undefined=StrictUndefined, finalize=_finalized, autoescape=False, optimized=False)
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
        join=_join,
    )
    for name, function in environment.filters.items():
        environment.filters[name] = budget.watched(name, function)
    environment.filters[_STEPS] = budget.each
    return environment


_ENVIRONMENT = _environment()


class Template:
    """A compiled template.

    `text` gives text; `value` the value itself where it is one `{{ … }}` alone; `names` are the variables it
    reads.
    """

    def __init__(self, source: str) -> None:
        """Compile the text; raises TemplateSyntaxError (also for unknown filters)."""
        self.source = source
        with budget.rendering():
            self._compile(source)

    def _compile(self, source: str) -> None:
        self.names = meta.find_undeclared_variables(_ENVIRONMENT.parse(source))
        self._template = _ENVIRONMENT.from_string(source)
        lone = _LONE.fullmatch(source)
        self._expression = (
            _ENVIRONMENT.compile_expression(lone["expression"], undefined_to_none=False) if lone else None
        )

    def text(self, variables: Mapping[str, Any]) -> str:
        """Return the rendered text. TemplateFailed names the template and what went wrong."""
        return str(self._guarded(lambda: self._template.render(variables)))

    def value(self, variables: Mapping[str, Any]) -> Any:
        """Return the value of a lone expression with its type, else the rendered text.

        Errors as in `text`.
        """
        if self._expression is None:
            return self.text(variables)
        return self._guarded(lambda: self._checked(variables))

    def _checked(self, variables: Mapping[str, object]) -> object:
        found = self._expression(**variables) if self._expression else None
        if isinstance(found, StrictUndefined):
            str(found)
        return found

    def _guarded(self, render: Callable[[], object]) -> object:
        try:
            with budget.rendering():
                return render()
        except _FAILURES as error:
            shown = self.source if len(self.source) <= 80 else self.source[:80] + "…"
            raise TemplateFailed(
                f"template {shown!r}: {error}", isinstance(error, UndefinedError), str(error)
            ) from error


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Template:
    return Template(source)


def template(source: str, path: tuple[str | int, ...] = ()) -> Template:
    """Return the compiled template; ConfigProblem at `path` when it cannot be compiled."""
    try:
        return _compiled(source)
    except TemplateSyntaxError as error:
        raise ConfigProblem(path, f"not a usable Jinja template: {error.message}") from error
    except (RecursionError, MemoryError, OverflowError, ValueError) as error:
        raise ConfigProblem(path, f"not a usable Jinja template: {type(error).__name__}") from error
