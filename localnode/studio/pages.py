"""Studio's pages: shells without data, each with the script that fills it; and the files they are made of."""

from __future__ import annotations

import re
from functools import cache
from hashlib import blake2b
from pathlib import Path

from flask import Blueprint, Response, render_template, send_from_directory, url_for

STATIC = Path(__file__).with_name("static")
_IMPORT = re.compile(r'^import .* from "(\.[^"]+)";$', re.MULTILINE)
YEAR = 365 * 24 * 3600

pages = Blueprint("studio", __name__, template_folder="templates")

TITLES = {
    "overview": "Overview",
    "flow": "Flow",
    "record": "Record",
    "pending": "Pending",
    "plan": "Plan",
    "verify": "Verify",
    "dead-letters": "Dead letters",
    "runs": "Runs",
    "datasets": "Datasets",
    "log": "Log",
}
"""Pages in the navigation, in its order."""


@pages.get("/", endpoint="root")
@pages.get("/studio", endpoint="root", strict_slashes=False)
def overview() -> str:
    """Return the overview, the first page that a person sees."""
    return _shell("overview", TITLES["overview"])


@pages.get("/studio/<any(flow, record, pending, plan, verify, 'dead-letters', runs, datasets, log):name>")
def listed(name: str) -> str:
    """Return a page of the navigation."""
    return _shell(name, TITLES[name])


@pages.get("/studio/pipes/<path:pipe_id>")
def pipe(pipe_id: str) -> str:
    """Return the page of one pipe; the script reads its id from the address."""
    del pipe_id
    return _shell("pipe", "Pipe", section="flow")


@pages.get("/studio/datasets/<path:dataset_id>")
def dataset(dataset_id: str) -> str:
    """Return the page of a dataset or, with `?entity=`, of an entity; the script reads the address."""
    del dataset_id
    return _shell("dataset", "Dataset", section="datasets")


@pages.get("/studio/<path:name>")
def missing(name: str) -> tuple[str, int]:
    """Return the page for addresses that do not exist."""
    del name
    return _shell("missing", "There is no such page", section=""), 404


@pages.get("/studio/static/<version>/<path:filename>")
def static(version: str, filename: str) -> Response:
    """Return a script, style sheet or picture. Under the present version browsers may keep it for good."""
    kept = version == static_version()
    response = send_from_directory(STATIC, filename, max_age=YEAR if kept else None)
    response.cache_control.immutable = kept
    return response


@cache
def static_version() -> str:
    """Name what the files hold: another one after every change of any of them."""
    digest = blake2b(digest_size=8)
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(STATIC).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def modules(script: str) -> list[str]:
    """Modules that a page imports, directly or not, so that a browser can ask for all at once."""
    found: list[str] = []
    waiting = [STATIC / "js" / "pages" / f"{script}.js"]
    while waiting:
        path = waiting.pop()
        for name in _IMPORT.findall(path.read_text(encoding="utf-8")):
            imported = (path.parent / name).resolve()
            asset = imported.relative_to(STATIC.resolve()).as_posix()
            if asset not in found:
                found.append(asset)
                waiting.append(imported)
    return found


def _asset(filename: str) -> str:
    return url_for("studio.static", version=static_version(), filename=filename)


def _shell(script: str, title: str, section: str | None = None) -> str:
    return render_template(
        "shell.html",
        script=script,
        title=title,
        section=script if section is None else section,
        titles=TITLES,
        charts=script in ("overview", "runs", "pipe"),
        modules=modules(script),
        asset=_asset,
    )
