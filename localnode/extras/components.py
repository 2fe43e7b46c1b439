"""Component types. Importing this registers them; `localnode.pipes.registry` does so when it needs one."""

from localnode.extras import diff_datasets, emit_children, json_schema, templates, xml
from localnode.extras.rest import sink, source, transform

__all__ = ["diff_datasets", "emit_children", "json_schema", "sink", "source", "templates", "transform", "xml"]
