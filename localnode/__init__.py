"""A local Sesam node: carries out the configs of a hosted node, unchanged, on one machine, and speaks its API."""
