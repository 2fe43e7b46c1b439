"""Implement `reprocessing_policy`: check whether a pipe's inputs are still those of its offset."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from core.jsonio import Json

if TYPE_CHECKING:
    from localnode.pipes.pipe import Pipe

log = logging.getLogger(__name__)


def _inputs(pipe: Pipe) -> Json:
    """Return what must stay the same for the offset to stay valid."""
    generations = {}
    for name in (*pipe.input_datasets, *sorted(pipe.hop_datasets)):
        dataset = pipe.store.find(name)
        generations[name] = dataset.info().generation if dataset else None
    return {"generations": generations, "config": pipe.content_hash}


def remember_inputs(pipe: Pipe) -> None:
    """Store the present inputs after a successful run."""
    inputs = _inputs(pipe)
    if inputs != pipe.state.get("inputs"):
        pipe.state.put("inputs", inputs)


def check_inputs(pipe: Pipe) -> None:
    """Reset the pipe if its inputs have changed (`reprocessing_policy: automatic`).

    With `continue` it is only marked as out of sync.
    """
    reason = _out_of_sync(pipe)
    if reason is None:
        return
    if pipe.config.get("reprocessing_policy") == "automatic":
        log.info("pipe %s is reset: %s", pipe.id, reason)
        pipe.start_over()
    else:
        pipe.state.put("out_of_sync", reason)


def _out_of_sync(pipe: Pipe) -> str | None:
    before, now = pipe.state.get("inputs"), _inputs(pipe)
    if before is None:
        return None
    for name, generation in now["generations"].items():
        if name not in before["generations"]:
            return f'the rules hop to dataset "{name}" now'
        known = before["generations"][name]
        if known is not None and generation != known:
            return f'dataset "{name}" has been deleted or created again'
    by_default = pipe.engine.default("rescan_when_config_changes", False)
    if pipe.config.get("rescan_when_config_changes", by_default) and before["config"] != now["config"]:
        return "the config has changed"
    return None
