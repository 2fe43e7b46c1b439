"""Source types. Importing this package registers them."""

from localnode.pipes.sources import (
    dataset,
    embedded,
    http_endpoint,
    json_source,
    merge,
    merge_datasets,
    union_datasets,
)

__all__ = [
    "dataset",
    "embedded",
    "http_endpoint",
    "json_source",
    "merge",
    "merge_datasets",
    "union_datasets",
]
