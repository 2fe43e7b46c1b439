"""The reference page of settings, made from each program's own table, but for what the pipes read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors.chargebee.settings import ChargebeeSettings, WebhookSettings
from connectors.common.settings import CommonSettings, ProcessSettings
from connectors.erp.settings import ErpSettings
from core.settings import rows
from localnode.alerts.settings import AlertSettings
from localnode.config import NodeSettings
from localnode.readings import ReadingSettings
from stack.environment import OF_ERP, OF_INIT, PipeSettings, Ports

BY_HAND = "## Of the pipes"
ASKED_FOR = (
    "used by the shipped profiles as `${ERP_BASE_URL}` and `${ERP_TOKEN}`; your profile may use others"
)
INIT_CREDENTIALS = "used by `erp-check --init` for basic authentication, instead of `ERP_TOKEN`"
PAGE = Path(__file__).resolve().parent / "reference" / "settings.md"
SECTIONS: list[tuple[str, str, tuple[type[Any], ...]]] = [
    (
        "Of the services",
        "Services read their settings from the environment and check them once at start. If a setting"
        " is invalid, they stop with a message that names it. Both services have these settings:",
        (CommonSettings, ProcessSettings),
    ),
    (
        "Of the ERP service",
        "",
        (ErpSettings,),
    ),
    ("Of the Chargebee service", "", (ChargebeeSettings, WebhookSettings)),
    (
        "Of `make run`",
        "Set these in the environment or in `.env`, like all others; the environment takes"
        " precedence. A name that is not a setting, or a setting without others that it needs, is"
        " refused.",
        (Ports, PipeSettings),
    ),
    (
        "Of the local node",
        "Options of `serve` take precedence over these settings: [commands](commands.md).",
        (NodeSettings, ReadingSettings, AlertSettings),
    ),
]


def page() -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# Settings"
    for title, text, tables in SECTIONS:
        yield from ("", f"## {title}", "", *([text, ""] if text else []))
        yield from ("| setting | default | meaning |", "|---|---|---|")
        for table in tables:
            for row in rows(table).values():
                default = row.default if " " in row.default else f"`{row.default}`" if row.default else "–"
                yield f"| `{row.name}` | {default} | {row.help} |"
        if ErpSettings in tables:
            yield f"| {', '.join(f'`{name}`' for name in OF_ERP)} | – | {ASKED_FOR} |"
            yield f"| {', '.join(f'`{name}`' for name in OF_INIT)} | – | {INIT_CREDENTIALS} |"
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(BY_HAND)
    yield from ("", *f"{BY_HAND}{rest}".rstrip().splitlines())
