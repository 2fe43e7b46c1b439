"""Commands that work on this machine: serve a node, run DTL cases, try pipes offline."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from core.json_logs import JsonFormatter
from core.jsonio import Json
from core.settings import BadSetting
from localnode import codec
from localnode.alerts.watch import check_settings
from localnode.api.auth import write_syncconfig
from localnode.api.server import serve as serve_node
from localnode.cli import cases, remote
from localnode.config import (
    ConfigRefused,
    NodeSettings,
    parse_systems,
    read_directory,
    read_variables,
    settings_from_environment,
)
from localnode.node import Node
from localnode.node.folder import OWN_FILES, DataFolder


def serve(options: argparse.Namespace) -> int:
    """Serve a node until it is told to stop."""
    settings = _serve_settings(options)
    os.umask(OWN_FILES)
    _log_as_json(settings.log_level)
    if options.sync_config is not None:
        sync_config = options.sync_config
    else:
        sync_config = (settings.data if options.data else Path()) / ".syncconfig"
    if options.config is not None:
        read_directory(options.config)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}"

    def opened(node: Node) -> None:
        if options.config is not None:
            load_folder(node, options.config, options.profile)
        write_syncconfig(sync_config, url, node.token)
        print(f"node at {url}/api, data in {settings.data}, address and token in {sync_config}", flush=True)
        print(f'JWT="{node.token}"', flush=True)

    check_settings(os.environ)
    DataFolder(settings.data).close()
    return 0 if serve_node(settings, opened) else 1


def _log_as_json(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter({"service": "localnode"}))
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def _serve_settings(options: argparse.Namespace) -> NodeSettings:
    settings = settings_from_environment()
    systems = {**settings.systems, **parse_systems(options.system)}
    settings = replace(settings, systems=systems, schedule=not options.no_schedule)
    if options.port is not None:
        if not 0 < options.port < 65536:
            raise BadSetting(f"--port must be from 1 to 65535, not {options.port}")
        settings = replace(settings, port=options.port)
    if options.host is not None:
        settings = replace(settings, host=options.host)
    if options.data is not None:
        settings = replace(settings, data=options.data)
    return settings


def load_folder(node: Node, folder: Path, profile: str | None) -> None:
    """Give a node the variables and the configuration of a folder. ConfigRefused when it has errors.

    Without a `profile` it is the default one, and Conflict when that would mix test data with a system's.
    """
    entities = read_directory(folder)
    variables = read_variables(folder, profile)
    if variables is not None:
        node.replace_env(variables, force=profile is not None)
    try:
        found = node.replace_entities(entities, force=False).validation_errors()
    except ConfigRefused as error:
        remote.print_findings(error.validation_errors, sys.stderr)
        raise
    remote.print_findings(found, sys.stderr)


def dtl(options: argparse.Namespace) -> int:
    """Run DTL cases from standard input."""
    return cases.run(sys.stdin, sys.stdout)


def transform(options: argparse.Namespace) -> int:
    """Print what a pipe makes of the entities on standard input."""
    entities = _entities(sys.stdin.read(), "standard input")
    if options.config is None:
        outputs = remote.transform(options, entities)
    else:
        with offline_node(options.config, options.profile, options.dataset) as node:
            outputs = node.pipe(options.pipe).transform(entities)
    json.dump(outputs, sys.stdout, indent=2, ensure_ascii=False)
    print()
    return 0


@contextmanager
def offline_node(folder: Path, profile: str, datasets: Iterable[str]) -> Iterator[Node]:
    """Provide a node with a folder's config and a few datasets, gone afterwards; its pumps never run."""
    found = dict(_dataset(pair) for pair in datasets)
    with tempfile.TemporaryDirectory() as data:
        node = Node(NodeSettings(data=Path(data), schedule=False))
        try:
            load_folder(node, folder, profile)
            for name, entities in found.items():
                dataset = node.store.dataset(name, create=True)
                dataset.write(entities)
                dataset.set_populated()
            yield node
        finally:
            node.close()


def _dataset(pair: str) -> tuple[str, list[Json]]:
    """Id and entities of an ID=FILE option."""
    name, equals, path = pair.partition("=")
    if not (name and equals and path):
        raise BadSetting(f"--dataset is written ID=FILE, not {pair!r}")
    return name, _entities(Path(path).read_text(encoding="utf-8-sig"), path)


def _entities(text: str, place: str) -> list[Json]:
    """Return entities written as JSON, a list or one. BadSetting says what is wrong with them."""
    try:
        value = codec.parse(text.encode())
    except codec.MalformedJson as error:
        raise BadSetting(f"{place} is not JSON: {error}") from error
    entities = value if isinstance(value, list) else [value]
    for at, entity in enumerate(entities):
        if not isinstance(entity, dict) or not isinstance(entity.get("_id"), str) or not entity["_id"]:
            raise BadSetting(f"{place}: item {at} is not an entity, an object with a non-empty string _id")
    return entities
