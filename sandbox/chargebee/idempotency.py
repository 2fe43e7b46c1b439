"""Idempotency keys: for 30 minutes the same key and payload get the stored answer, and nothing is done again.

https://apidocs.chargebee.com/docs/api/idempotency. Answers 2xx and 4xx are kept, 429 and 5xx are not. A key
is bound to the path it was sent to.
"""

from __future__ import annotations

import hashlib

from core.clock import now_us
from sandbox.chargebee.errors import unprocessable, wrong_value
from sandbox.chargebee.facts import holds, imitates
from sandbox.common.state import Range, Record, State, Transaction

HEADER = "chargebee-idempotency-key"
REPLAYED = "chargebee-idempotency-replayed"
WINDOW_US = 30 * 60 * 1_000_000
_KEY_LIMIT = 100


class Remembered:
    """One idempotency key as sent with one request."""

    @imitates("idempotency-key-replays")
    def __init__(self, key: str, path: str, payload: str) -> None:
        if len(key) > _KEY_LIMIT:
            raise wrong_value(None, f"{HEADER} cannot be more than {_KEY_LIMIT} characters")
        self._id = hashlib.sha256(f"{path}\n{key}".encode()).hexdigest()
        self._payload = hashlib.sha256(payload.encode()).hexdigest()

    @imitates("idempotency-key-replays", "idempotency-key-with-another-body")
    def stored(self, tx: Transaction) -> tuple[Record, int] | None:
        """Return the body and status of the first answer, or None.

        ApiError 422 if that was to another payload.
        """
        record = tx.get("idempotency", self._id)
        if record is None or record["at"] < now_us() - WINDOW_US or not holds("idempotency-key-replays"):
            return None
        if record["payload"] != self._payload and holds("idempotency-key-with-another-body"):
            raise unprocessable("The idempotency key was used with another payload")
        return record["body"], record["status"]

    def store(self, tx: Transaction, body: Record, status: int) -> None:
        """Keep an answer."""
        record = {"at": now_us(), "payload": self._payload, "body": body, "status": status}
        tx.put("idempotency", self._id, record, since=0)


def forget_old(state: State) -> None:
    """Remove the keys whose window has passed."""
    old = [row.id for row in state.scan("idempotency", "at", Range(last=now_us() - WINDOW_US))]
    if old:
        with state.write() as tx:
            for record_id in old:
                tx.remove("idempotency", record_id)
