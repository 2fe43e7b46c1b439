"""The configuration of the imitated site: what a person sets under Settings, and what nobody can know.

`GET|PUT /_sandbox/site`. What a `PUT` leaves out takes its default, as with the faults; a reset of the data
leaves the configuration as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

SITE_SETTING = "_site"
_CHOICES = {"billing_info_removes": ("listed", "everything")}


class SiteError(ValueError):
    """A setting is unknown or of the wrong type; the message names it."""


@dataclass(frozen=True)
class Site:
    """One site's settings.

    `australian_gst`: customers may be `registered_for_gst`. `billing_info_removes`: what
    `update_billing_info` takes away besides the attributes that its page lists, nothing (`listed`) or all
    (`everything`, as an earlier text of that page said).
    """

    australian_gst: bool = False
    billing_info_removes: str = "listed"

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Site:
        """Return settings from a JSON object; `SiteError` for what is unknown or of another type."""
        defaults = {field.name: field.default for field in fields(cls)}
        for name, value in values.items():
            if name not in defaults:
                raise SiteError(f"unknown site setting {name!r}; known are {', '.join(sorted(defaults))}")
            if type(value) is not type(defaults[name]):
                raise SiteError(f"{name} must be {type(defaults[name]).__name__}")
            if name in _CHOICES and value not in _CHOICES[name]:
                raise SiteError(f"{name} must be one of {', '.join(_CHOICES[name])}")
        return cls(**values)

    def as_json(self) -> dict[str, Any]:
        """Return the settings as `GET /_sandbox/site` shows them."""
        return asdict(self)
