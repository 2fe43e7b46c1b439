"""The ERP service's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from connectors.common.errors import SettingsError
from connectors.common.settings import CommonSettings, Environment, common_settings
from connectors.erp.profile.load import Profile, load_profile, presets
from core.settings import integer, read, secrets_of, setting, text, url


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpSettings:
    """What this service can be told besides the common settings, and the profile that it was told."""

    profile_name: str = setting(
        "ERP_PROFILE",
        f"how your ERP speaks: a shipped profile ({', '.join(f'`{name}`' for name in presets())}) or the path"
        " of [your own](../howto/write-a-profile.md)",
        text,
        "sandbox",
    )
    share_concurrency: int = setting(
        "SHARE_CONCURRENCY", "records of one share request written at the same time", integer(1, 32), 4
    )
    node_url: str | None = setting(
        "NODE_URL",
        "the node to which the ERP's webhooks are forwarded; its URL ends in `/api`. Webhooks are"
        " accepted only if it and the variables in the profile's `webhooks` are set",
        url,
        None,
    )
    node_jwt: str | None = setting("NODE_JWT", "a token for that node", text, None, secret=True)
    common: CommonSettings
    profile: Profile


def read_settings(values: Mapping[str, str]) -> ErpSettings:
    """Return settings from environment variables; `SettingsError` names the one that is bad."""
    env = Environment(values)
    profile = load_profile(env.optional("ERP_PROFILE") or "sandbox", env)
    found = read(ErpSettings, values, SettingsError, common=CommonSettings(), profile=profile)
    if profile.webhooks is not None and found.node_url is None:
        raise SettingsError("NODE_URL", f"is required where the webhooks of {profile.file.name} are set up")
    return replace(found, common=common_settings(values, [*env.secrets, *secrets_of(found)]))
