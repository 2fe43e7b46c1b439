"""Transform types. Importing this package registers them."""

from localnode.pipes.transforms import dtl, emit_children, http, json_schema, rest, xml

__all__ = ["dtl", "emit_children", "http", "json_schema", "rest", "xml"]
