"""Define the parts of a service, and how an application finds them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, current_app

from connectors.common.datatype import Datatype
from connectors.common.errors import NotFound
from connectors.common.logs import Redactor
from connectors.common.metrics import Metrics
from connectors.common.push import PushSequences
from connectors.common.settings import CommonSettings
from connectors.common.share import ShareEngine


@dataclass(frozen=True, slots=True)
class Service:
    """One service, ready to be served by `connectors.common.app.create_app`.

    `check` makes one cheap call upstream and raises what is wrong (`UpstreamRefused`, `Unavailable`, …).
    `share_concurrency`: records of one share request that are processed at the same time.
    `auth_exempt_paths`: paths whose callers send other credentials than those of the service; their views
    check them.
    """

    name: str
    version: str
    settings: CommonSettings
    datatypes: Mapping[str, Datatype]
    metrics: Metrics
    check: Callable[[], None]
    share_concurrency: int = 1
    blueprints: Sequence[Blueprint] = ()
    auth_exempt_paths: Collection[str] = ()


@dataclass(slots=True)
class Runtime:
    """The working parts of a running application."""

    service: Service
    engine: ShareEngine
    redact: Redactor
    log: logging.Logger
    sequences: dict[str, PushSequences] = field(default_factory=dict)

    def datatype(self, name: str) -> Datatype:
        """Return the datatype of that name; `NotFound` lists the known ones."""
        try:
            return self.service.datatypes[name]
        except KeyError:
            known = ", ".join(self.service.datatypes)
            raise NotFound(f"there is no datatype {name!r}; this service has {known}") from None


def runtime() -> Runtime:
    """Return the parts of the application that handles the present request."""
    found = current_app.extensions["connectors"]
    assert isinstance(found, Runtime)
    return found
