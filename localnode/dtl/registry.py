"""The registry of DTL functions and transforms: name, signature, documentation and how a call is compiled.

A signature is written as people read it, with the kind of an argument after a colon where only some values
will do:

    START:integer [END:integer] VALUES      END is optional
    VALUES+                                 one or more (`*`: none or more)
    (CONDITION VALUE)+ [ELSE]               a repeated group
    [ITEMS] | (KEY VALUE)+                  alternatives

The kinds are described in `kinds.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from inspect import cleandoc
from reprlib import Repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localnode.dtl.scope import Call

_TOKEN = re.compile(
    r"\[(?P<maybe>[^\]]+)\]|\((?P<group>[^)]+)\)(?P<times>[+*])|(?P<one>[^\s+*]+)(?P<many>[+*]?)"
)


@dataclass(frozen=True)
class Parameter:
    """One argument of a signature: its name in the documentation and its kind."""

    name: str
    kind: str = "value"


@dataclass(frozen=True)
class Alternative:
    """One alternative of a signature: parameters before, in and after the repeated group."""

    before: tuple[tuple[Parameter, bool], ...]
    group: tuple[Parameter, ...] = ()
    least: int = 0
    after: tuple[tuple[Parameter, bool], ...] = ()

    def bind(self, count: int) -> list[Parameter] | None:
        """Return the parameter of each of `count` arguments; None if so many do not fit.

        Optional ones fill up in order.
        """
        fixed = self.before + self.after
        extra = count - sum(not optional for _, optional in fixed) - self.least * len(self.group)
        if extra < 0:
            return None
        rounds, extra = divmod(extra, len(self.group)) if self.group else (0, extra)
        if extra > sum(optional for _, optional in fixed):
            return None
        bound: list[Parameter] = []
        for part in (self.before, None, self.after):
            if part is None:
                bound += self.group * (self.least + rounds)
                continue
            for parameter, optional in part:
                if optional and not extra:
                    continue
                extra -= optional
                bound.append(parameter)
        return bound


@dataclass(frozen=True)
class Signature:
    """The arguments that a function takes; `text` is what people read (without the kinds)."""

    text: str
    alternatives: tuple[Alternative, ...]

    @classmethod
    def parse(cls, written: str) -> Signature:
        """Read a signature in the notation of this module."""
        return cls(re.sub(r":\w+", "", written), tuple(_alternative(part) for part in written.split("|")))

    def bind(self, count: int) -> list[Parameter] | None:
        """Return the parameter of each argument, by the first alternative that fits; None if none does."""
        return next(
            (bound for alternative in self.alternatives if (bound := alternative.bind(count)) is not None),
            None,
        )

    @property
    def parameters(self) -> list[Parameter]:
        """All parameters of the first alternative, in order."""
        alternative = self.alternatives[0]
        return (
            [p for p, _ in alternative.before] + list(alternative.group) + [p for p, _ in alternative.after]
        )


def _alternative(written: str) -> Alternative:
    before: list[tuple[Parameter, bool]] = []
    after: list[tuple[Parameter, bool]] = []
    group: tuple[Parameter, ...] = ()
    least, current = 0, before
    for token in _TOKEN.finditer(written):
        repeated = token["group"] or (token["one"] if token["many"] else None)
        if repeated:
            group, current = tuple(_parameter(word) for word in repeated.split()), after
            least = (token["times"] or token["many"]) == "+"
        else:
            current.append((_parameter(token["maybe"] or token["one"]), token["maybe"] is not None))
    return Alternative(tuple(before), group, least, tuple(after))


def _parameter(word: str) -> Parameter:
    name, _, kind = word.partition(":")
    return Parameter(name, kind or "value")


@dataclass(frozen=True)
class Definition:
    """A DTL function or transform.

    `build` compiles a call of it; `group` is the page of the reference it is on.

    `pure` says whether a call gives the same for the same arguments (and settings) whenever it is made; only
    then it can be part of an index. `reads` names the settings of the pipe that its result depends on (see
    `PipeSettings`).
    """

    name: str
    signature: Signature
    group: str
    documentation: str
    build: Callable[[Call], Any] = field(repr=False)
    pure: Callable[[Call], bool] = field(repr=False)
    reads: frozenset[str]

    @property
    def usage(self) -> str:
        """The signature with the name in front: `substring START [END] VALUES`."""
        return " | ".join(f"{self.name} {part.strip()}".strip() for part in self.signature.text.split("|"))


FUNCTIONS: dict[str, Definition] = {}
"""Every expression function by name."""

TRANSFORMS: dict[str, Definition] = {}
"""Every transform by name."""


def define(
    table: dict[str, Definition],
    names: Sequence[str],
    signature: str,
    implementation: Callable[..., object],
    build: Callable[[Call], object],
    pure: bool | Callable[[Call], bool] = True,
    reads: Sequence[str] = (),
) -> None:
    """Enter a function under its name(s), documented by the docstring of its implementation."""
    group = implementation.__module__.rpartition(".")[2].rstrip("_")
    documentation = cleandoc(implementation.__doc__ or "")
    is_pure = pure if callable(pure) else lambda call: pure
    for name in names:
        table[name] = Definition(
            name, Signature.parse(signature), group, documentation, build, is_pure, frozenset(reads)
        )


_SHORT = Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 3, 60, 60


def shown(raw: object) -> str:
    """Return a value in a message: shortened, whatever its size and depth, strings in double quotes."""
    return f'"{raw[:57]}{"…" * (len(raw) > 57)}"' if isinstance(raw, str) else _SHORT.repr(raw)
