"""Store the output as expected output, in files as Sesam's client writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from flask.testing import FlaskClient

from localnode.node.pipe import NodePipe
from localnode.testing.answers import NoAnswer, entities_of, published
from localnode.testing.compare import present
from localnode.testing.outcome import FAILED, IGNORED, PASSED, UPDATED, Outcome, timed
from localnode.testing.project import EXPECTED, Project
from localnode.testing.specs import SPEC_SUFFIX, Spec, spec_of
from localnode.testing.xml_text import pretty

_ESCAPED = {b"<": b"\\u003c", b">": b"\\u003e", b"&": b"\\u0026"}


def updated(
    project: Project,
    specs: Sequence[Spec],
    outputs: Mapping[str, NodePipe],
    everything: Sequence[str],
    client: FlaskClient,
) -> list[Outcome]:
    """Write what comes out. Tests of pipes that are gone go, too, and pipes of `everything` get one."""
    outcomes = []
    for spec in specs:
        if spec.pipe not in outputs and not spec.ignore:
            spec.path.unlink()
            outcomes.append(Outcome(spec.name, UPDATED, f'removed: there is no pipe "{spec.pipe}" any more'))
        elif spec.ignore:
            was_there = spec.expected.is_file()
            spec.expected.unlink(missing_ok=True)
            outcomes.append(Outcome(spec.name, UPDATED if was_there else IGNORED, "the test says ignore"))
        else:
            outcomes.append(timed(partial(_rewritten, spec, client)))
    tested = {spec.pipe for spec in specs}
    for name in everything:
        if name not in tested and project.tests_pipe(name):
            outcomes.append(timed(partial(_rewritten, _new_spec(project.root, name), client)))
    return outcomes


def _rewritten(spec: Spec, client: FlaskClient) -> Outcome:
    try:
        if spec.compares_entities:
            data = _entities_text(entities_of(spec, client), spec)
        else:
            data = _published_text(published(spec, client), spec)
    except (NoAnswer, ValueError) as error:
        return Outcome(spec.name, FAILED, str(error))
    changed = not spec.expected.is_file() or spec.expected.read_bytes() != data
    if changed:
        spec.expected.write_bytes(data)
    return Outcome(spec.name, UPDATED if changed else PASSED, f"{spec.place} is new" if changed else "")


def _new_spec(root: Path, pipe_id: str) -> Spec:
    """Return a test of a pipe, in a file of its own that says nothing yet."""
    path = root / EXPECTED / (pipe_id + SPEC_SUFFIX)
    path.parent.mkdir(exist_ok=True)
    path.write_text("{\n}", encoding="utf-8")
    return spec_of(path, root, {})


def _entities_text(entities: Sequence[dict[str, object]], spec: Spec) -> bytes:
    """Return the file of expected entities; deleted ones stand in it only if the test looks at them."""
    seen = present(entities, [], spec)
    data = (json.dumps(seen, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
    for character, escaped in _ESCAPED.items():
        data = data.replace(character, escaped)
    return data


def _published_text(data: bytes, spec: Spec) -> bytes:
    """Return the file of what a publisher answers: XML in its readable form, everything else as it is."""
    return pretty(data).encode() if spec.endpoint == "xml" else data
