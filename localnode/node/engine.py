"""Build what pipes need from their node.

Systems with their addresses and secrets, metadata, secrets for DTL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from core.jsonio import Json
from localnode.config import Component, NodeConfig, NodeSettings, PipeComponent, SettingsStore
from localnode.config.effective import transforms
from localnode.config.problems import WARNING, Problem
from localnode.config.store import GLOBAL
from localnode.config.substitution import fill_secrets, secret_names
from localnode.pipes import Engine, Systems
from localnode.pipes.systems import MOVED
from localnode.store import Store

NO_ADDRESS = 'system "{0}" has no address on this node: start it with --system {0}=URL'


def make_engine(
    config: NodeConfig,
    settings: NodeSettings,
    store: Store,
    uploaded: SettingsStore,
    make_systems: Callable[..., Systems] = Systems,
) -> Engine:
    """Return the engine of one configuration.

    Systems are only reachable at the addresses in `settings.systems`. `make_systems` is called like
    `Systems`, for a node that must not reach all of them.
    """
    configs = {
        name: reachable(_with_secrets(system, uploaded), settings.systems)
        for name, system in config.systems.items()
    }
    secrets = {name: _secrets_of(name, uploaded) for name in config.systems}
    systems = make_systems(configs, settings.systems, secrets)
    return Engine(store, systems, config.settings, _global_secret(uploaded))


def reachable(system: Mapping[str, object], addresses: Mapping[str, str]) -> dict[str, object]:
    """Return a system's config with the address from the node's settings.

    Scheme and host of a `url_pattern` are replaced by those of the system's address. Without an address it
    stays unchanged if some system's address has the same scheme and host; otherwise the system is
    unreachable. The same applies to `token_url`s. Addresses in operations or answers are moved when they are
    called: see `MOVED`.
    """
    key = "url_pattern" if "url_pattern" in system else "base_url"
    if key not in system:
        return dict(system)
    found = {**system, **_token_sections(system, str(system[key]), addresses)}
    address = _moved(str(system[key]), str(system[key]), addresses, str(system["_id"]))
    if address is not None:
        given = addresses.get(str(system["_id"]))
        return {**found, key: address, **({MOVED: (system[key], given)} if given else {})}
    return {**{name: value for name, value in found.items() if name != key}, "type": "system:microservice"}


def _moved(url: str, home: str, addresses: Mapping[str, str], system_id: str) -> str | None:
    """Return a URL of a system with the pattern `home`, at the address that the system was given.

    Returns None if it is unreachable.
    """
    given = addresses.get(system_id)
    if given is not None and _origin(url) == _origin(home):
        parts, target = urlsplit(url), urlsplit(given)
        path = target.path.rstrip("/") + parts.path
        return urlunsplit((target.scheme, target.netloc, path, parts.query, ""))
    return url if _origin(url) in {_origin(address) for address in addresses.values()} else None


def _token_sections(system: Mapping[str, object], home: str, addresses: Mapping[str, str]) -> Json:
    found = {}
    for name in ("oauth2", "tripletex"):
        section = system.get(name)
        if isinstance(section, dict):
            url = _moved(str(section.get("token_url")), home, addresses, str(system["_id"]))
            found[name] = {**section, "token_url": url}
    return found


def warn_of_unreachable(config: NodeConfig, settings: NodeSettings) -> NodeConfig:
    """Return `config` with a warning on every system without an address on this node."""
    systems = {}
    for name, system in config.systems.items():
        if _leads_nowhere(system, settings):
            warning = Problem((), NO_ADDRESS.format(name), WARNING)
            system = replace(system, problems=(*system.problems, warning))
        systems[name] = system
    return replace(config, systems=systems)


def _leads_nowhere(system: Component, settings: NodeSettings) -> bool:
    found = reachable(system.effective, settings.systems)
    return found.get("type") == "system:microservice" and system.id not in settings.systems


def obstacle(
    pipe: PipeComponent, config: NodeConfig, settings: NodeSettings, uploaded: SettingsStore
) -> str | None:
    """Return why a pipe with a valid config cannot run on this node.

    A component that the node does not have, an undefined variable, a system without an address, or a secret
    that is not stored.
    """
    if pipe.not_runnable or pipe.misses:
        return pipe.not_runnable or pipe.misses
    for name in systems_of(pipe):
        system = config.systems.get(name)
        if system is None:
            continue
        if system.misses:
            return f'system "{name}": {system.misses}'
        if _leads_nowhere(system, settings):
            return NO_ADDRESS.format(name)
        stored = {*uploaded.secrets(name), *uploaded.secrets(GLOBAL)}
        missing = sorted(secret_names(without_docker(system.effective)) - stored)
        if missing:
            return f'system "{name}": the secret "{missing[0]}" is not stored on this node'
    return None


def systems_of(pipe: PipeComponent) -> list[str]:
    """Return the ids of the systems that a pipe uses, sorted."""
    parts = [pipe.effective.get("source"), pipe.effective.get("sink")]
    parts += [link for _, link in transforms(pipe.effective)]
    talking = [part for part in parts if isinstance(part, dict) and part.get("type") != "embedded"]
    return sorted({part["system"] for part in talking if isinstance(part.get("system"), str)})


def without_docker(system: Mapping[str, object]) -> Json:
    """Return the part of a system's config that this node uses: it starts no containers."""
    return {name: value for name, value in system.items() if name != "docker"}


def _with_secrets(system: Component, uploaded: SettingsStore) -> dict[str, object]:
    secrets = _secrets_of(system.id, uploaded)
    filled: dict[str, Any] = fill_secrets(without_docker(system.defined), lambda name: secrets.get(name, ""))
    return filled


def _secrets_of(system_id: str, uploaded: SettingsStore) -> dict[str, str]:
    """Return the secrets that a system's config may name: its own take precedence over the node's."""
    return {**uploaded.secrets(GLOBAL), **uploaded.secrets(system_id)}


def _global_secret(uploaded: SettingsStore) -> Callable[[str], str]:
    return lambda name: uploaded.secrets(GLOBAL)[name]


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc
