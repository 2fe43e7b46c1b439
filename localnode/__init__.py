"""A local Sesam node: carries out the same pipe configs as a hosted node, on one machine, and speaks its API."""
