"""What a pipe's id says: `<system>-<datatype>-<stage>`, `global-<concept>`, or just a name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from core.names import GLOBAL, parse_pipe, stage_of


class Parts(NamedTuple):
    """Parts of a pipe id; "" for what it does not have."""

    system: str
    datatype: str
    stage: str


def parts(pipe_id: str, systems: Collection[str]) -> Parts:
    """Take an id apart. The system is the longest id of a configured system that it begins with."""
    if pipe_id.startswith(f"{GLOBAL}-"):
        return Parts("", pipe_id.removeprefix(f"{GLOBAL}-"), GLOBAL)
    kind, stage = parse_pipe(pipe_id, systems) or (None, stage_of(pipe_id))
    if kind is not None and kind.system in systems:
        return Parts(kind.system, kind.datatype, stage)
    named = [system for system in systems if not stage and pipe_id.startswith(f"{system}-")]
    return Parts(max(named, key=len, default=""), "", stage)


def concepts(
    reads: Mapping[str, Iterable[str]], names: Mapping[str, str], others: Mapping[str, str]
) -> dict[str, str]:
    """Pipe → the concept it belongs to: pipes that read each other's datasets are one.

    `reads` has each pipe's source pipes; `names` the concept of the pipes that name one, such as the globals.
    A group without such a pipe goes by what its first pipe is called in `others`.
    """
    group = {pipe: pipe for pipe in reads}

    def root(pipe: str) -> str:
        while group[pipe] != pipe:
            group[pipe] = group[group[pipe]]
            pipe = group[pipe]
        return pipe

    for pipe, sources in reads.items():
        for source in sources:
            if source in group:
                group[root(source)] = root(pipe)
    titles: dict[str, str] = {}
    for pipe in sorted(reads, key=lambda each: (each not in names, each)):
        titles.setdefault(root(pipe), names.get(pipe) or others.get(pipe) or pipe)
    return {pipe: titles[root(pipe)] for pipe in reads}
