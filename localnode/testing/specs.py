"""Read tests from files: `expected/<name>.test.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

SPEC_SUFFIX = ".test.json"
AS_ENTITIES = ("json", "excel")


@dataclass(frozen=True)
class Spec:
    """One test: the output of `pipe` must equal the file `expected`.

    `endpoint` json (and excel) compares entities of the `stage`; every other kind compares the answer of the
    publisher of that kind to `parameters`. `blacklist` has patterns of dotted paths that are ignored.
    """

    path: Path
    name: str
    pipe: str
    expected: Path
    endpoint: str = "json"
    stage: str | None = None
    ignore: bool = False
    ignore_deletes: bool = True
    blacklist: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    sort_by: Sequence[str] = ("_id",)

    @property
    def compares_entities(self) -> bool:
        """Whether it is entities that are compared, not bytes."""
        return self.endpoint in AS_ENTITIES

    @property
    def place(self) -> str:
        """Where its expectation is, for messages."""
        return f"{self.expected.parent.name}/{self.expected.name}"

    def is_blacklisted(self, path: Sequence[str]) -> bool:
        """Return whether a property is left out. List indexes are no part of the path."""
        dotted = ".".join(path).replace("\\.", ".")
        return any(fnmatch(dotted, pattern.replace("[].", ".*.")) for pattern in self.blacklist)


def spec_of(path: Path, root: Path, given: Mapping[str, Any]) -> Spec:
    """Return the test in the file at `path`; `given` is its content."""
    name, folder = path.name.removesuffix(SPEC_SUFFIX), path.parent
    file = str(given.get("file", f"{name}.json"))
    blacklist, sort_by = given.get("blacklist"), given.get("fields_to_sort_by")
    return Spec(
        path=path,
        name=name,
        pipe=str(given.get("pipe", name)),
        expected=root / file if file.startswith(f"{folder.name}/") else folder / file,
        endpoint=str(given.get("endpoint", "json")),
        stage=given.get("stage"),
        ignore=given.get("ignore", False) is True,
        ignore_deletes=given.get("ignore_deletes", True) is True,
        blacklist=[str(each) for each in blacklist] if isinstance(blacklist, list) else (),
        parameters=given.get("parameters") or {},
        sort_by=[str(each) for each in sort_by] if isinstance(sort_by, list) else ("_id",),
    )
