"""One Chargebee site: what is read of it, and the port through which it is written to."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property

from requests.auth import HTTPBasicAuth

from connectors.chargebee.backfill import Backfills
from connectors.chargebee.clock import SiteClock
from connectors.chargebee.dry_run import ForeseenWrites
from connectors.chargebee.forms import in_path
from connectors.chargebee.responses import error_of, object_of, record_of
from connectors.chargebee.settings import ChargebeeSettings
from connectors.chargebee.writes import ApiWrites, Params, Write
from connectors.common.datatype import Record
from connectors.common.errors import InvalidResponse, NotFound
from connectors.common.limiter import Limiter
from connectors.common.locks import RecordLocks
from connectors.common.metrics import Metrics
from connectors.common.upstream import UpstreamClient, UpstreamOptions
from connectors.common.write_port import WritePort
from core.jsonio import Json


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
    """One site's API. Safe to use from several threads."""

    def __init__(self, settings: ChargebeeSettings, metrics: Metrics) -> None:
        rate = settings.rate_per_minute / 60 or None
        limiter = Limiter(
            rate, burst=max(1, settings.rate_per_minute // 10), concurrency=settings.concurrency
        )
        auth = HTTPBasicAuth(settings.api_key, "")
        self._http = UpstreamClient(options(settings), auth, limiter, metrics, error_of)
        self._writes: WritePort[Write] = ApiWrites(self._http, settings.emails)
        self._customers = RecordLocks()
        self.clock = SiteClock()
        self.backfills = Backfills(metrics, lambda: limiter.per_minute)

    @property
    def is_dry_run(self) -> bool:
        """Whether writes only say what would be stored."""
        return self._writes.is_dry_run

    @cached_property
    def dry_run(self) -> Chargebee:
        """The same site without its writes. Reads share its connections, rate limit and metrics."""
        twin = copy.copy(self)
        twin._writes = ForeseenWrites()
        twin._customers = RecordLocks()
        return twin

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
        return object_of(answer)

    def retrieve(self, resource: str, kind: str, key: str, attempts: int | None = None) -> Record:
        """`GET /<resource>/<key>`; `NotFound` if there is none."""
        if not key:
            raise NotFound(f"there is no {kind} without an id")
        path = f"/{resource}/{in_path(key)}"
        body = self.get(path, operation=f"retrieve {kind}", attempts=attempts)
        return record_of(body, kind)

    def create(self, path: str, kind: str, payload: Mapping[str, object], fresh: bool = False) -> Record:
        """Create a record under an id of our choice, see `Write`. `AlreadyExists` if that is taken."""
        return self._writes.create(Write(path, kind, payload, fresh=fresh))

    def update(
        self,
        path: str,
        kind: str,
        payload: Mapping[str, object],
        present: Record,
        is_new: bool = False,
        foreseen: Mapping[str, object] | None = None,
    ) -> Record:
        """Change the record `present`, see `Write`."""
        return self._writes.update(Write(path, kind, payload, present, foreseen or {}, is_new=is_new))

    def delete(self, path: str, kind: str) -> Record:
        """Delete a record; `path` ends in its id and `/delete`."""
        return self._writes.delete(Write(path, kind))
