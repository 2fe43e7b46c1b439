"""A local Sesam node: runs the configs of a hosted node, unchanged, on one machine, and speaks its API."""
