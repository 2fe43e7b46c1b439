"""A store in a temporary folder, and pipes over it without a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localnode.pipes import Engine, Pipe, Systems
from localnode.store import Store

Build = Callable[..., Pipe]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "node.db")
    yield opened
    opened.close()


@pytest.fixture
def engine(store: Store) -> Engine:
    return Engine(store, Systems({}))


@pytest.fixture
def pipe(engine: Engine) -> Build:
    """Build and load a pipe: `pipe("orders", {source}, [rules], sink={…}, **properties)`."""

    def build(
        name: str, source: dict[str, Any], rules: Any = None, engine: Engine = engine, **more: Any
    ) -> Pipe:
        config = {"_id": name, "type": "pipe", "source": source, **more}
        if rules is not None:
            config["transform"] = {"type": "dtl", "rules": {"default": rules}}
        built = Pipe(config, engine)
        built.on_load()
        return built

    return build


@pytest.fixture
def fill(store: Store) -> Callable[..., None]:
    """Write entities into a populated dataset."""

    def write(name: str, *entities: dict[str, Any]) -> None:
        dataset = store.dataset(name, create=True)
        dataset.write(list(entities))
        dataset.set_populated()

    return write


@pytest.fixture
def live(store: Store) -> Callable[[str], dict[str, dict[str, Any]]]:
    """Live entities of a dataset by id, reserved properties removed."""

    def read(name: str) -> dict[str, dict[str, Any]]:
        found = store.dataset(name).read(deleted=False)
        return {e["_id"]: {k: v for k, v in e.items() if k[0] != "_"} for e in found}

    return read
