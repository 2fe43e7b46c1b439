"""What all fakes have in common: a clock that only goes up, a running server, and what a test does in one of them."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask, request
from werkzeug.serving import WSGIRequestHandler, make_server

from connectors.erp.profile.load import PROFILES
from tests.support.erp import without_waiting

Record = dict[str, Any]


class Clock:
    """The ERP's clock: no change has the time of another, though whole seconds may not tell them apart."""

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()
        self.ticks = 0

    def tick(self) -> datetime:
        """The time of a change, later than that of the one before."""
        with self._lock:
            self.ticks += 1
            self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
            return self._last


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The address of a server that runs the application in this process."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


@dataclass(frozen=True)
class Has:
    """What an ERP has, beside contacts, companies and products that are read and written."""

    employees: bool = True
    quotes: bool = True
    deletions: bool = True
    """Whether a deleted record shows in an incremental read."""
    makes_contacts: bool = True
    makes_products: bool = True
    deletes_contacts: bool = True
    people_at_companies: bool = True
    sales_name_people: bool = True
    links_on_contacts: bool = True
    """Whether a contact has a field for Chargebee's key."""
    wins: bool = True
    """Whether a quote that becomes an order can be followed."""


class FakeErp(ABC):
    """A fake, and what people who work in that ERP do. Keys are texts, as the service has them."""

    preset: str
    has = Has()

    def __init__(self) -> None:
        self.app = Flask(type(self).__name__)
        self.calls = Counter[str]()
        self.sessions: set[str] = set()
        self.app.before_request(self._count)

    def profile(self, folder: Path) -> str:
        """The preset, without the pauses that the real ERP wants, and asking for deletions at each read."""
        document = without_waiting(json.loads((PROFILES / f"{self.preset}.json").read_bytes()))
        document["connection"]["rest"].pop("rate_limit", None)
        file = folder / f"{self.preset}.json"
        file.write_text(json.dumps(document))
        return str(file)

    def _count(self) -> None:
        self.calls[f"{request.method} {request.path}"] += 1

    @abstractmethod
    def changes(self) -> int:
        """Changes of anything so far, whoever made them."""

    @abstractmethod
    def products(self) -> list[str]:
        """The keys of all products."""

    @abstractmethod
    def environment(self, url: str, folder: Path) -> dict[str, str]:
        """Settings of the ERP service in front of the fake."""

    def log_out(self) -> None:
        """End all sessions and tokens, where calls do not bring a key."""
        self.sessions.clear()

    @abstractmethod
    def company(self, name: str, email: str) -> str:
        """A new company that buys; its key."""

    @abstractmethod
    def contact(self, first: str, last: str, email: str, phone: str, city: str, company: str) -> str:
        """A new person at a company."""

    def employee(self, first: str, last: str, email: str) -> str:
        """One of the own people."""
        raise NotImplementedError

    @abstractmethod
    def product(self, sku: str, name: str, price: str, description: str) -> str:
        """A new product."""

    @abstractmethod
    def sale(
        self, kind: str, company: str, contact: str, product: str, quantity: int, price: str, note: str
    ) -> str:
        """A new quote that was sent, or a new order that was confirmed."""

    def win(self, quote: str) -> None:
        """Make an order of a quote."""
        raise NotImplementedError

    @abstractmethod
    def edit_contact(self, key: str, **fields: str) -> None:
        """Change first, last, email, phone or city."""

    @abstractmethod
    def see_contact(self, key: str) -> Record | None:
        """first, last, email, phone, city and link, as people see them; None if it is gone."""

    @abstractmethod
    def find_contact(self, email: str) -> str:
        """The key of the only contact with that address."""

    @abstractmethod
    def edit_product(self, key: str, **fields: str) -> None:
        """Change name, description or price."""

    @abstractmethod
    def see_product(self, key: str) -> Record:
        """name, description, price and link."""

    @abstractmethod
    def edit_note(self, kind: str, key: str, note: str) -> None:
        """Change the note of a quote or order."""

    @abstractmethod
    def see_note(self, kind: str, key: str) -> str | None:
        """The note of a quote or order."""

    @abstractmethod
    def remove_contact(self, key: str) -> None:
        """Delete a person for good, or as far as this ERP knows it."""
