"""What the share pipes remember: how each share request ended, and what was there before each write."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import requests

from core.jsonio import Json
from stack.processes import Stack
from tests.soundness.model import Loser

BAD = ("conflict", "rejected", "gone", "quarantined")
KIND_OF = {
    "customerp-contact": "contact", "customerp-employee": "employee", "customerp-customer": "company",
    "customerp-product": "product", "customerp-order": "order", "customerp-quote": "quote",
    "chargebee-customer": "cb_customer", "chargebee-item": "item", "chargebee-order": "cb_order",
    "chargebee-item_price": "item_price", "chargebee-business_entity": "business_entity",
}  # fmt: skip


class Rows:
    """The newest row of every share request, and what each write overwrote."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._session = requests.Session()
        self._session.trust_env = False
        self._since: dict[str, int] = {}
        self.newest: dict[tuple[str, str], Json] = {}
        self.befores: list[str] = []
        """What was there before each write since the look before the last: who clashed is judged a window later."""
        self._fresh: list[str] = []
        self.written: Counter[str] = Counter()
        """Writes since the last look, by record."""

    def refresh(self) -> None:
        """Read what came since the last time."""
        earlier, self._fresh = self._fresh, []
        self.written.clear()
        for pipe in self._stack.share_pipes():
            for row in self._versions(f"{pipe}-share"):
                self.newest[pipe, row["_id"]] = row
                if row.get("$operation") in ("insert", "update") and row.get("$status") == "ok":
                    self.written[f"{KIND_OF.get(pipe, pipe)}:{row['$generated_id']}"] += 1
                if row.get("$was"):
                    self._fresh.append(json.dumps(row["$was"], ensure_ascii=False))
        self.befores = earlier + self._fresh

    def _versions(self, dataset: str) -> list[Json]:
        rows = self._all(dataset, self._since.get(dataset))
        if rows:
            self._since[dataset] = rows[-1]["_updated"]
        return rows

    def _all(self, dataset: str, since: int | None = None) -> list[Json]:
        params = {} if since is None else {"since": since}
        url = f"{self._stack.node.url}/datasets/{dataset}/entities"
        answer = self._session.get(url, params=params, timeout=60)
        if answer.status_code == 404:
            return []
        answer.raise_for_status()
        return list(answer.json())

    def bad(self) -> list[tuple[str, Json]]:
        """(pipe, row) of every share request that ended badly and still stands."""
        return [
            (pipe, row)
            for (pipe, _), row in self.newest.items()
            if row.get("$status") in BAD and not row.get("_deleted")
        ]

    def differences(self) -> list[tuple[str, Json]]:
        """(pipe, row) of every record that a node without its past reports as another than its counterpart."""
        return [
            (pipe, row)
            for (pipe, _), row in self.newest.items()
            if (row.get("$error") or {}).get("rule") == "settled-difference" and not row.get("_deleted")
        ]

    def unrecorded(self, losers: list[Loser], died: bool) -> list[Loser]:
        """The values that lost against a later edit and that no row shows as what was there before.

        `died`: a process may have ended between a write and the row about it. Then the desired tells, which was
        stored before.
        """
        missing = self._missing(losers, self.befores)
        if not (died and missing):
            return missing
        desired_states = [
            json.dumps(desired["$based_on"], ensure_ascii=False)
            for pipe in self._stack.share_pipes()
            for desired in self._all(f"{pipe}-transform")
            if desired.get("$operation") == "update"
        ]
        return self._missing(missing, desired_states)

    @staticmethod
    def _missing(losers: list[Loser], texts: list[str]) -> list[Loser]:
        told = [text.lower() for text in texts]
        told += [text.replace("/", "-") for text in told]  # as a category is written in Chargebee
        return [
            each for each in losers if not any(form in text for form in _forms(each.value) for text in told)
        ]


def member_of(pipe: str, row: Json) -> str:
    """The record that a row is about, as `kind:id`."""
    return f"{KIND_OF.get(pipe, pipe)}:{row['_id']}"


def reason(row: Json) -> str | None:
    """Why a share request ended badly, if the row names it as it must: in words, with its rule or field."""
    error: dict[str, Any] = row.get("$error") or {}
    named = error.get("rule") or error.get("field") or error.get("kind")
    return f"{named}: {error['detail']}" if named and error.get("detail") else None


def _forms(value: str) -> list[str]:
    """How a record may write a value: as it is, without the hash of a shortened category, a day as a second."""
    text = json.dumps(value, ensure_ascii=False)[1:-1].lower()
    try:
        return [text, str(int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp()))]
    except ValueError:
        return [text, re.sub(r"-\d{8}$", "", text)]
