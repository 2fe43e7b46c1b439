"""DTL of a row: how a record's own property is read into the shared model, and written back from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Dtl = Any
"""A DTL expression or statement, as JSON."""

Conversion = Callable[[str, Dtl, Dtl], Mapping[str, Any]]
"""`conversion(name, value, currency)`: its `read` and `write` for a value in a currency."""


class UnknownForm(ValueError):
    """There is no conversion of that name; the message says which there are."""


def moved(expression: Dtl, start: str, to: Dtl) -> Dtl:
    """Return the expression with each path `start` replaced by `to`, and each `start.x` by `to.x`."""
    if expression == start:
        return to
    if isinstance(expression, str):
        is_below = isinstance(to, str) and expression.startswith(f"{start}.")
        return f"{to}{expression.removeprefix(start)}" if is_below else expression
    if isinstance(expression, list):
        return [moved(each, start, to) for each in expression]
    if isinstance(expression, dict):
        return {name: moved(each, start, to) for name, each in expression.items()}
    return expression


class Cell:
    """One record's side of a row; `given` is the cell of the mapping file, a path or an object."""

    def __init__(
        self, given: str | Mapping[str, Any], name: str, convert: Conversion, related: Iterable[str] = ()
    ) -> None:
        """`related`: names of other records whose properties may be read as if they were this one's."""
        self.given: Mapping[str, Any] = {"path": given} if isinstance(given, str) else given
        self.name = name
        self.path: str = self.given["path"]
        self.is_related = self.path.partition(".")[0] in related
        self._convert = convert

    @property
    def is_written(self) -> bool:
        """False where the record's own property is read and never set."""
        return self.given.get("write") is not False

    @property
    def in_lines(self) -> bool:
        """True for a property of each of the record's lines."""
        return "[]." in self.path

    @property
    def field(self) -> str:
        """The property's name within its line, or the record's own property that it is (part of)."""
        return self.path.partition("[].")[2] if self.in_lines else self.path.partition(".")[0]

    @property
    def top(self) -> str:
        """The record's own property that it is (part of)."""
        return self.path.partition(".")[0].removesuffix("[]")

    @property
    def own_values(self) -> Dtl | None:
        """Values that are the record's own: neither told to others nor overwritten."""
        return ["list", *self.given["own_values"]] if "own_values" in self.given else None

    @property
    def observed_if(self) -> Dtl | None:
        """When the record only shows what others say, though the row goes both ways."""
        if self.own_values:
            return ["in", f"_S.{self.path}", self.own_values]
        return self.given.get("observed_if")

    @property
    def parts(self) -> Mapping[str, str]:
        """For an object with properties of its own: their names in the shared model, and here."""
        found: Mapping[str, str] = self._conversion(None, None).get("parts", {})
        return found

    @property
    def says(self) -> str | None:
        """What the documents say about how the value is carried, if there is anything to say."""
        conversion = self._conversion(None, None).get("says")
        found: str | None = self.given.get("says", conversion)
        return found if found != "as it is" else None

    @property
    def rules(self) -> Mapping[str, Dtl]:
        """Named rules that reading and writing it apply."""
        found: Mapping[str, Dtl] = self._conversion(None, None).get("rules", {})
        return found

    def filler_conditions(self, record: str = "_T") -> list[Dtl]:
        """Return when the target, at the path `record`, demands the property."""
        found: list[Dtl] = [["is-null", f"{record}.{name}"] for name in self.given.get("unless", [])]
        if "demanded_if" in self.given:
            found.append(moved(self.given["demanded_if"], "_T", record))
        return found

    def read(self, start: str = "_S", currency: Dtl = None) -> Dtl:
        """Return its value in the shared model, of a record at the path `start`.

        For lines see `read_lines`.
        """
        if "read" in self.given:
            return moved(self.given["read"], "_S", start)
        start = "_P._T._" if self.is_related else f"{start}."
        return self.read_value(f"{start}{self.path}", start, currency)

    def read_value(self, value: Dtl, start: str, currency: Dtl) -> Dtl:
        """Return the same for a value that is at hand."""
        if "else" in self.given:
            other = f"{start}{self.given['else']}"
            value = ["if", ["in", ["strip", ["coalesce-args", value, ""]], ["list", ""]], other, value]
        words = {**self.given.get("translate", {}), **self.given.get("also_read", {})}
        if words:
            return ["case-eq", value, *(each for pair in words.items() for each in pair), value]
        conversion = self._conversion(value, currency)
        if self.parts:
            return _renamed(value, self.parts, by_own_name=False)
        return conversion.get("read", value)

    def read_lines(self, lines: Dtl) -> Dtl:
        """Return the values of all lines; null where all of them are empty."""
        each = ["coalesce-args", self.read_value(f"_.{self.field}", "_.", None), ""]
        values = ["map", each, lines]
        return ["if", ["is-empty", ["filter", ["neq", "_.", ""], values]], None, values]

    def write(self, value: Dtl | None = None, currency: Dtl = "_S.currency") -> Dtl:
        """Return the record's own word for `value`, one in the shared model (default: the golden one)."""
        shared = f"_S.{self.name}"
        value = shared if value is None else value
        if "default" in self.given:
            value = ["coalesce-args", value, self.given["default"]]
        if self.is_written and "write" in self.given:
            return moved(self.given["write"], shared, value)
        words = self.given.get("translate", {})
        if words:
            back = [each for own, said in words.items() for each in (said, own)]
            return ["case-eq", value, *back, self.given.get("otherwise", value)]
        if self.parts:
            plain = all(shared == own for shared, own in self.parts.items())
            return value if plain else _renamed(value, self.parts, by_own_name=True)
        return self._conversion(value, currency).get("write", value)

    def copied(self, other: Cell, start: str) -> Dtl:
        """Return an object of another record with the names that its parts have here.

        It stands at the path `start`.
        """
        value = f"{start}.{other.path}"
        names = {other.parts[shared]: own for shared, own in self.parts.items()}
        return _renamed(value, names, by_own_name=True)

    def _conversion(self, value: Dtl, currency: Dtl) -> Mapping[str, Any]:
        return self._convert(self.given["as"], value, currency) if "as" in self.given else {}


def _renamed(value: Dtl, parts: Mapping[str, str], by_own_name: bool) -> Dtl:
    """Return an object whose parts are renamed.

    `parts` leads from their names there to those here, or back.
    """
    pairs = ((own, shared) if by_own_name else (shared, own) for shared, own in parts.items())
    inner = [each for to, of in pairs for each in (to, f"{value}.{of}")]
    return ["if", ["is-null", value], None, ["dict", *inner]]


def assembled(values: Iterable[tuple[str, Dtl]]) -> list[tuple[str, Dtl]]:
    """Own properties with their DTL, from values at dotted paths; what is below one makes up an object."""
    tree: dict[str, Any] = {}
    for path, value in values:
        place = tree
        *above, last = path.split(".")
        for step in above:
            place = place.setdefault(step, {})
        if isinstance(place.get(last), dict):
            place[last][""] = value
        else:
            place[last] = {"": value}
    return [(name, _built(each)) for name, each in tree.items()]


def _built(tree: Mapping[str, Any]) -> Dtl:
    below = {name: _built(each) for name, each in tree.items() if name}
    if not below:
        return tree[""]
    if "" not in tree:
        return ["dict", *(each for pair in below.items() for each in pair)]
    own = ["list", *(["list", name, value] for name, value in below.items())]
    whole = ["map", ["list", "_.key", "_.value"], ["key-values", tree[""]]]
    return ["dict", ["combine", whole, own]]
