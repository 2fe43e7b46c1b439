"""Upload a project to a separate node, run it, and collect the output."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from urllib.parse import quote

from flask.testing import FlaskClient

from core.jsonio import Json
from core.settings import BadSetting
from localnode.api.app import create_app
from localnode.config import ConfigRefused, NodeSettings
from localnode.config.problems import ERROR
from localnode.node import Node
from localnode.node.pipe import NodePipe
from localnode.scheduler import RunAllOptions
from localnode.testing.answers import why
from localnode.testing.outcome import FAILED, IGNORED, PASSED, Outcome, timed
from localnode.testing.project import EXPECTED, Project
from localnode.testing.specs import SPEC_SUFFIX, Spec
from localnode.testing.update import updated
from localnode.testing.verify import untested, verified

IDLE_ROUNDS = 2
"""As many as the vendor's client asks for."""


@dataclass(frozen=True)
class Choices:
    """`names`: only tests of these names, or of pipes of these names; with wildcards.

    `update`: what comes out becomes what is expected. `systems`: where the services of systems are, if the
    tests ask them. `told` is called with the warnings of the upload.
    """

    names: Sequence[str] = ()
    update: bool = False
    systems: Mapping[str, str] = field(default_factory=dict)
    check_input_pipes: bool = False
    max_run_time: int = 900
    told: Callable[[str], None] = lambda line: None


def run_tests(project: Project, choices: Choices) -> list[Outcome]:
    """Return every outcome, in the order in which they came.

    The tests cannot be run if the upload or the test data fail. BadSetting and UnreadableUpload when the
    project cannot be read.
    """
    entities, variables, specs = project.entities(), project.variables(), project.specs()
    chosen = _chosen(specs, choices.names)
    with _throw_away_node(choices.systems) as (node, client):
        outcomes = [timed(partial(_upload, node, entities, variables, choices.told))]
        if outcomes[-1].status != FAILED and project.has_test_data:
            outcomes.append(timed(partial(_send_test_data, project, client)))
        if outcomes[-1].status == FAILED:
            return outcomes
        outcomes.append(timed(partial(_run, node, project, choices)))
        outputs = {pipe.id: pipe for pipe in node.pipes.values() if pipe.component.valid and is_output(pipe)}
        if choices.update:
            everything = () if choices.names else sorted(outputs)
            outcomes += updated(project, chosen, outputs, everything, client)
        else:
            outcomes += [timed(partial(verified, spec, outputs, client)) for spec in chosen]
            if not specs:
                outcomes.append(Outcome("tests", IGNORED, f"there are none: no {EXPECTED}/*{SPEC_SUFFIX}"))
            elif not choices.names:
                outcomes += untested(project, specs, outputs)
    return outcomes


def is_output(pipe: NodePipe) -> bool:
    """Return whether the vendor's client wants a test of a pipe: of those whose output leaves the node."""
    config, origin = pipe.component.effective, (pipe.component.original.get("metadata") or {}).get("origin")
    if ":singlenode" in pipe.id or origin in ("system", "search", "replica", "aggregator-storage-node"):
        return False
    source, sink = config.get("source") or {}, config.get("sink") or {}
    if source.get("type") == "embedded":
        return False
    return str(sink.get("type", "")).endswith("_endpoint") or not sink.get("dataset")


def _chosen(specs: list[Spec], names: Sequence[str]) -> list[Spec]:
    if not names:
        return specs
    for name in names:
        if not any(_is_called(spec, name) for spec in specs):
            known = ", ".join(spec.name for spec in specs) or "none"
            raise BadSetting(f'there is no test "{name}"; there are: {known}')
    return [spec for spec in specs if any(_is_called(spec, name) for name in names)]


def _is_called(spec: Spec, name: str) -> bool:
    return fnmatch(spec.name, name) or fnmatch(spec.pipe, name)


@contextmanager
def _throw_away_node(systems: Mapping[str, str]) -> Iterator[tuple[Node, FlaskClient]]:
    with tempfile.TemporaryDirectory(prefix="localnode-test-") as folder:
        settings = NodeSettings(data=Path(folder), systems=systems, schedule=False, sync_writes="OFF")
        node = Node(settings)
        try:
            client = create_app(node, node.token).test_client()
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {node.token}"
            yield node, client
        finally:
            node.close()


# -- steps -------------------------------------------------------------------------------------------------


def _upload(
    node: Node, entities: list[dict[str, object]], variables: dict[str, object], told: Callable[[str], None]
) -> Outcome:
    node.replace_env(variables)
    try:
        findings = node.replace_entities(entities, force=False).validation_errors()
    except ConfigRefused as error:
        lines = list(_finding_lines(error.validation_errors))
        return Outcome("upload", FAILED, str(error), [text for level, text in lines if level == ERROR])
    for _, text in _finding_lines(findings):
        told(text)
    return Outcome("upload", PASSED, f"{len(node.pipes)} pipes")


def _finding_lines(findings: Iterable[Json]) -> Iterator[tuple[str, str]]:
    for entry in findings:
        name = entry["posted-config"].get("_id")
        for each in entry["config-errors"]:
            yield each["level"], f"{each['level']}: {name} {each['elements']}: {each['msg']}"


def _send_test_data(project: Project, client: FlaskClient) -> Outcome:
    """Numbers go through Python's floats, as they do in the vendor's client."""
    failures, sent = [], 0
    for pipe_id, path in project.test_data():
        place = path.relative_to(project.root).as_posix()
        try:
            entities = json.loads(path.read_text(encoding="utf-8-sig"))
        except ValueError as error:
            failures.append(f"{place}: {error}")
            continue
        if entities is None:
            continue
        answer = client.post(f"/api/receivers/{quote(pipe_id, safe='')}/entities", json=entities)
        sent += 1
        if answer.status_code != 200:
            failures.append(f"{place}: {why(answer)}")
    if failures:
        return Outcome("test data", FAILED, f"{len(failures)} files were not taken", failures)
    return Outcome("test data", PASSED, f"{sent} files")


def _run(node: Node, project: Project, choices: Choices) -> Outcome:
    options = RunAllOptions(
        extra_zero_runs=IDLE_ROUNDS,
        max_run_time=choices.max_run_time,
        check_input_pipes=choices.check_input_pipes or None,
    )
    result = node.runs.start(options, reset=True, delete_input=not project.has_test_data).wait()
    info = result["additional_info"]
    left_out = [f"{each['pipe']} did not run: {each['reason']}" for each in info.get("ignored_pipes", ())]
    failed = [f"{each['pipe']}: {each['reason']}" for each in info.get("failed_pipes", ())]
    if result["status"] == "success":
        told = f"{info['rounds']} rounds" + (f", {len(left_out)} pipes cannot run here" if left_out else "")
        return Outcome("run", PASSED, told, left_out)
    reason = info.get("message") or f"{len(failed)} pipes failed"
    return Outcome("run", FAILED, reason, [*failed, *left_out])
