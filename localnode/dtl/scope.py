"""What the compiler knows while it walks through the rules: settings, names in reach, problems found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from localnode.dtl.api import DtlProblem, HopJoin, PipeSettings

if TYPE_CHECKING:
    from localnode.dtl.registry import Definition, Parameter
    from localnode.dtl.runtime import Frame, Rule

Evaluator = Callable[["Frame", Any], Any]
"""A compiled expression: called with the frame and the current value `_`."""

Step = Callable[["Frame"], "str | None"]
"""A compiled transform: works on the frame's target; returns a stop signal or None."""


class Expr:
    """A compiled expression; `constant` ones have their `value` already.

    Of a call `raw` is what was written and `args` are its arguments, for callers that know a shorter way.
    """

    __slots__ = ("args", "constant", "raw", "run", "value")

    def __init__(self, run: Evaluator, constant: bool = False, value: object = None) -> None:
        self.run, self.constant, self.value = run, constant, value
        self.raw: list[Any] = []
        self.args: list[Any] = []

    @classmethod
    def of(cls, value: object) -> Expr:
        """Return the expression that always gives `value`."""
        return cls(lambda f, v: value, constant=True, value=value)

    def is_call(self, name: str) -> bool:
        """Return whether it is a call of the function `name`."""
        return self.raw[:1] == [name]


@dataclass
class Compilation:
    """What is shared by everything that is compiled for one pipe."""

    settings: PipeSettings
    rules: Mapping[str, Rule] = field(default_factory=dict)
    problems: list[DtlProblem] = field(default_factory=list)
    warnings: list[DtlProblem] = field(default_factory=list)
    joins: list[HopJoin] = field(default_factory=list)
    lookups: set[str] = field(default_factory=set)
    applied: list[tuple[str, str]] = field(default_factory=list)
    hopping: set[str] = field(default_factory=set)
    creates_children: bool = False
    shared: dict[str, Any] = field(default_factory=dict)
    """What all calls of one function in this pipe share, by its name."""

    def error(self, path: str, message: str) -> None:
        """Note that the rules cannot be used."""
        self.problems.append(DtlProblem(path, message))

    def check_applied(self) -> None:
        """Refuse `apply` of rules that hop: what they reach could not be followed back to the source."""
        for path, rule in self.applied:
            if rule in self.hopping:
                self.error(
                    path, f'apply: rule "{rule}" uses hops; use apply-hops to run it on what hops finds'
                )

    def warn(self, path: str, message: str) -> None:
        """Note something that works, but hardly as meant."""
        self.warnings.append(DtlProblem(path, message, level="warning"))


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: in which rule, with which dataset aliases in reach, how deeply nested."""

    compilation: Compilation
    rule: str
    aliases: frozenset[str] = frozenset()
    depth: int = 0
    uses: set[str] = field(default_factory=set)
    """What the expressions in this scope read: variables, aliases, `name()` of functions that are not pure,
    and `?name` for strings that look like the path of an unknown alias."""
    settings_read: set[str] = field(default_factory=set)
    """What of the pipe's settings their functions read (see `PipeSettings`)."""

    @property
    def settings(self) -> PipeSettings:
        """The settings of the pipe."""
        return self.compilation.settings

    def inner(self) -> Scope:
        """Return the scope one level of nesting further down."""
        return replace(self, depth=self.depth + 1)

    def with_aliases(self, aliases: frozenset[str]) -> Scope:
        """Return the scope of one expression that may use these dataset aliases.

        What it uses is noted afresh.
        """
        return Scope(self.compilation, self.rule, aliases, self.depth + 1)

    def error(self, path: str, message: str) -> None:
        """Note that the rules cannot be used."""
        self.compilation.error(path, message)


@dataclass(frozen=True)
class Call:
    """One call of a function or transform, for its builder.

    `args` holds a compiled `Expr` per argument, or the JSON as written where the kind of the parameter is a
    raw one.
    """

    definition: Definition
    scope: Scope
    path: str
    parameters: list[Parameter]
    args: list[Any]

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.definition.name

    def place(self, index: int) -> str:
        """Return the path of the argument with this index."""
        return f"{self.path}[{index + 1}]"

    def error(self, index: int, message: str) -> None:
        """Note a problem with one argument."""
        self.scope.error(self.place(index), f"{self.name}: {message}")

    def named(self, name: str) -> Any:
        """Return the argument of this parameter, or None if it was not given."""
        return next((arg for parameter, arg in zip(self.parameters, self.args, strict=True)
                     if parameter.name == name), None)  # fmt: skip
