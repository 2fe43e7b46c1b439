"""Define who may call what, and which calls are actions of people in the audit trail: one table for both.

For calls that are not in the table: GET is open to everybody who may read, anything else to admins only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Request, request

from localnode.api import parsing
from localnode.api.current import node
from localnode.node.tokens import ADMIN, OPERATOR, READER, RECEIVER

SAFE = ("GET", "HEAD", "OPTIONS")
MAY = {
    READER: {READER},
    RECEIVER: {RECEIVER},
    OPERATOR: {READER, OPERATOR},
    ADMIN: {READER, RECEIVER, OPERATOR, ADMIN},
}
"""What each role may do: the roles whose calls it may make."""
OF_OPERATORS = ("start", "stop", "enable", "disable", "retry-dead-letters")
"""Operations of a pump that lose nothing; the others reset, skip or drop."""


@dataclass(frozen=True)
class Permission:
    """The role that a call needs, and its description as an action; None for a call that changes nothing."""

    role: str | Callable[[Request], str]
    action: str | None = None

    def needed(self) -> str:
        """Return the role that the present request needs."""
        return self.role(request) if callable(self.role) else self.role


def _pump(call: Request) -> str:
    call.get_data(cache=True, parse_form_data=True)  # for whoever carries it out
    return OPERATOR if parsing.form().get("operation") in OF_OPERATORS else ADMIN


def _run_all(call: Request) -> str:
    keeps = call.args.get("reset_pipes_and_delete_sink_datasets", "true").lower() in ("false", "0", "no")
    return OPERATOR if keeps else ADMIN


def _push(call: Request) -> str:
    return OPERATOR if is_audited(str((call.view_args or {}).get("pipe_id"))) else RECEIVER


def _proxy(call: Request) -> str:
    return OPERATOR if call.method in SAFE else ADMIN


def is_audited(pipe_id: str) -> bool:
    """Return whether pushes to a receiver are actions of people.

    The receiver's config then says `"metadata": {"audited": true}`.
    """
    pipe = node().config.pipes.get(pipe_id)
    metadata = pipe.original.get("metadata") if pipe is not None else None
    return isinstance(metadata, dict) and metadata.get("audited") is True


PERMISSIONS: dict[str, Permission] = {
    "admin.operate": Permission(ADMIN, "node"),
    "alerts.try_channels": Permission(OPERATOR, "alert channels tried"),
    "config.add_env": Permission(ADMIN, "variables changed"),
    "config.delete_env": Permission(ADMIN, "variable removed"),
    "config.delete_metadata": Permission(ADMIN, "metadata removed"),
    "config.delete_secret": Permission(ADMIN, "secret removed"),
    "config.put_config": Permission(ADMIN, "configuration uploaded"),
    "config.put_config_group": Permission(ADMIN, "configuration group uploaded"),
    "config.put_env": Permission(ADMIN, "variables replaced"),
    "config.put_metadata": Permission(ADMIN, "metadata replaced"),
    "config.put_secrets": Permission(ADMIN, "secrets stored"),
    "datasets.delete_dataset": Permission(ADMIN, "dataset deleted"),
    "datasets.delete_index": Permission(ADMIN, "index deleted"),
    "datasets.operate_dataset": Permission(OPERATOR, "dataset"),
    "datasets.post_entities": Permission(ADMIN, "entities written"),
    "diagnostics.foresee_decisions": Permission(READER),
    "diagnostics.make_plan": Permission(READER),
    "diagnostics.verify_systems": Permission(READER),
    "flow.receive": Permission(_push, "decided"),
    "pipes.add_pipes": Permission(ADMIN, "pipes added"),
    "pipes.delete_pipe": Permission(ADMIN, "pipe removed"),
    "pipes.operate_pump": Permission(_pump, "pump"),
    "pipes.put_config": Permission(ADMIN, "pipe changed"),
    "pipes.transform": Permission(READER),
    "runs.delete_sinks": Permission(ADMIN, "all sink datasets deleted"),
    "runs.run_all": Permission(_run_all, "all pipes run"),
    "runs.stop": Permission(OPERATOR, "run of all pipes stopped"),
    "systems.add_systems": Permission(ADMIN, "systems added"),
    "systems.delete_secret": Permission(ADMIN, "secret of a system removed"),
    "systems.delete_system": Permission(ADMIN, "system removed"),
    "systems.proxy": Permission(_proxy, "system called"),
    "systems.put_config": Permission(ADMIN, "system changed"),
    "systems.put_secrets": Permission(ADMIN, "secrets of a system stored"),
    "systems.reload": Permission(ADMIN, "system reloaded"),
    "tokens.create": Permission(ADMIN, "token created"),
    "tokens.revoke": Permission(ADMIN, "token revoked"),
}
"""By endpoint, of every call that changes something or that not everybody who may look may make."""
_LOOK, _CHANGE = Permission(READER), Permission(ADMIN, "changed")


def permission() -> Permission:
    """Return the permission that the present request needs."""
    endpoint = (request.endpoint or "").replace("talk.", "diagnostics.", 1)
    found = PERMISSIONS.get(endpoint)
    if found is not None and (request.method not in SAFE or endpoint == "systems.proxy"):
        return found
    return _LOOK if request.method in SAFE else found or _CHANGE
