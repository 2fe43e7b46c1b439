"""Read a Sesam project's folder like Sesam's client: configs, variables, test data, tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.jsonio import Json
from core.settings import BadSetting
from localnode.config.upload import SUFFIX, pack_files, read_upload
from localnode.testing.specs import SPEC_SUFFIX, Spec, spec_of

METADATA = "node-metadata" + SUFFIX
EXPECTED, TEST_DATA = "expected", "testdata"
_SETTING = re.compile(r"""^\s*([^#;=\s][^=]*?)\s*=\s*["']?(.*?)["']?\s*$""", re.MULTILINE)


@dataclass(frozen=True)
class Project:
    """The folder `root`. `whitelist` names files (`pipes/x.conf.json`); nothing else is used then."""

    root: Path
    profile: str = "test"
    whitelist: frozenset[str] | None = None

    def entities(self) -> list[Json]:
        """Return the config entities. UnreadableUpload names the file."""
        if not self.root.is_dir():
            raise NotADirectoryError(f"{self.root} is not a directory")
        found = [path for name in ("pipes", "systems") for path in (self.root / name).rglob("*" + SUFFIX)]
        found += [path for path in (self.root / METADATA,) if path.is_file()]
        names = {path.relative_to(self.root).as_posix(): path for path in sorted(found)}
        chosen = {name: path for name, path in names.items() if self._uploads(name)}
        variables = self._template_variables()
        return read_upload(
            pack_files((name, _with_variables(path.read_bytes(), variables)) for name, path in chosen.items())
        )

    def variables(self) -> Json:
        """Return the environment variables of the profile.

        Those of `../.additional_parameters.json` go before them.

        BadSetting when the profile has no file.
        """
        path = self.root / f"{self.profile}-env.json"
        if not path.is_file():
            raise BadSetting(
                f"there is no {path.name} in {self.root}: --profile names another profile"
                " (an empty object is enough for a project without variables)"
            )
        more = self.root.resolve().parent / ".additional_parameters.json"
        return {**json_object(path), **(json_object(more) if more.is_file() else {})}

    @property
    def has_test_data(self) -> bool:
        """Whether there is test data for receivers, which a run must leave in place."""
        return (self.root / TEST_DATA).is_dir()

    def test_data(self) -> Iterator[tuple[str, Path]]:
        """Yield the receiver pipe and the file of each piece of test data."""
        for path in sorted((self.root / TEST_DATA).rglob("*")):
            if path.suffix.lower() == ".json" and path.is_file() and self.tests_pipe(path.stem):
                yield path.stem, path

    def specs(self) -> list[Spec]:
        """Return the tests. BadSetting for one that is no JSON object."""
        found = sorted((self.root / EXPECTED).glob("*" + SPEC_SUFFIX))
        specs = [spec_of(path, self.root, json_object(path)) for path in found]
        return [spec for spec in specs if self.tests_pipe(spec.pipe)]

    def tests_pipe(self, pipe_id: str) -> bool:
        """Return whether the whitelist, if there is one, has a pipe."""
        return self.whitelist is None or f"pipes/{pipe_id}{SUFFIX}" in self.whitelist

    def _uploads(self, name: str) -> bool:
        return self.whitelist is None or name in self.whitelist

    def _template_variables(self) -> dict[str, str]:
        """`.jinja_vars`: names, in small letters, and the texts that stand for `{{@ name @}}`."""
        path = self.root / ".jinja_vars"
        if not path.is_file():
            return {}
        text = path.read_text(encoding="utf-8")
        try:
            return {str(name): str(value) for name, value in dict(json.loads(text)).items()}
        except ValueError:
            return {name.lower(): value for name, value in _SETTING.findall(text)}


def read_whitelist(path: Path) -> frozenset[str]:
    """Return the files that a whitelist names, one a line."""
    return frozenset(line.strip() for line in path.read_text(encoding="utf-8").splitlines())


def json_object(path: Path) -> dict[str, object]:
    """Return a JSON object as Python reads it: of a repeated name, the last value counts.

    Raises BadSetting.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise BadSetting(f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadSetting(f"{path} has to be a JSON object of variables")
    return found


def _with_variables(data: bytes, variables: dict[str, str]) -> bytes:
    for name, value in variables.items():
        data = data.replace(f"{{{{@ {name} @}}}}".encode(), value.encode())
    return data
