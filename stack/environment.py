"""The environment of a stack: `.env` and the process's own variables, refused when half-filled or misspelt.

A setting that is missing or misspelt would leave a sandbox in a real system's place, and nobody would notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import available_timezones

from connectors.chargebee.settings import ChargebeeSettings, WebhookSettings
from connectors.common.settings import CommonSettings, ProcessSettings
from connectors.erp.profile.load import PROFILES
from connectors.erp.settings import ErpSettings
from core.settings import BadSetting, choice, integer, rows, setting, text, url
from core.settings import read as read_table
from core.suggestions import did_you_mean
from localnode.alerts.settings import AlertSettings
from localnode.config import NodeSettings
from localnode.readings import ReadingSettings

_PORT = integer(1, 65535)


def time_zone(value: str) -> str:
    """Return an IANA time zone, such as Europe/Oslo."""
    if value not in available_timezones():
        raise ValueError(
            f"must be an IANA time zone such as Europe/Oslo{did_you_mean(value, available_timezones())}"
        )
    return value


OF_CHARGEBEE = ("CHARGEBEE_SITE", "CHARGEBEE_API_KEY", "CHARGEBEE_BASE_URL")
OF_ERP = ("ERP_BASE_URL", "ERP_TOKEN")
ADDRESSES = ("ERP_BASE_URL", "CHARGEBEE_BASE_URL")
"""What the shipped profiles ask for."""

OF_INIT = ("ERP_USERNAME", "ERP_PASSWORD")
"""What `erp-check --init` shows an ERP with basic authentication."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the processes of a stack listen, on 127.0.0.1."""

    erp_sandbox: int = setting("ERP_SANDBOX_PORT", "where the sandbox ERP listens", _PORT, 8701)
    chargebee_sandbox: int = setting(
        "CHARGEBEE_SANDBOX_PORT", "where the sandbox Chargebee listens", _PORT, 8702
    )
    erp_service: int = setting("ERP_SERVICE_PORT", "where the ERP service listens", _PORT, 5001)
    chargebee_service: int = setting(
        "CHARGEBEE_SERVICE_PORT", "where the Chargebee service listens", _PORT, 5002
    )
    node: int = setting("NODE_PORT", "where the local node listens", _PORT, 9042)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipeSettings:
    """What overrides a variable of prod-env.json, which the pipes read."""

    deletes: str | None = setting(
        "DELETES",
        "overrides the variable `deletes` of the pipes",
        choice("ignore", "archive", "delete"),
        None,
    )
    orders: str | None = setting(
        "ORDERS",
        "overrides `orders`; with a real Chargebee site the default is `link-only`",
        choice("import", "link-only"),
        None,
    )
    quotes: str | None = setting("QUOTES", "overrides `quotes`", choice("all", "accepted"), None)
    item_family: str | None = setting("ITEM_FAMILY", "overrides `item-family`", text, None)
    chargebee_time_zone: str | None = setting(
        "CHARGEBEE_TIME_ZONE",
        "overrides `chargebee-time-zone`; with a real Chargebee site the default is the site's own",
        time_zone,
        None,
    )


PORTS = {name.replace("_", "-"): row for name, row in rows(Ports).items()}
"""The setting of each process's port."""

TABLES = (Ports, PipeSettings, ErpSettings, ChargebeeSettings, WebhookSettings, CommonSettings)
KNOWN = frozenset(
    {
        row.name
        for table in (*TABLES, ProcessSettings, NodeSettings, ReadingSettings, AlertSettings)
        for row in rows(table).values()
    }
    - {"NODE_DATA", "NODE_HOST", "NODE_SYSTEMS"}  # the stack's to say
    | {*OF_ERP, *OF_INIT, "NODE", "JWT"}
)
"""Every setting that `.env` may hold besides what a profile asks for (docs/reference/settings.md)."""

_OF_OTHERS = re.compile(
    r"COMPOSE_\w+|DOCKER_\w+|(?i:https?|all|no)_PROXY|REQUESTS_CA_BUNDLE|SSL_CERT_\w+|TZ|LANG|LC_\w+"
)
"""Names that other programs read from the same file."""
_OURS = ("CHARGEBEE_", "ERP_", "WEBHOOK_", "SERVICE_", "UPSTREAM_")
_LIKE = 0.85
"""How much a variable of the process must look like one of ours to be taken for a misspelt one."""
_PLACEHOLDERS = ("…", "...", "<…>")
_CHECKOUT = Path(__file__).resolve().parents[1]
ROOT = _CHECKOUT if (_CHECKOUT / "pipes").is_dir() else Path.cwd()
"""The folder with the configuration: the checkout, or where somebody works who has the wheel installed."""
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_ASKED_FOR = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def read(env_file: Path, process: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in force: those of `.env`, and the variables of the process over them.

    Raises BadSetting for names that are no settings, values that cannot be meant, and settings that are
    there without those they need.
    """
    file = read_env_file(env_file)
    values = {**file, **process}
    profile = _profile(values)
    known = KNOWN | profile | _of_alerts(values)
    _refuse_unknown(file, process, known)
    for name, value in file.items():
        if any(part in value for part in _PLACEHOLDERS):
            raise BadSetting(f"{name} in .env is still the placeholder {value}: put its value there")
    for name in ADDRESSES:
        try:
            url(values.get(name) or "http://unset")
        except ValueError as problem:
            raise BadSetting(f"{name} {problem}, not {values[name]}") from None
    _check_chargebee(values)
    _check_erp(values, _needed(values))
    read_table(PipeSettings, values)
    return values


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; blank lines and `#` comments are passed over, quotes around a value dropped.

    BadSetting for a line of another form, and for a name that is there twice.
    """
    values: dict[str, str] = {}
    if not path.is_file():
        return values
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if not found:
            raise BadSetting(f"{path.name} line {number} is not of the form NAME=value")
        name, value = found.groups()
        if name in values:
            raise BadSetting(f"{path.name} line {number}: {name} is there twice")
        is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        values[name] = value[1:-1] if is_quoted else value
    return values


def is_real_chargebee(values: Mapping[str, str]) -> bool:
    """Return whether a Chargebee site takes the sandbox's place."""
    return any(values.get(name) for name in OF_CHARGEBEE)


def is_real_erp(values: Mapping[str, str]) -> bool:
    """Return whether an ERP takes the sandbox's place.

    Another profile is named, or something that it asks for.
    """
    named = values.get("ERP_PROFILE") or "sandbox"
    return named != "sandbox" or any(values.get(name) for name in _needed(values))


def erp_address(values: Mapping[str, str]) -> str:
    """Return where the ERP is, as its profile says; the profile's name when that cannot be read."""
    try:
        document = json.loads(_profile_file(values).read_bytes())
        address = str(document["connection"]["rest"]["base_url"])
    except (ValueError, LookupError, TypeError):
        return str(values.get("ERP_PROFILE"))
    return _ASKED_FOR.sub(lambda found: values.get(found[1], ""), address).rstrip("/")


def chargebee_address(values: Mapping[str, str]) -> str:
    """Return which Chargebee site it is, as the service finds it."""
    return values.get("CHARGEBEE_BASE_URL") or f"https://{values.get('CHARGEBEE_SITE')}.chargebee.com/api/v2"


def _refuse_unknown(file: Mapping[str, str], process: Mapping[str, str], known: Iterable[str]) -> None:
    for name in file:
        if name not in known and not _OF_OTHERS.fullmatch(name):
            hint = did_you_mean(name, known)
            raise BadSetting(
                f"{name} in .env is not a setting{hint or '; docs/reference/settings.md has them all'}"
                f" (a profile's own variables count when ERP_PROFILE names that profile)"
            )
    for name in process:
        hint = did_you_mean(name, known, _LIKE) if name.startswith(_OURS) and name not in known else ""
        if hint:
            raise BadSetting(f"the environment variable {name} is not a setting{hint}")


def _check_chargebee(values: Mapping[str, str]) -> None:
    site, key, address = (values.get(name) for name in OF_CHARGEBEE)
    if not is_real_chargebee(values):
        return
    there = " and ".join(name for name in OF_CHARGEBEE if values.get(name))
    missing = "CHARGEBEE_API_KEY" if not key else "" if site or address else "CHARGEBEE_SITE"
    if missing:
        also = " (or CHARGEBEE_BASE_URL, for a regional site)" if missing == "CHARGEBEE_SITE" else ""
        raise BadSetting(
            f"{missing} is missing: {there} {'are' if ' and ' in there else 'is'} set, which asks for a real"
            f" site. Set {missing}{also} too, or remove {there} to use the sandbox"
        )


def _check_erp(values: Mapping[str, str], profile: frozenset[str]) -> None:
    named = values.get("ERP_PROFILE") or "sandbox"
    there = sorted(name for name in profile if values.get(name))
    missing = sorted(profile - set(there))
    if missing and (there or named != "sandbox"):
        because = f"ERP_PROFILE={named}" if values.get("ERP_PROFILE") else " and ".join(there)
        raise BadSetting(
            f"{' and '.join(missing)} {'are' if missing[1:] else 'is'} missing: {because} asks for a real"
            f" ERP, and the profile {named} needs {', '.join(sorted(profile))}. Set what is missing, or"
            " remove the others to use the sandbox"
        )


def _profile(values: Mapping[str, str]) -> frozenset[str]:
    """Return the variables that the profile in force names."""
    return frozenset(_ASKED_FOR.findall(_profile_file(values).read_text(encoding="utf-8", errors="replace")))


def _needed(values: Mapping[str, str]) -> frozenset[str]:
    """Return the variables that the profile in force cannot do without; webhooks are taken only if set up."""
    try:
        document = json.loads(_profile_file(values).read_bytes())
    except ValueError:
        return _profile(values)
    rest = {key: value for key, value in document.items() if key != "webhooks"}
    return frozenset(_ASKED_FOR.findall(json.dumps(rest)))


def _of_alerts(values: Mapping[str, str]) -> frozenset[str]:
    """Return the variables that the file of alert rules names: the addresses of hooks."""
    path = ROOT / (values.get("NODE_ALERTS") or "none")
    return frozenset(_ASKED_FOR.findall(path.read_text(encoding="utf-8"))) if path.is_file() else frozenset()


def _profile_file(values: Mapping[str, str]) -> Path:
    """Return the file of the profile, as the service finds it. Raises BadSetting when there is none."""
    name = values.get("ERP_PROFILE") or "sandbox"
    presets = PROFILES
    is_path = "/" in name or name.endswith(".json")
    path = ROOT / name if is_path else presets / f"{name}.json"
    if path.is_file():
        return path
    known = sorted(file.stem for file in presets.glob("*.json"))
    files = path.parent.glob("*.json") if is_path else ()
    beside = [str(Path(name).with_name(file.name)) for file in files if b'"entities"' in file.read_bytes()]
    hint = did_you_mean(name, [*beside, *known])
    raise BadSetting(
        f"ERP_PROFILE={name}: there is no {'file ' + name if is_path else 'profile of that name'}{hint}"
        f" (shipped profiles: {', '.join(known)}; or the path of your own)"
    )
