"""`python -m localnode dtl`: run cases.

A JSON list of them comes in, a list of `{"id", "output" or "error"}` goes out.

A case is a pipe and what it reads: `rules` or a `transform`, the `source` entities or a `source_config`, the
`datasets` that are there before, and further properties of the `pipe`. It is run once, as the node runs it,
on an empty store; `output` is what the sink dataset then holds.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from localnode.pipes import SUCCESS, Engine, Pipe, Systems
from localnode.store import Store

Entity = dict[str, Any]

SINK = "output of the case"
KEPT = ("_id", "_deleted")


def run(stdin: TextIO, stdout: TextIO) -> int:
    """Run the cases on `stdin`; 0, or 2 if that is no JSON list of cases."""
    try:
        cases = json.load(stdin)
    except (ValueError, RecursionError) as error:
        stdout.write(json.dumps({"error": f"standard input is not JSON: {error}"}) + "\n")
        return 2
    if type(cases) is not list:
        stdout.write(json.dumps({"error": "standard input must be a JSON list of cases"}) + "\n")
        return 2
    logging.disable(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory() as folder:
            store = Store.open(Path(folder) / "cases.db", synchronous="OFF")
            json.dump([outcome(store, case) for case in cases], stdout, ensure_ascii=False)
            store.close()
    finally:
        logging.disable(logging.NOTSET)
    stdout.write("\n")
    return 0


def outcome(store: Store, case: object) -> Entity:
    """Return the outcome of one case, on an empty store, which is empty again afterwards."""
    if type(case) is not dict:
        return {"id": None, "error": "a case is an object"}
    try:
        return {"id": case.get("id"), "output": _output(store, case)}
    except Exception as error:  # one case, whatever it is, must not end the others
        return {"id": case.get("id"), "error": str(error) or type(error).__name__}
    finally:
        for dataset in store.datasets(include_system=True):
            store.delete_dataset(dataset.id)


def _output(store: Store, case: Mapping[str, Any]) -> list[Entity]:
    for name, entities in (case.get("datasets") or {}).items():
        dataset = store.dataset(name, create=True)
        dataset.write(entities)
        dataset.set_populated()
    pipe = Pipe(_config(case), Engine(store, Systems({})))
    try:
        pipe.on_load()
        result = pipe.run()
        if result.status != SUCCESS:
            raise ValueError(result.reason)
        return [_shown(entity) for entity in store.dataset(SINK, create=True).read()]
    finally:
        pipe.drop()


def _config(case: Mapping[str, Any]) -> dict[str, object]:
    """Return the case as a pipe; namespaces are added and removed only where it says so."""
    config = {
        "_id": "pipe",
        "add_namespaces": False,
        "remove_namespaces": False,
        **(case.get("pipe") or {}),
        "type": "pipe",
        "source": case.get("source_config") or {"type": "embedded", "entities": case.get("source") or []},
        "sink": {"type": "dataset", "dataset": SINK},
    }
    transform = case.get("transform")
    if "rules" in case:
        transform = {"type": "dtl", **(transform or {}), "rules": case["rules"]}
    return config if transform is None else {**config, "transform": transform}


def _shown(entity: Entity) -> Entity:
    """Return an entity of the sink without what the store adds; only a deleted one says so."""
    return {
        name: value
        for name, value in entity.items()
        if name[:1] != "_" or (name in KEPT and value is not False)
    }
