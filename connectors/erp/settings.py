"""The ERP service's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.common.errors import SettingsError
from connectors.common.settings import CommonSettings, Environment, common_settings
from connectors.erp.profile.load import Profile, load_profile, presets
from core.settings import integer, read, setting, text


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
    common: CommonSettings
    profile: Profile


def read_settings(values: Mapping[str, str]) -> ErpSettings:
    """Return settings from environment variables; `SettingsError` names the one that is bad."""
    env = Environment(values)
    profile = load_profile(env.optional("ERP_PROFILE") or "sandbox", env)
    common = common_settings(values, env.secrets)
    return read(ErpSettings, values, SettingsError, common=common, profile=profile)
