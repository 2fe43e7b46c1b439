"""Read an uploaded configuration: a zip of `*.conf.json` files, or JSON (a list, or one entity)."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core import jsonio
from core.jsonio import Json, Pairs
from core.settings import BadSetting
from core.suggestions import did_you_mean
from localnode.config.problems import UnreadableUpload

log = logging.getLogger(__name__)

SUFFIX = ".conf.json"
ENV_SUFFIX = "-env.json"
DEFAULT_PROFILE = "test"
"""The one that the vendor's client takes when none is named."""
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_NESTING = 200


def read_upload(data: bytes) -> list[dict[str, object]]:
    """Return the posted entities in order.

    Zip archives are known by their first bytes, everything else is read as JSON.

    Raises UnreadableUpload (file, line, column), also for two entities with one `_id`.
    """
    if data[:2] == b"PK":
        entities = _read_zip(data)
    else:
        entities = _entities("the request body", data)
    return _unique(entities)


def entities_from_json(data: bytes) -> list[dict[str, object]]:
    """Return entities posted as JSON, a list or one. Raises UnreadableUpload."""
    return _unique(_entities("the request body", data))


def read_directory(root: Path) -> list[dict[str, object]]:
    """Return the entities of every `*.conf.json` below `pipes/` and `systems/`, and directly in `root`.

    Raises UnreadableUpload; FileNotFoundError when `root` is no directory.
    """
    entities: list[tuple[str, dict[str, Any]]] = []
    for path in config_files(root):
        entities.extend(_entities(path.relative_to(root).as_posix(), path.read_bytes()))
    return _unique(entities)


def config_files(root: Path) -> list[Path]:
    """Return paths of a config directory's files, sorted, as the vendor's client would pack them."""
    if not root.is_dir():
        raise FileNotFoundError(f"{root} is not a directory")
    found = list(root.glob("*" + SUFFIX))
    for folder in ("pipes", "systems"):
        found.extend((root / folder).rglob("*" + SUFFIX))
    return sorted(found)


def read_variables(root: Path, profile: str | None = None) -> Json | None:
    """Return the environment variables of `<profile>-env.json`.

    None when no profile is named and the default one has no file; BadSetting when a named one has none. Of a
    variable that is there twice the last one counts, as for Sesam's client, and the log says so. Raises
    UnreadableUpload.
    """
    path = root / f"{profile or DEFAULT_PROFILE}{ENV_SUFFIX}"
    if not path.is_file():
        if profile is None:
            return None
        known = sorted(each.name.removesuffix(ENV_SUFFIX) for each in root.glob(f"*{ENV_SUFFIX}"))
        there = f"the profiles are {', '.join(known) or 'none'}{did_you_mean(profile, known)}"
        raise BadSetting(f"there is no {path.name} in {root}; {there}")
    twice: set[str] = set()

    def last(pairs: list[tuple[str, object]]) -> Json:
        twice.update(_twice(pairs))
        return dict(pairs)

    value = parse_json(path.name, path.read_bytes(), last)
    if not isinstance(value, dict):
        raise UnreadableUpload(path.name, f"{path.name}: expected an object of variables")
    if twice:
        log.warning("%s: twice there, the last one counts: %s", path.name, ", ".join(sorted(twice)))
    return value


def pack_directory(root: Path) -> bytes:
    """Return a zip of a config directory's files, unread, as `PUT /config` takes it."""
    return pack_files((path.relative_to(root).as_posix(), path.read_bytes()) for path in config_files(root))


def pack(entities: Iterable[Mapping[str, object]]) -> bytes:
    """Return a zip with one file per entity, named as in a config directory.

    The same entities give the same bytes.
    """
    return pack_files((_file_name(entity), _pretty(entity)) for entity in entities)


def pack_files(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip of files, each with its name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _file_name(entity: Mapping[str, object]) -> str:
    kind = str(entity.get("type", "")).split(":")[0]
    if kind == "metadata":
        return "node-metadata" + SUFFIX
    return f"{'systems' if kind == 'system' else 'pipes'}/{entity['_id']}{SUFFIX}"


def _pretty(entity: Mapping[str, object]) -> bytes:
    return json.dumps(entity, indent=2, ensure_ascii=False).encode()


def _read_zip(data: bytes) -> list[tuple[str, dict[str, object]]]:
    entities: list[tuple[str, dict[str, Any]]] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise UnreadableUpload(
                    "the archive", f"the archive unpacks to more than {MAX_UNPACKED_BYTES} bytes"
                )
            for name in archive.namelist():
                if name.endswith(SUFFIX):
                    entities.extend(_entities(name, archive.read(name)))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise UnreadableUpload("the archive", f"the zip archive cannot be read: {error}") from error
    return entities


def _entities(source: str, data: bytes) -> list[tuple[str, Json]]:
    value = parse_json(source, data)
    items = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, dict):
            raise UnreadableUpload(source, f"{source}: expected an object or a list of objects")
        if not isinstance(item.get("_id"), str) or not item["_id"]:
            raise UnreadableUpload(source, f'{source}: every config entity needs a non-empty string "_id"')
    return [(source, item) for item in items]


def parse_json(source: str, data: bytes, pairs: Pairs | None = None) -> Any:
    """Parse strict JSON.

    That is UTF-8 with or without byte order mark and, unless `pairs` makes the objects, no key twice in one,
    so that no rule hides another of its name. UnreadableUpload names file, line and column.
    """
    try:
        text = data.decode("utf-8-sig")
        return jsonio.read(text, pairs or _no_key_twice)
    except UnicodeDecodeError as error:
        raise UnreadableUpload(source, f"{source}: not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        message = f"{source}, line {error.lineno}, column {error.colno}: {error.msg}"
        raise UnreadableUpload(source, message) from error
    except ValueError as error:
        raise UnreadableUpload(source, f"{source}: {error}") from error


def check_value(source: str, value: object) -> None:
    """UnreadableUpload for a value that is nested too deeply, or has text in it that is no text."""
    level, depth = [value], 0
    while level:
        if depth > MAX_NESTING:
            raise UnreadableUpload(source, f"{source}: nested more than {MAX_NESTING} levels deep")
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.keys()
                inner += item.values()
            elif isinstance(item, list):
                inner += item
            elif isinstance(item, str) and not item.isascii():
                _check_text(source, item)
        level, depth = inner, depth + 1


def _check_text(source: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(text[error.start]):04x}"
        raise UnreadableUpload(
            source, f"{source}: {half} is half of a surrogate pair and no character"
        ) from error


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    for key in _twice(pairs):
        raise ValueError(f'"{key}" is there twice in one object, and only the last one would count')
    return dict(pairs)


def _twice(pairs: list[tuple[str, object]]) -> list[str]:
    """Return the keys that are there more than once."""
    if len(dict(pairs)) == len(pairs):
        return []
    return [key for key, times in Counter(key for key, _ in pairs).items() if times > 1]


def _unique(entities: list[tuple[str, Json]]) -> list[Json]:
    seen: dict[str, str] = {}
    for source, entity in entities:
        if entity["_id"] in seen:
            first = seen[entity["_id"]]
            raise UnreadableUpload(
                source, f'the _id "{entity["_id"]}" is used twice: in {first} and in {source}'
            )
        seen[entity["_id"]] = source
    return [entity for _, entity in entities]
