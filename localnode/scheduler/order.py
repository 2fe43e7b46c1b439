"""Order the pipes: each runs after the pipes whose datasets it reads.

Three kinds of edges lead from a writer to a reader, from strong to weak: source datasets, tracked hops,
untracked hops. If the flow has a circle (a collect pipe hops to the share dataset at its end), an edge of the
weakest kind in the circle is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SOURCE, TRACKED, UNTRACKED = 0, 1, 2


@dataclass(frozen=True)
class Reads:
    """The dataset that a pipe writes (None: none), the dataset of its log, and the datasets it depends on."""

    writes: str | None
    sources: Sequence[str] = ()
    tracked: Sequence[str] = ()
    untracked: Sequence[str] = ()
    logs: str | None = None


def predecessors(pipes: Mapping[str, Reads]) -> dict[str, set[str]]:
    """Return pipe → pipes that run before it; without circles, and the same for the same input."""
    writer = {name: pipe for pipe, reads in pipes.items() for name in (reads.writes, reads.logs) if name}
    before: dict[str, set[str]] = {pipe: set() for pipe in pipes}
    for _, pipe, other in _edges(pipes, writer):
        if other not in before[pipe] and not _leads_to(before, other, pipe):
            before[pipe].add(other)
    return before


def ordered(pipes: Mapping[str, Reads]) -> list[str]:
    """Return the pipes in an order that respects `predecessors`; ties keep the order of `pipes`."""
    before = predecessors(pipes)
    done: dict[str, None] = {}
    while len(done) < len(before):
        for pipe, others in before.items():
            if pipe not in done and others <= done.keys():
                done[pipe] = None
                break
    return list(done)


def _edges(pipes: Mapping[str, Reads], writer: Mapping[str, str]) -> list[tuple[int, str, str]]:
    """Return (kind, reader, writer), strong edges first, so that weak ones are dropped in circles."""
    edges: list[tuple[int, str, str]] = []
    for pipe, reads in pipes.items():
        for kind, datasets in (
            (SOURCE, reads.sources),
            (TRACKED, reads.tracked),
            (UNTRACKED, reads.untracked),
        ):
            edges.extend((kind, pipe, writer[name]) for name in datasets if writer.get(name, pipe) != pipe)
    return sorted(edges, key=lambda edge: edge[0])


def _leads_to(before: Mapping[str, set[str]], start: str, goal: str) -> bool:
    """Return whether `goal` already must run before `start`."""
    stack, seen = [start], {start}
    while stack:
        here = stack.pop()
        if here == goal:
            return True
        fresh = before[here] - seen
        seen |= fresh
        stack.extend(fresh)
    return False
