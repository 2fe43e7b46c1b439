"""What sources of datasets wait for, and how far completeness lets them read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from localnode.dtl import DtlCompileError, compile_dtl
from localnode.dtl.timestamps import parse_timestamp
from localnode.pipes.base import BuildContext, Config
from localnode.pipes.context import RunContext
from localnode.pipes.errors import ConfigProblem, NotReady
from localnode.pipes.registry import FLAG, OBJECT, STRING, STRINGS, Schema
from localnode.store import Store

COMPLETENESS: Schema = {"anyOf": [FLAG, STRINGS, {**OBJECT, "required": ["expression"]}]}
DATASET_GATES: dict[str, Schema] = {
    "require_populated_input": FLAG,
    "supports_signalling": FLAG,
}
SEVERAL_DATASETS: dict[str, Schema] = {
    **DATASET_GATES,
    "initial_datasets": {"type": "array", "items": STRING},
    "ignore_non_existent_datasets": FLAG,
}


def populated(store: Store, datasets: Iterable[str], ignore_missing: bool = False) -> bool:
    """Return whether all datasets exist and are populated."""
    found = [store.find(name) for name in datasets]
    return all(dataset.populated if dataset else ignore_missing for dataset in found)


def expected_datasets(config: Config, datasets: Sequence[str]) -> list[str]:
    """Return the datasets of a multi-dataset source that count for being populated."""
    return list(config.get("initial_datasets") or datasets)


def check_populated(
    config: Config, build_context: BuildContext, datasets: Sequence[str], ignore_missing: bool
) -> None:
    """NotReady when `require_populated_input` is on and unmet."""
    required = config.get(
        "require_populated_input", build_context.engine.default("require_populated_input", False)
    )
    if required:
        missing = [name for name in datasets if not populated(build_context.store, [name], ignore_missing)]
        if missing:
            raise NotReady(f"waits for {_names(missing)} to be populated", missing)


def check_initial(config: Config, store: Store) -> None:
    """NotReady until every dataset of `initial_completeness` has a completeness value."""
    missing = [name for name in config.get("initial_completeness") or () if completeness(store, name) is None]
    if missing:
        raise NotReady(f"waits for the completeness of {_names(missing)}", missing)


def completeness(store: Store, name: str) -> int | None:
    """Completeness of a dataset in µs since the epoch, None if it has none or does not exist."""
    dataset = store.find(name)
    return dataset.info().completeness if dataset else None


class CompletenessBound:
    """How far `source.completeness` lets a dataset source read."""

    def __init__(self, setting: Any, dataset: str, build_context: BuildContext) -> None:
        self._setting = setting
        self._dataset = dataset
        self._build_context = build_context
        self._program = None
        if isinstance(setting, dict):
            rules = {"default": [["add", "bound", setting["expression"]]]}
            try:
                self._program = compile_dtl(rules, build_context.settings)
            except DtlCompileError as error:
                raise ConfigProblem(("completeness", "expression"), str(error)) from error

    def limit(self) -> float:
        """Return the highest `_ts` (µs) that may be read now.

        Infinity without a bound, -1 when nothing may.
        """
        if not self._setting:
            return math.inf
        if self._program is not None:
            return self._evaluated()
        names = self._setting if isinstance(self._setting, list) else [self._dataset]
        return min((self._seen(name) for name in names), default=math.inf)

    def _seen(self, name: str) -> float:
        """Completeness of `name` as the source dataset has taken it in.

        Its own where it is no upstream of that.
        """
        dataset = self._build_context.store.find(self._dataset)
        info = dataset.info() if dataset else None
        if info is None or info.completeness is None:
            return -1
        if name == self._dataset:
            return info.completeness
        value = info.inherited.get(name, completeness(self._build_context.store, name))
        return -1 if value is None else value

    def _evaluated(self) -> float:
        if self._program is None:
            return math.inf
        context = RunContext(self._build_context.engine)
        for entity in self._program.transform({"_id": "completeness"}, context):
            value = entity.get("bound")
            instant = (
                parse_timestamp(value[2:]) if isinstance(value, str) and value.startswith("~t") else None
            )
            if instant is not None:
                return instant.nanoseconds // 1000
        return -1


def _names(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
