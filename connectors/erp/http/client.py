"""The HTTP client, made as the profile's connection says."""

from __future__ import annotations

from connectors.common.limiter import Limiter
from connectors.common.metrics import Metrics
from connectors.common.upstream import UpstreamClient, UpstreamOptions
from connectors.erp.http.auth import TokenCalls, make_auth
from connectors.erp.http.responses import error_reader
from connectors.erp.settings import ErpSettings


def make_client(settings: ErpSettings, metrics: Metrics) -> UpstreamClient:
    """The client that speaks to the ERP as the profile's connection says."""
    profile, common = settings.profile, settings.common
    rest = profile.rest
    timeout, retry, rate = rest.get("timeout", {}), rest.get("retry", {}), rest.get("rate_limit", {})
    options = UpstreamOptions(
        base_url=rest["base_url"],
        address_setting=profile.address_setting,
        credentials_setting=profile.credentials_setting,
        connect_timeout=timeout.get("connect", common.connect_timeout),
        read_timeout=timeout.get("read", common.read_timeout),
        attempts=retry.get("max", common.attempts - 1) + 1,
        backoff=retry.get("base", common.backoff),
        backoff_cap=retry.get("cap", 20.0),
        max_wait=common.max_wait,
        verify=common.ca_file or True,
    )
    return UpstreamClient(
        options,
        make_auth(rest.get("auth", {"type": "none"}), TokenCalls(options)),
        Limiter(rate.get("per_second"), rate.get("burst", 1), rate.get("concurrency")),
        metrics,
        error_of=error_reader(rest),
        headers=rest.get("headers"),
        query=rest.get("query"),
    )
