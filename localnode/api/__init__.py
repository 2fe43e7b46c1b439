"""The node's REST API, everything under `/api`."""
