"""From uploaded entities and environment variables to a checked `NodeConfig`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.suggestions import did_you_mean
from localnode.config.effective import fill_pipe_defaults
from localnode.config.model import Component, NodeConfig, PipeComponent
from localnode.config.numbers import with_numbers
from localnode.config.pipe_check import check_pipe, pipe_with_numbers
from localnode.config.problems import WARNING, InvalidConfig, Problem, has_errors
from localnode.config.references import cross_check
from localnode.config.schema_check import check
from localnode.config.schemas import METADATA, OTHER_SYSTEMS, SYSTEMS
from localnode.config.substitution import CONDITIONAL, Path, Substitution, Undefined, secret_names
from localnode.pipes import pipe_settings

MASS_REMOVAL = 10
_WITHOUT_EFFECT = frozenset({"name", "description", "comment", "metadata", "permissions", "docker"})
"""Properties of components that this node does not carry out: what they miss, nothing misses."""


def resolve(
    entities: Iterable[Mapping[str, object]],
    env: Mapping[str, object],
    known_secrets: Mapping[str, set[str]] | None = None,
) -> NodeConfig:
    """Effective forms and findings of everything in `entities`. Never raises for what a config says.

    `known_secrets` maps a system id ("" = the node) to names of stored secrets; a missing one is a warning.
    """
    posted = tuple(entities)
    by_kind: dict[str, list[Mapping[str, Any]]] = {"pipe": [], "system": [], "metadata": [], "": []}
    for entity in posted:
        by_kind[_kind(entity)].append(entity)
    metadata = next((_metadata(entity, env) for entity in by_kind["metadata"]), None)
    settings = NodeConfig(metadata=metadata).settings
    systems = {entity["_id"]: _system(entity, env, known_secrets or {}) for entity in by_kind["system"]}
    systems.update({entity["_id"]: _unknown_kind(entity) for entity in by_kind[""]})
    pipes = {entity["_id"]: _pipe(entity, env, settings) for entity in by_kind["pipe"]}
    return cross_check(NodeConfig(posted, pipes, systems, metadata))


def require_valid(config: NodeConfig) -> None:
    """Raise InvalidConfig when any component has an error."""
    failed = [component.id for component in config.components if not component.valid]
    if failed:
        raise InvalidConfig(f"config errors in {', '.join(failed)}", config.validation_errors())


def refuse_mass_removal(running: NodeConfig, wanted: NodeConfig) -> None:
    """Trip the config circuit breaker (`global_defaults.use_config_circuit_breaker` of what runs).

    Raise InvalidConfig when more than ten components, and more than a tenth of all, would be removed.
    """
    if not (running.settings.get("global_defaults") or {}).get("use_config_circuit_breaker", False):
        return
    before = {component.id for component in running.components}
    gone = sorted(before - {component.id for component in wanted.components})
    if len(gone) > MASS_REMOVAL and len(gone) > len(before) / 10:
        names = ", ".join(gone[:5])
        msg = f"would remove {len(gone)} of {len(before)} components: {names}, … (force it if meant)"
        errors = [{"posted-config": {"_id": "node"}, "config-errors": [Problem((), msg).as_json()]}]
        raise InvalidConfig(msg, errors)


def _kind(entity: Mapping[str, object]) -> str:
    kind = str(entity.get("type", "")).split(":")[0]
    return kind if kind in ("pipe", "system", "metadata") else ""


def _unknown_kind(entity: Mapping[str, object]) -> Component:
    return Component(entity, dict(entity), (_unknown_type(entity, ["pipe", "metadata", *SYSTEMS]),))


def _unknown_type(entity: Mapping[str, object], known: Iterable[str]) -> Problem:
    name = str(entity.get("type", ""))
    return Problem(("type",), f'unknown type "{name}"{did_you_mean(name, list(known))}')


def _metadata(entity: Mapping[str, object], env: Mapping[str, object]) -> Component:
    substitution = Substitution(env)
    effective = with_numbers(substitution.component(entity), METADATA)
    problems = [*substitution.problems, *check(effective, METADATA, ())]
    return _component(entity, effective, problems, substitution)


def _system(
    entity: Mapping[str, Any], env: Mapping[str, object], secrets: Mapping[str, set[str]]
) -> Component:
    substitution = Substitution(env)
    effective = substitution.component(entity)
    problems = list(substitution.problems)
    schema = SYSTEMS.get(str(effective.get("type")))
    if schema:
        effective = with_numbers(effective, schema)
        problems += check(effective, schema, ())
        problems += _addresses(effective)
        if effective.get("authentication") == "ntlm":
            msg = "ntlm is not available on this node: calls to this system fail"
            problems.append(Problem(("authentication",), msg, WARNING))
        stored = secrets.get(entity["_id"], set()) | secrets.get("", set())
        for name in sorted(secret_names({k: v for k, v in effective.items() if k != "docker"}) - stored):
            problems.append(Problem((), f'the secret "{name}" is not stored on this node yet', WARNING))
    elif effective.get("type") not in OTHER_SYSTEMS:
        problems.append(_unknown_type(entity, [*SYSTEMS, *OTHER_SYSTEMS]))
    return _component(entity, effective, problems, substitution)


def _component(
    entity: Mapping[str, object],
    effective: dict[str, object],
    problems: list[Problem],
    substitution: Substitution,
) -> Component:
    """Make the component of a system or metadata entity, with what is wrong with it, and what it misses."""
    undefined = tuple(each for each in substitution.undefined if each.path[0] not in _WITHOUT_EFFECT)
    return Component(entity, effective, tuple(_settled(problems, substitution.undefined)), undefined)


def _settled(problems: Iterable[Problem], undefined: Sequence[Undefined]) -> Iterator[Problem]:
    """Yield the findings without errors that the variables may decide.

    What is not defined yet is neither right nor wrong.
    """
    places = [Problem(_decided(each.path), "").elements for each in undefined]
    for problem in problems:
        here = problem.elements
        is_open = any(
            here.startswith(place) or (problem.suffix and place.startswith(here)) for place in places
        )
        if problem.level == WARNING or not is_open:
            yield problem


def _decided(path: Path) -> Path:
    """Return the place below which everything depends on the variable that `path` names.

    A condition decides about all that it stands for.
    """
    if CONDITIONAL in path:
        return path[: path.index(CONDITIONAL)]
    return path[:-1] if path[-1] == "condition" else path


def _addresses(system: Mapping[str, object]) -> list[Problem]:
    """`url_pattern` or the older `base_url`: exactly one, on systems that say where they are."""
    if system.get("type") == "system:microservice":
        return []
    given = [name for name in ("url_pattern", "base_url") if name in system]
    if len(given) == 1:
        return []
    return [Problem((), 'needs exactly one of "url_pattern" and "base_url"')]


def _pipe(
    entity: Mapping[str, object], env: Mapping[str, object], settings: Mapping[str, object]
) -> PipeComponent:
    substitution = Substitution(env)
    resolved = pipe_with_numbers(substitution.component(entity))
    effective = fill_pipe_defaults(resolved, settings)
    checked = check_pipe(resolved, pipe_settings(effective, settings))
    problems = [*substitution.problems, *_settled(checked.problems, substitution.undefined)]
    if has_errors(substitution.problems):
        problems = [*substitution.problems, *(each for each in checked.problems if each.level == WARNING)]
    return PipeComponent(
        entity,
        effective,
        tuple(problems),
        tuple(each for each in substitution.undefined if each.path[0] not in _WITHOUT_EFFECT),
        checked.tracked,
        checked.untracked,
        checked.not_runnable,
    )
