"""What a node refuses to do, sorted by what the caller must do. The API maps each to one HTTP status.

NodeError
├── NotFound       404  look up first: no pipe, dataset, system, secret … of that name
├── BadRequest     400  fix the request: a parameter, a body, an operation the pump does not have
├── Conflict       409  wait or choose another way: the pump runs already, a sequence is out of order
└── Unavailable    503  wait: the node restarts, or the system behind it does not answer
"""

from __future__ import annotations

from core.jsonio import Json


class NodeError(Exception):
    """Base; `detail` (a JSON object) is added to the problem document."""

    status = 500
    title = "Node error"

    def __init__(self, message: str, detail: Json | None = None) -> None:
        super().__init__(message)
        self.detail = detail or {}


class NotFound(NodeError):
    """Nothing of that name."""

    status, title = 404, "Not found"


class BadRequest(NodeError):
    """The request cannot be carried out as it is."""

    status, title = 400, "Bad request"


class Conflict(NodeError):
    """Something else goes on at the same time."""

    status, title = 409, "Conflict"


class Unavailable(NodeError):
    """Not now."""

    status, title = 503, "Unavailable"
