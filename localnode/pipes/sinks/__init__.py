"""Sink types. Importing this package registers them."""

from localnode.pipes.sinks import dataset, endpoints, json_push, null

__all__ = ["dataset", "endpoints", "json_push", "null"]
