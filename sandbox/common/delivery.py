"""Deliveries of events to addresses, in the background, as systems with webhooks make them."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.common.control import FAULTS_SETTING
from sandbox.common.faults import FaultSettings
from sandbox.common.state import Record, State

RETRIES_S = (2.0, 6.0, 30.0, 60.0, 300.0)
"""Pauses before a delivery is repeated: a sixtieth of Chargebee's, and not quite as many."""

Post = Callable[[str, Record], bool]
"""Delivers an event to the endpoint of that id; whether it was taken, or is not wanted there."""


class Delivery:
    """Sends events to the endpoints, in the background, in their order unless faults say otherwise.

    A delivery that is not answered 2xx is repeated after `RETRIES_S`. Waiting deliveries do not survive a
    restart: what matters to a listener is that events come, come twice, come late or do not come.
    """

    def __init__(self, state: State, endpoints: Callable[[], list[str]], post: Post) -> None:
        """`endpoints` gives the ids of those that there are."""
        self._state = state
        self._endpoints = endpoints
        self._post = post
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._faults = FaultSettings()
        self._random = random.Random(self._faults.seed)

    def send(self, events: list[Record]) -> None:
        """Queue events that have been committed; nothing happens while there is no endpoint."""
        endpoints = self._endpoints() if events else None
        if not endpoints:
            return
        with self._wake:
            self._draw_again()
            for event in events:
                for endpoint_id in endpoints:
                    for delay in self._delays():
                        self._put(delay, event, endpoint_id, 0)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)
                self._thread.start()

    def _draw_again(self) -> None:
        faults = FaultSettings.parse(self._state.setting(FAULTS_SETTING) or {})
        if faults != self._faults:
            self._faults, self._random = faults, random.Random(faults.seed)

    def _delays(self) -> list[float]:
        """Return seconds until each delivery of an event: none if it is lost, two if it comes twice."""
        faults, draw = self._faults, self._random
        copies = 0 if draw.random() < faults.webhook_loss_rate else 1
        copies += copies and draw.random() < faults.webhook_duplicate_rate
        return [draw.uniform(0, faults.webhook_delay_ms) / 1000 for _ in range(copies)]

    def _put(self, delay: float, event: Record, endpoint_id: str, attempt: int) -> None:
        heapq.heappush(
            self._due, _Due(time.monotonic() + delay, next(self._order), event, endpoint_id, attempt)
        )
        self._wake.notify()

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._due or self._due[0].at > time.monotonic():
                    self._wake.wait(self._due[0].at - time.monotonic() if self._due else None)
                due = heapq.heappop(self._due)
            if not self._post(due.endpoint_id, due.event) and due.attempt < len(RETRIES_S):
                with self._wake:
                    self._put(RETRIES_S[due.attempt], due.event, due.endpoint_id, due.attempt + 1)


@dataclass(order=True)
class _Due:
    """One delivery to make at `at` (monotonic seconds)."""

    at: float
    order: int
    event: Record = field(compare=False)
    endpoint_id: str = field(compare=False)
    attempt: int = field(compare=False)
