"""The Chargebee service's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.common.errors import SettingsError
from connectors.common.settings import CommonSettings, Environment, common_settings

_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_MOST_PER_PAGE = 100
INVOICE_STATUSES = ("payment_due", "paid", "posted", "not_paid")


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """What callers of `POST /webhooks` must present, and the node that events go to (URL with `/api`)."""

    username: str
    password: str
    node_url: str
    node_jwt: str | None


@dataclass(frozen=True, slots=True)
class ChargebeeSettings:
    """What this service can be told besides the common settings.

    Incremental reads end `list_lag` seconds before now, because a changed record can take that long to show
    in Chargebee's lists. `rate_per_minute` 0 means unlimited. `item_family` is the family of items that name
    none, `invoice_status` the status of the invoices that orders are imported against. `webhooks` None:
    events are not taken.
    """

    common: CommonSettings
    base_url: str
    api_key: str
    list_lag: int
    rate_per_minute: int
    concurrency: int
    item_family: str
    invoice_status: str
    webhooks: WebhookSettings | None = None


def read_settings(values: Mapping[str, str]) -> ChargebeeSettings:
    """The settings from environment variables; `SettingsError` names the one that is missing or wrong."""
    env = Environment(values)
    api_key = env.secret("CHARGEBEE_API_KEY")
    base_url = _base_url(env)
    list_lag = env.integer("CHARGEBEE_LIST_LAG_SECONDS", 300, 0, 86_400)
    rate_per_minute = env.integer("CHARGEBEE_RATE_PER_MINUTE", 120, 0, 100_000)
    concurrency = env.integer("CHARGEBEE_CONCURRENCY", 4, 1, 50)
    item_family = env.text("ITEM_FAMILY", "products")
    invoice_status = env.choice("CHARGEBEE_INVOICE_STATUS", "payment_due", INVOICE_STATUSES)
    webhooks = _webhooks(env)
    common = common_settings(env)
    if common.page_size > _MOST_PER_PAGE:
        raise SettingsError("PAGE_SIZE", f"must be at most {_MOST_PER_PAGE} for Chargebee")
    return ChargebeeSettings(
        common,
        base_url,
        api_key,
        list_lag,
        rate_per_minute,
        concurrency,
        item_family,
        invoice_status,
        webhooks,
    )


def _webhooks(env: Environment) -> WebhookSettings | None:
    """Events are taken if there is a WEBHOOK_USERNAME; then the rest is required."""
    username = env.optional("WEBHOOK_USERNAME")
    if username is None:
        return None
    node_jwt = env.secret("NODE_JWT") if env.optional("NODE_JWT") else None
    return WebhookSettings(username, env.secret("WEBHOOK_PASSWORD"), env.url("NODE_URL"), node_jwt)


def _base_url(env: Environment) -> str:
    """`CHARGEBEE_BASE_URL` if it is set, else the URL of `CHARGEBEE_SITE`."""
    if env.optional("CHARGEBEE_BASE_URL"):
        return env.url("CHARGEBEE_BASE_URL")
    site = env.text("CHARGEBEE_SITE")
    if not _SITE.fullmatch(site):
        raise SettingsError("CHARGEBEE_SITE", "must be the site's name only, such as acme-test")
    return f"https://{site}.chargebee.com/api/v2"
