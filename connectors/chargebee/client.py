"""Calls to Chargebee: GET with filters, POST as forms with idempotency keys."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager

from requests.auth import HTTPBasicAuth

from connectors.chargebee import forms
from connectors.chargebee.backfill import Backfills
from connectors.chargebee.clock import SiteClock
from connectors.chargebee.forms import in_path
from connectors.chargebee.responses import StoredRefusal, error_of, is_replay
from connectors.chargebee.settings import ChargebeeSettings
from connectors.common.datatype import Record
from connectors.common.errors import InvalidResponse, NotFound
from connectors.common.limiter import Limiter
from connectors.common.locks import RecordLocks
from connectors.common.metrics import Metrics
from connectors.common.upstream import UpstreamClient, UpstreamOptions, UpstreamResponse
from core.jsonio import Json

IDEMPOTENCY_KEY = "chargebee-idempotency-key"
EVENT_EMAIL = "chargebee-event-email"
"""Header that keeps Chargebee from mailing the customer about a call (spec of every POST)."""
Params = list[tuple[str, str]]


def options(settings: ChargebeeSettings) -> UpstreamOptions:
    """Return how to reach the site."""
    return UpstreamOptions.of(
        settings.common,
        settings.base_url,
        "CHARGEBEE_SITE or CHARGEBEE_BASE_URL",
        "CHARGEBEE_API_KEY",
        pool_size=settings.concurrency,
    )


class Chargebee:
    """One site's API. Safe to use from several threads. A dry run (`is_dry_run`) creates nothing."""

    is_dry_run = False

    def __init__(self, settings: ChargebeeSettings, metrics: Metrics) -> None:
        rate = settings.rate_per_minute / 60 or None
        limiter = Limiter(
            rate, burst=max(1, settings.rate_per_minute // 10), concurrency=settings.concurrency
        )
        auth = HTTPBasicAuth(settings.api_key, "")
        self._http = UpstreamClient(options(settings), auth, limiter, metrics, error_of)
        self._silence = {} if settings.emails else {EVENT_EMAIL: "all-disabled"}
        self._customers = RecordLocks()
        self.clock = SiteClock()
        self.backfills = Backfills(metrics, lambda: limiter.per_minute)

    def check(self) -> None:
        """Make one cheap call.

        Is the site there, are the credentials good, does it use Product Catalog 2.0?
        """
        body = self.get("/configurations", operation="configurations")
        versions = [
            site.get("product_catalog_version")
            for site in body.get("configurations", [])
            if isinstance(site, dict)
        ]
        if "v2" not in versions:
            raise InvalidResponse(
                "the Chargebee site does not use Product Catalog 2.0, which this service needs"
            )

    def customer_lock(self, customer_id: str) -> AbstractContextManager[bool]:
        """Held while anything of a customer is written: where writes meet, Chargebee refuses one."""
        return self._customers.of("customer", customer_id)

    def get(
        self, path: str, params: Params | None = None, *, operation: str, attempts: int | None = None
    ) -> Json:
        """Return the JSON object of a GET; `attempts` bounds the tries."""
        answer = self._http.call("GET", path, operation=operation, params=params, attempts=attempts)
        self.clock.note(answer.headers.get("Date"))
        return _object(answer)

    def retrieve(self, resource: str, kind: str, key: str, attempts: int | None = None) -> Record:
        """`GET /<resource>/<key>`; `NotFound` if there is none."""
        if not key:
            raise NotFound(f"there is no {kind} without an id")
        path = f"/{resource}/{in_path(key)}"
        body = self.get(path, operation=f"retrieve {kind}", attempts=attempts)
        return _record(body, kind)

    def create(self, path: str, kind: str, payload: Mapping[str, object], fresh: bool = False) -> Record:
        """POST a create with an id of our choice. `AlreadyExists` if that is taken, also by an earlier call.

        A stored answer to such a call says what was, not what is: the call is made again to learn that.
        `fresh` says that the same call was refused a moment ago, for a reason that has been removed.
        """
        fields = forms.fields(payload)
        key = _fresh(_key(path, fields, "")) if fresh else _key(path, fields, "")
        answer = self._post(path, fields, key, f"create {kind}")
        if is_replay(answer):
            answer = self._send(path, fields, _fresh(key), f"create {kind}")
        return _record(_object(answer), kind)

    def update(
        self,
        path: str,
        kind: str,
        payload: Mapping[str, object],
        present: Record,
        is_new: bool = False,
        foreseen: Mapping[str, object] | None = None,
    ) -> Record:
        """POST a change of the record `present`; the same change of a later version is a new one.

        `foreseen`: what the call does to the record besides, where its parameters are not attributes.

        Chargebee does not compare versions. So nothing is repeated here: after a pause the record may be
        another one, and the caller must read and compare it again; unless it `is_new`, made a moment ago.
        """
        fields = forms.fields(payload)
        key = _key(path, fields, str(present.get("resource_version", "")))
        attempts = None if is_new else 1
        return _record(_object(self._post(path, fields, key, f"update {kind}", attempts)), kind)

    def delete(self, path: str, kind: str) -> Record:
        """POST a delete; doing it twice is as good as once, so it carries no idempotency key."""
        answer = self._http.call(
            "POST", path, operation=f"delete {kind}", headers=self._silence, repeatable=True
        )
        return _record(_object(answer), kind)

    def _post(
        self, path: str, fields: Params, key: str, operation: str, attempts: int | None = None
    ) -> UpstreamResponse:
        """One POST that may be repeated. A stored refusal is old news: the call is made again, once."""
        try:
            return self._send(path, fields, key, operation, attempts)
        except StoredRefusal:
            return self._send(path, fields, _fresh(key), operation, attempts)

    def _send(
        self, path: str, fields: Params, key: str, operation: str, attempts: int | None = None
    ) -> UpstreamResponse:
        headers = {IDEMPOTENCY_KEY: key, **self._silence}
        return self._http.call(
            "POST",
            path,
            operation=operation,
            data=fields,
            headers=headers,
            repeatable=True,
            attempts=attempts,
        )


def _key(path: str, fields: Params, version: str) -> str:
    """Return the idempotency key of one call: the same for a repeated call, another for every other one.

    The order of the fields counts too: Chargebee refuses a key that comes with another text than before.
    """
    text = "\n".join([path, version, *(f"{name}={value}" for name, value in fields)])
    return hashlib.sha256(text.encode()).hexdigest()


def _fresh(key: str) -> str:
    """Return a key never used before, still recognisable as the same call."""
    return f"{key[:48]}-{uuid.uuid4().hex}"


def _object(answer: UpstreamResponse) -> Json:
    if not isinstance(answer.body, dict):
        raise InvalidResponse("the Chargebee answer is not a JSON object")
    return answer.body


def _record(body: dict[str, object], kind: str) -> Record:
    record = body.get(kind)
    if not isinstance(record, dict) or "id" not in record:
        raise InvalidResponse(f"the Chargebee answer holds no {kind}")
    return record
