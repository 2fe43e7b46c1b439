"""Fill a pipe's defaults in, so that its effective config says all there is to say about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.jsonio import Json
from localnode.pipes import ConfigProblem, registry

DATASET_INTERVAL = 30
OTHER_INTERVAL = 900
DATASET_SOURCES = frozenset({"dataset", "merge", "merge_datasets", "union_datasets", "diff_datasets"})
ENDPOINT_SINKS = frozenset({"http_endpoint", "csv_endpoint", "xml_endpoint", "excel_endpoint"})

Path = tuple[str | int, ...]


def fill_pipe_defaults(pipe: Json, metadata: Mapping[str, Any]) -> Json:
    """Return the pipe with sink, sink dataset, pump, batch size and namespacing filled in.

    `pipe` itself is not changed.
    """
    result = dict(pipe)
    sink = dict(_part(pipe, "sink"))
    sink.setdefault("type", "dataset")
    if sink["type"] == "dataset":
        sink.setdefault("dataset", pipe["_id"])
    result["sink"] = sink
    result["pump"] = _pump(pipe, sink)
    result.setdefault("batch_size", 1 if sink["type"] == "rest" else 100)
    result.setdefault("namespaced_identifiers", metadata.get("namespaced_identifiers", False))
    defaults = metadata.get("global_defaults") or {}
    result.setdefault("reprocessing_policy", defaults.get("reprocessing_policy", "continue"))
    source = _part(pipe, "source")
    if "if_source_empty" in defaults and source:
        result["source"] = {"if_source_empty": defaults["if_source_empty"], **source}
    return result


def _pump(pipe: Mapping[str, object], sink: Mapping[str, object]) -> dict[str, object]:
    pump = {"mode": "scheduled", **_part(pipe, "pump")}
    if "cron_expression" not in pump and "schedule_interval" not in pump:
        from_dataset = _kind(_part(pipe, "source")) in DATASET_SOURCES
        pump["schedule_interval"] = (
            DATASET_INTERVAL if from_dataset and sink["type"] == "dataset" else OTHER_INTERVAL
        )
    return pump


def _part(pipe: Mapping[str, object], name: str) -> Mapping[str, Any]:
    value = pipe.get(name)
    return value if isinstance(value, Mapping) else {}


def _kind(part: Mapping[str, object]) -> str:
    """Return the type of a component, "" when that is no text."""
    kind = part.get("type")
    return kind if isinstance(kind, str) else ""


def transforms(pipe: Mapping[str, object]) -> list[tuple[Path, Json]]:
    """Return a pipe's transforms with the path of each.

    What is in "chained" and "template" ones follows them. What is no object is left out.
    """
    return _opened(pipe.get("transform"), ("transform",))


def _opened(value: object, path: Path) -> list[tuple[Path, dict[str, object]]]:
    if isinstance(value, list):
        return [found for at, link in enumerate(value) for found in _opened(link, (*path, at))]
    if not isinstance(value, dict):
        return []
    if value.get("type") == "chained":
        inner = value.get("transforms")
        return [(path, value), *(_opened(inner, (*path, "transforms")) if isinstance(inner, list) else [])]
    return [(path, value), *_within(value, path)]


def _within(link: dict[str, object], path: Path) -> list[tuple[Path, dict[str, object]]]:
    """Return the transforms of a template; none when it cannot be opened, which building the pipe reports."""
    try:
        return [(place, dict(inner)) for place, inner in registry.opened(link, path) or []]
    except ConfigProblem:
        return []


def source_datasets(pipe: Mapping[str, object]) -> list[str]:
    """Datasets a pipe reads as its source, in order; aliases of a merge are cut off."""
    source = _part(pipe, "source")
    if source.get("type") == "dataset":
        return [source["dataset"]] if isinstance(source.get("dataset"), str) else []
    if _kind(source) in DATASET_SOURCES:
        names = source.get("datasets")
        return [str(name).split(" ")[0] for name in names] if isinstance(names, list) else []
    return []


def part_type(pipe: Mapping[str, object], name: str) -> str:
    """Return the type of a pipe's resolved source or sink, "" when it has none."""
    return _kind(_part(pipe, name))


def sink_dataset(pipe: Mapping[str, object]) -> str | None:
    """Return the dataset an effective pipe writes, None for every other kind of sink."""
    sink = _part(pipe, "sink")
    dataset = sink.get("dataset")
    return dataset if sink.get("type") == "dataset" and isinstance(dataset, str) else None
