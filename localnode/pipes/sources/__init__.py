"""Source types. Importing this package registers them."""

from localnode.pipes.sources import (
    dataset,
    diff_datasets,
    embedded,
    http_endpoint,
    json_source,
    merge,
    merge_datasets,
    rest,
    union_datasets,
)

__all__ = [
    "dataset",
    "diff_datasets",
    "embedded",
    "http_endpoint",
    "json_source",
    "merge",
    "merge_datasets",
    "rest",
    "union_datasets",
]
