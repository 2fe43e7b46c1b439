"""Transform types. Importing this package registers them."""

from localnode.pipes.transforms import dtl, http

__all__ = ["dtl", "http"]
