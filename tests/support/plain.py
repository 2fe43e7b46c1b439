"""The metadata of a node whose names have no namespaces; without any metadata they have them, as on a hosted node."""

PLAIN = {"_id": "node", "type": "metadata", "namespaced_identifiers": False}
