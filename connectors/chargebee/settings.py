"""The Chargebee service's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from connectors.common.errors import SettingsError
from connectors.common.settings import CommonSettings, common_settings
from core.flags import parse_flag
from core.settings import choice, integer, read, secrets_of, setting, text, url

_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_REGIONAL = re.compile(r"(?:https://)?(?P<site>[A-Za-z0-9-]+)\.(?P<region>[a-z]{2})(?:\.chargebee\.com.*)?")
"""`acme.eu`: in the addresses of its own clients, https://apidocs.eu.chargebee.com."""

_MOST_PER_PAGE = 100
INVOICE_STATUSES = ("posted", "payment_due", "paid", "not_paid")


def _site(value: str) -> str:
    if _SITE.fullmatch(value):
        return value
    problem = "must be the site's name only, such as acme-test"
    regional = _REGIONAL.fullmatch(value)
    if regional:
        root = f"https://{regional['site']}.{regional['region']}.chargebee.com/api/v2"
        problem += f"; a site in another region has CHARGEBEE_BASE_URL={root} instead"
    raise ValueError(problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """What callers of `POST /webhooks` must present, and the node that events go to."""

    username: str = setting(
        "WEBHOOK_USERNAME",
        "user name that callers of `POST /webhooks` must send; no events are accepted while unset",
        text,
    )
    password: str = setting("WEBHOOK_PASSWORD", "the password for it", text, secret=True)
    node_url: str = setting(
        "NODE_URL", "the node to which webhooks are forwarded; its URL ends in `/api`", url
    )
    node_jwt: str | None = setting("NODE_JWT", "a token for that node", text, None, secret=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebeeSettings:
    """What this service can be told besides the common settings. `webhooks` None: events are not taken."""

    site: str | None = setting("CHARGEBEE_SITE", "the site's name", _site, None)
    api_key: str = setting("CHARGEBEE_API_KEY", "an API key of the site", text, secret=True)
    address: str | None = setting(
        "CHARGEBEE_BASE_URL",
        "root of the API, for regional hosts and sandboxes",
        url,
        None,
        shown="from the site",
    )
    list_lag: int = setting(
        "CHARGEBEE_LIST_LAG_SECONDS",
        "incremental reads stop this many seconds before now, because changes can appear in"
        " Chargebee's lists that late",
        integer(0, 86_400),
        300,
    )
    rate_per_minute: int = setting(
        "CHARGEBEE_RATE_PER_MINUTE",
        "calls per minute that your plan allows, 0 for no limit; writes take precedence over reads,"
        " and refusals (429) slow the service down for a while",
        integer(0, 100_000),
        120,
    )
    concurrency: int = setting("CHARGEBEE_CONCURRENCY", "calls at the same time", integer(1, 50), 4)
    invoice_status: str = setting(
        "CHARGEBEE_INVOICE_STATUS",
        "status of the imported invoices from which orders are created: `payment_due`, `paid`,"
        " `posted` or `not_paid`",
        choice(*INVOICE_STATUSES),
        "posted",
    )
    order_lines: str = setting(
        "CHARGEBEE_ORDER_LINES",
        "lines of imported orders: `all` unchanged, all as lines of a `shippable` item, or `auto`:"
        " unchanged until the site refuses or drops them",
        choice("auto", "all", "shippable"),
        "auto",
    )
    emails: bool = setting(
        "CHARGEBEE_EMAILS", "whether Chargebee may send customers e-mails about writes", parse_flag, False
    )
    send_empty: bool = setting(
        "CHARGEBEE_SEND_EMPTY",
        "whether an emptied e-mail address, instant, choice or price is sent to Chargebee as an empty value;"
        " by default it is reported, because no documentation says that Chargebee accepts it",
        parse_flag,
        False,
    )
    item_family: str = setting("ITEM_FAMILY", "item family of items without one", text, "products")
    common: CommonSettings
    webhooks: WebhookSettings | None = None

    @property
    def base_url(self) -> str:
        """The root of the API."""
        return self.address or f"https://{self.site}.chargebee.com/api/v2"


def read_settings(values: Mapping[str, str]) -> ChargebeeSettings:
    """Return the settings from environment variables.

    `SettingsError` names the one that is missing or wrong.
    """
    webhooks = None
    if values.get("WEBHOOK_USERNAME", "").strip():
        webhooks = read(WebhookSettings, values, SettingsError)
    found = read(ChargebeeSettings, values, SettingsError, common=CommonSettings(), webhooks=webhooks)
    if found.site is None and found.address is None:
        raise SettingsError("CHARGEBEE_SITE", "is required")
    secrets = [*secrets_of(found), *(secrets_of(webhooks) if webhooks is not None else ())]
    common = common_settings(values, secrets)
    if common.page_size > _MOST_PER_PAGE:
        raise SettingsError("PAGE_SIZE", f"must be at most {_MOST_PER_PAGE} for Chargebee")
    return replace(found, common=common)
