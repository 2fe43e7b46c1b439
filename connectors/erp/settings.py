"""The ERP service's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.common.settings import CommonSettings, Environment, common_settings
from connectors.erp.profile.load import Profile, load_profile


@dataclass(frozen=True, slots=True)
class ErpSettings:
    """`profile` says how the ERP speaks; `share_concurrency` records of a share request go at the same
    time.
    """

    common: CommonSettings
    profile: Profile
    share_concurrency: int


def read_settings(values: Mapping[str, str]) -> ErpSettings:
    """Settings from environment variables; `SettingsError` names the one that is bad."""
    env = Environment(values)
    profile = load_profile(env.text("ERP_PROFILE", "sandbox"), env)
    concurrency = env.integer("SHARE_CONCURRENCY", 4, 1, 32)
    return ErpSettings(common_settings(env), profile, concurrency)
