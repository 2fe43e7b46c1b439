"""The HTTP client, made as the profile's connection says."""

from __future__ import annotations

import math
import time
from email.utils import parsedate_to_datetime

import requests

from connectors.common.limiter import Limiter
from connectors.common.metrics import Metrics
from connectors.common.upstream import UpstreamClient, UpstreamOptions, UpstreamResponse
from connectors.erp.http.auth import make_auth
from connectors.erp.http.responses import error_reader
from connectors.erp.http.token_calls import TokenCalls
from connectors.erp.mapping.templates import Quotes
from connectors.erp.settings import ErpSettings
from core.clock import seconds_to_text

_LAST_MICROSECOND = 0.999999
_RESET_HEADERS = ("RateLimit-Reset", "X-RateLimit-Reset", "X-Rate-Limit-Reset")


class ErpClient(UpstreamClient):
    """The client with what questions to this ERP need.

    `quotes` says how a quote within a value is written.
    """

    quotes: Quotes = "doubled"
    _ahead: float = 0.0

    def clock_now(self) -> str:
        """Return the end of the present second by the ERP's clock, as its last answer's `Date` had it."""
        return seconds_to_text(math.floor(time.time() + self._ahead) + _LAST_MICROSECOND)

    def _exchange(self, request: requests.Request) -> UpstreamResponse:
        answer = super()._exchange(request)
        try:
            date = parsedate_to_datetime(answer.headers.get("Date", ""))
        except ValueError:
            return answer
        self._ahead = date.timestamp() - time.time()
        return answer


def make_client(settings: ErpSettings, metrics: Metrics) -> ErpClient:
    """Return the client that speaks to the ERP as the profile's connection says."""
    profile, common = settings.profile, settings.common
    rest = profile.rest
    retry, rate = rest.retry, rest.rate_limit
    options = UpstreamOptions.of(
        common,
        rest.base_url,
        profile.address_setting,
        profile.credentials_setting,
        connect_timeout=rest.timeout.connect or common.connect_timeout,
        read_timeout=rest.timeout.read or common.read_timeout,
        attempts=common.attempts if retry.max is None else retry.max + 1,
        backoff=retry.base or common.backoff,
        backoff_cap=retry.cap,
        reset_headers=(*([rate.reset] if rate.reset is not None else []), *_RESET_HEADERS),
    )
    client = ErpClient(
        options,
        make_auth(rest.auth, TokenCalls(options, rest)),
        Limiter(rate.per_second, rate.burst, rate.concurrency, per_day=rate.per_day),
        metrics,
        error_of=error_reader(rest),
        headers={name: str(value) for name, value in rest.headers.items()},
        query=rest.query,
    )
    client.quotes = rest.quotes
    return client
