"""Compare the output of pipes with the expected output of tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from flask.testing import FlaskClient

from localnode.node.pipe import NodePipe
from localnode.testing.answers import NoAnswer, entities_of, published
from localnode.testing.compare import entity_differences, present, text_differences, xml_differences
from localnode.testing.outcome import FAILED, IGNORED, PASSED, Outcome
from localnode.testing.project import Project
from localnode.testing.specs import Spec


def verified(spec: Spec, outputs: Mapping[str, NodePipe], client: FlaskClient) -> Outcome:
    """Return the outcome of one test."""
    if spec.pipe not in outputs:
        return Outcome(spec.name, FAILED, f'there is no output or endpoint pipe "{spec.pipe}"')
    if spec.ignore:
        return Outcome(spec.name, IGNORED, "the test says ignore")
    if not spec.expected.is_file():
        return Outcome(spec.name, FAILED, f"there is no file {spec.place}")
    try:
        differences = _differences(spec, client)
    except (NoAnswer, ValueError) as error:
        return Outcome(spec.name, FAILED, str(error))
    if not differences:
        return Outcome(spec.name, PASSED)
    return Outcome(spec.name, FAILED, f"not as in {spec.place}", differences)


def _differences(spec: Spec, client: FlaskClient) -> list[str]:
    if spec.compares_entities:
        expected = json.loads(spec.expected.read_text(encoding="utf-8-sig"))
        if not isinstance(expected, list):
            raise ValueError(f"{spec.place}: a list of entities is expected here")
        return entity_differences(expected, present(entities_of(spec, client), expected, spec), spec)
    compare = xml_differences if spec.endpoint == "xml" else text_differences
    return compare(spec.expected.read_bytes(), published(spec, client))


def untested(project: Project, specs: Sequence[Spec], outputs: Mapping[str, NodePipe]) -> list[Outcome]:
    """Find every output and endpoint pipe without a test.

    Each must have one, even if it only says that the pipe is ignored.
    """
    tested = {spec.pipe for spec in specs}
    missing = [name for name in sorted(outputs) if name not in tested and project.tests_pipe(name)]
    return [Outcome(name, FAILED, f'no test is of the pipe "{name}"; --update makes one') for name in missing]
