"""Keep embedded test data and data of systems apart: one dataset never holds both.

A profile such as `test` switches conditional sources from a system to entities in the config. On a node with
data this would be read as "all real records are gone, and these are new", and shared.
"""

from __future__ import annotations

from collections.abc import Mapping

from localnode.config import NodeConfig, PipeComponent
from localnode.config.substitution import variables_of_conditions
from localnode.errors import Conflict
from localnode.store import Store

READS_EMBEDDED = "reads_embedded"
"""Key of the pipe's state: whether the data it has was read from entities in its config."""
SHOWN = 3


def remember(store: Store, pipe: PipeComponent) -> None:
    """Store what a pipe reads from now on."""
    if pipe.valid and not pipe.undefined:
        state, found = store.pipe_state(pipe.id), _reads_embedded(pipe)
        if state.get(READS_EMBEDDED) != found:
            state.put(READS_EMBEDDED, found)


def turned(store: Store, config: NodeConfig) -> list[PipeComponent]:
    """Return the pipes with data whose conditional source would change between test and system data."""
    known = (pipe for pipe in config.pipes.values() if pipe.valid and not pipe.undefined)
    return [pipe for pipe in known if _is_turned(store, pipe)]


def refuse_turned(
    pipes: list[PipeComponent], before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    """Raise Conflict for the result of `turned` if the environment `after` replaces `before`."""
    if not pipes:
        return
    names = [pipe.id for pipe in pipes]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    to, of = (
        ("embedded test data", "a system")
        if _reads_embedded(pipes[0])
        else ("a system", "embedded test data")
    )
    raise Conflict(
        f"{_changes(pipes, before, after)}: {', '.join(names[:SHOWN])}{more} would read {to}, but this node"
        f" holds data of {of}, which would be taken for deleted, and the deletions shared. Nothing was"
        " changed. Upload with the profile that this node has (sesam: -profile, localnode: --profile). To"
        " change it nevertheless, let the node start over: name the profile (.venv/bin/python -m localnode"
        " upload DIR --profile NAME), wipe it first (sesam wipe), or PUT /api/env?force=true; each deletes"
        " what its pipes have read and made",
        {"pipes": names},
    )


def _is_turned(store: Store, pipe: PipeComponent) -> bool:
    source = pipe.original.get("source")
    if not isinstance(source, dict) or source.get("type") != "conditional":
        return False
    held = store.pipe_state(pipe.id).get(READS_EMBEDDED)
    if held is None or held == _reads_embedded(pipe):
        return False
    dataset = store.find(pipe.sink_dataset) if pipe.sink_dataset else None
    return dataset is not None and dataset.info().ids > 0


def _reads_embedded(pipe: PipeComponent) -> bool:
    return pipe.source_type == "embedded"


def _changes(pipes: list[PipeComponent], before: Mapping[str, object], after: Mapping[str, object]) -> str:
    """Return which of the sources' variables would change, from what to what."""
    named = variables_of_conditions(pipe.original.get("source") for pipe in pipes)
    changed = sorted(name for name in named if before.get(name) != after.get(name))
    told = [
        f'{name} would change from "{before.get(name, "")}" to "{after.get(name, "")}"' for name in changed
    ]
    return f"the variable {' and '.join(told)}" if told else "the sources of pipes would change"
