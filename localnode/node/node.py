"""Run a node: one data folder, its configuration, and everything that runs on it."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from core.jsonio import Json
from localnode.config import (
    Component,
    NodeConfig,
    NodeSettings,
    PipeComponent,
    SettingsStore,
    pack,
    read_upload,
)
from localnode.config.groups import config_group, with_group
from localnode.config.resolve import refuse_mass_removal, require_valid, resolve
from localnode.config.upload import check_value
from localnode.dtl import PipeSettings, semantics
from localnode.errors import BadRequest, Conflict, NotFound
from localnode.node import test_data
from localnode.node.engine import make_engine, warn_of_unreachable
from localnode.node.folder import DataFolder
from localnode.node.pipe import NodePipe
from localnode.node.pipes import ConfigPlan, NodePipes
from localnode.node.progress import progress
from localnode.node.runs import Runs
from localnode.node.tokens import Tokens, node_token
from localnode.pipes import ConfigProblem, Systems
from localnode.pipes.subsets import compile_subset
from localnode.scheduler import Scheduler
from localnode.store import Store
from localnode.store.disk import shortage

log = logging.getLogger(__name__)

VERSION = "0.1.0"


class Node:
    """A running node. Thread-safe; one per data folder and process.

    Changes of the configuration go through one lock; during a change no pump starts by itself.
    """

    def __init__(self, settings: NodeSettings, make_systems: Callable[..., Systems] = Systems) -> None:
        """Open the data folder and continue with its configuration. Conflict if another node has it.

        `make_systems` creates the object through which its pipes reach systems, see `make_engine`.
        """
        self._make_systems = make_systems
        self.settings = settings
        self.version = VERSION
        self._lock = threading.RLock()
        self._folder = DataFolder(settings.data)
        self._open()

    def _open(self) -> None:
        self.uploaded = SettingsStore(self._folder.settings_file)
        self.store = Store.open(self._folder.store_file, self.settings.sync_writes)
        self._drop_indexes_of_other_versions()
        self.token = node_token(self.uploaded)
        self.tokens = Tokens(self.uploaded)
        self.start_time = time.time()
        self.config = NodeConfig()
        self.scheduler = Scheduler(self.settings.pump_threads)
        self.runs = Runs(
            self._prepare_run, self.scheduler.release, self._cancel_pumps, self.settings.pump_threads
        )
        self._pipes = NodePipes(self.store, self.uploaded, self.scheduler, self.settings)
        self._scheduling = False
        plan = self._plan(self.uploaded.entities())
        self._apply(plan, start_over=bool(test_data.turned(self.store, plan.config)))

    def _drop_indexes_of_other_versions(self) -> None:
        """Drop indexes of other versions: their expressions may return other values now."""
        if self.uploaded.node_value("semantics") != semantics():
            self.store.drop_indexes()
            self.uploaded.set_node_value("semantics", semantics())

    def close(self) -> None:
        """End all runs and close the data folder."""
        with self._lock:
            self._shut()
            self._folder.close()

    def _shut(self) -> None:
        self.runs.stop(self.settings.stop_seconds)
        self.scheduler.close(self.settings.stop_seconds)
        self.systems.close()
        self.store.close()
        self.uploaded.close()

    def ask_to_end(self) -> None:
        """Ask all runs to end after their present batch.

        Returns at once (safe in a signal handler).
        """
        self.runs.ask_to_end()
        self._cancel_pumps()

    def restart(self) -> None:
        """Close and open everything again; nothing is lost."""
        with self._lock:
            self._shut()
            self._open()

    def reset(self) -> None:
        """Delete everything uploaded and every dataset; the token stays."""
        with self._lock:
            self.uploaded.clear()
            self._shut()
            self._folder.delete_store()
            self._open()

    def schedule(self, wanted: bool) -> None:
        """Run the pumps on their schedules from now on, or only on request."""
        with self._lock:
            self.settings = replace(self.settings, schedule=wanted)
            self._switch_scheduling(wanted and not self.config.user_pipes_disabled)

    # -- configuration -------------------------------------------------------------------------------------

    def upload(self, data: bytes, force: bool) -> NodeConfig:
        """Replace the configuration with an uploaded one.

        ConfigRefused, and nothing is changed, if it has errors.
        """
        return self.replace_entities(read_upload(data), force)

    def replace_entities(self, entities: Iterable[Mapping[str, object]], force: bool) -> NodeConfig:
        """Replace the configuration by entities. With `force` it may have errors; what has them does not run.

        A run-all that is under way is ended first; Conflict when something does not end in time.
        """
        with self._lock:
            posted = list(entities)
            for entity in posted:
                check_value(ascii(entity["_id"])[1:-1], entity)
            plan = self._plan(posted)
            if not force:
                require_valid(plan.config)
                refuse_mass_removal(self.config, plan.config)
            turned = self._turned(plan, self.env(), force)
            if not self.runs.stop(self.settings.stop_seconds):
                raise Conflict("all pipes are being run, and that has not ended in time; try again later")
            self._apply(plan, bool(turned), lambda: self.uploaded.replace_entities(posted))
            return plan.config

    def add_entities(self, entities: Iterable[Mapping[str, object]], force: bool) -> NodeConfig:
        """Add entities to the configuration, replacing those with the same `_id`."""
        with self._lock:
            merged = {entity["_id"]: entity for entity in self.config.entities}
            merged.update({entity["_id"]: entity for entity in entities})
            return self.replace_entities(merged.values(), force)

    def remove_entity(self, entity_id: str) -> NodeConfig:
        """Remove one entity; entities that refer to it become invalid."""
        with self._lock:
            kept = [entity for entity in self.config.entities if entity["_id"] != entity_id]
            return self.replace_entities(kept, force=True)

    def replace_group(self, group: str, entities: Iterable[Mapping[str, object]], force: bool) -> NodeConfig:
        """Replace the entities of one config group; other groups stay."""
        with self._lock:
            others = [entity for entity in self.config.entities if config_group(entity) != group]
            named = [with_group(entity, group) for entity in entities]
            return self.replace_entities([*others, *named], force)

    def config_history(
        self, entity_id: str, since: int | None, limit: int | None, reverse: bool
    ) -> list[dict[str, object]]:
        """Return versions of a config entity as uploaded, each with `_updated`, `_ts` and `_deleted`."""
        return self.uploaded.history(entity_id, since, limit, reverse)

    def config_zip(self) -> bytes:
        """Return the uploaded configuration as an archive."""
        return pack(self.config.entities)

    def env(self) -> Json:
        """Return the environment variables."""
        return self.uploaded.env()

    def replace_env(self, variables: Mapping[str, object], force: bool = False) -> None:
        """Replace the environment variables. Pipes that miss one fail when they run.

        Conflict, and nothing is changed, if pipes with data would switch from a system to embedded test data
        or back. With `force` all pipes then start over: what they have read and produced is deleted.
        """
        check_value("the environment variables", dict(variables))
        with self._lock:
            plan = self._plan(self.config.entities, variables)
            turned = self._turned(plan, variables, force)
            self._apply(plan, bool(turned), lambda: self.uploaded.replace_env(variables))

    def _turned(self, plan: ConfigPlan, variables: Mapping[str, object], force: bool) -> list[PipeComponent]:
        """Return the pipes that a plan switches to other data than they hold.

        Raises Conflict for them without `force`.
        """
        found = test_data.turned(self.store, plan.config)
        if not force:
            test_data.refuse_turned(found, self.env(), variables)
        return found

    def secret_names(self, system_id: str) -> list[str]:
        """Return the names of the secrets of the node ("") or of a system."""
        return sorted(self.uploaded.secrets(system_id))

    def put_secrets(self, system_id: str, secrets: Mapping[str, Any], replace: bool) -> None:
        """Store secrets; they must be texts."""
        wrong = sorted(name for name, value in secrets.items() if not isinstance(value, str))
        if wrong:
            raise BadRequest(f'the secret "{wrong[0]}" must be a text')
        with self._lock:
            self.uploaded.put_secrets(secrets, system_id, replace)
            self._rebuild()

    def delete_secret(self, system_id: str, name: str) -> None:
        """Remove a secret. NotFound if it does not exist."""
        with self._lock:
            if not self.uploaded.delete_secret(name, system_id):
                raise NotFound(f'there is no secret "{name}"')
            self._rebuild()

    def _rebuild(self) -> None:
        """Build every pipe again, because systems hold secrets."""
        self._pipes.forget_signatures()
        self._apply(self._plan(self.config.entities))

    def _plan(
        self, entities: Iterable[Mapping[str, object]], variables: Mapping[str, object] | None = None
    ) -> ConfigPlan:
        """Check entities and build their pipes, with `variables` instead of the node's.

        Nothing in use is changed.
        """
        env = self.uploaded.env() if variables is None else variables
        config = resolve(entities, env, self.uploaded.secrets_by_system())
        config = warn_of_unreachable(config, self.settings)
        engine = make_engine(config, self.settings, self.store, self.uploaded, self._make_systems)
        return self._pipes.plan(config, engine)

    def _apply(
        self, plan: ConfigPlan, start_over: bool = False, save: Callable[[], None] | None = None
    ) -> None:
        """Use a plan from now on.

        Schedules the pumps, calls `save` for the upload, and drops what was removed. If that fails before the
        upload is saved, everything is as before. With `start_over` the sink datasets are deleted, except for
        those of receivers.
        """
        self.scheduler.hold()
        try:
            self._pipes.stop_changed(plan)
            try:
                self._pipes.apply(plan, save)
            except Exception:
                log.exception("a new configuration could not be applied; the former one is taken again")
                self._pipes.apply(self._plan(self.uploaded.entities()), None)
                raise
            if start_over:
                self._stop_pumps()
                self._pipes.reset(delete_input=False)
            for pipe_id in plan.built:
                test_data.remember(self.store, plan.config.pipes[pipe_id])
            self.config, self.systems = plan.config, plan.engine.systems
        finally:
            self.scheduler.release()
        self._switch_scheduling(self.settings.schedule and not plan.config.user_pipes_disabled)

    @property
    def scheduling(self) -> bool:
        """Return whether pumps run on their schedules."""
        return self._scheduling

    def _switch_scheduling(self, wanted: bool) -> None:
        if wanted != self._scheduling:
            self._scheduling = wanted
            (self.scheduler.release if wanted else self.scheduler.hold)()

    # -- pipes, systems, datasets --------------------------------------------------------------------------

    @property
    def pipes(self) -> Mapping[str, NodePipe]:
        """Return all pipes by id."""
        return self._pipes.by_id

    def pipe(self, pipe_id: str) -> NodePipe:
        """Return one pipe, or raise NotFound."""
        found = self._pipes.by_id.get(pipe_id)
        if found is None:
            raise NotFound(f'there is no pipe "{pipe_id}"')
        return found

    def system(self, system_id: str) -> Component:
        """Return one system, or raise NotFound."""
        found = self.config.systems.get(system_id)
        if found is None:
            raise NotFound(f'there is no system "{system_id}"')
        return found

    def signal(self, dataset_id: str) -> None:
        """Note that a dataset was changed from outside: its readers are due."""
        self.scheduler.signal(dataset_id)

    def subset(self, expression: object) -> Callable[[Json], bool] | None:
        """Return membership in a subset `["eq", <index expression>, <literal>]`; None means everything."""
        if expression is None:
            return None
        try:
            return compile_subset(expression, PipeSettings("subset")).holds
        except ConfigProblem as error:
            raise BadRequest(f"the subset cannot be used: {error.message}") from error

    def delete_dataset(self, dataset_id: str) -> None:
        """Delete a dataset; the pipe that writes it starts over."""
        with self._lock:
            self._pipes.delete_dataset(dataset_id)

    def reset_pipes(self, delete_input: bool) -> list[str]:
        """Reset all pumps and delete the sink datasets; those of receivers only with `delete_input`.

        Returns the ids of the deleted datasets.
        """
        with self._lock:
            self.scheduler.hold()
            try:
                self._stop_pumps()
                return self._pipes.reset(delete_input)
            finally:
                self.scheduler.release()

    def _prepare_run(self, reset: bool, delete_input: bool) -> list[NodePipe]:
        """Hold the scheduler, end runs, reset if requested; return the pipes that can run."""
        with self._lock:
            self.scheduler.hold()
            try:
                self._stop_pumps()
                if reset:
                    self._pipes.reset(delete_input)
            except BaseException:
                self.scheduler.release()
                raise
            return [pipe for pipe in self._pipes.by_id.values() if pipe.runs_in_rounds]

    def _stop_pumps(self) -> None:
        self._cancel_pumps()
        for pipe in self._pipes.by_id.values():
            pipe.stop()

    def _cancel_pumps(self) -> None:
        for pipe in list(self._pipes.by_id.values()):
            pipe.pump.cancel.set()

    # -- state ---------------------------------------------------------------------------------------------

    def status(self) -> Json:
        """Return the start time and the current activity."""
        pipes = list(self._pipes.by_id.values())
        return {
            "node_start_time": self.start_time,
            "version": self.version,
            "scheduling": self._scheduling,
            "run_all": self.runs.status(None)["status"],
            "pipes": len(pipes),
            "running_pipes": [pipe.id for pipe in pipes if pipe.pump.is_running],
            "invalid_pipes": [pipe.id for pipe in pipes if not pipe.component.valid],
            "failed_pipes": [pipe.id for pipe in pipes if pipe.failed],
            "not_runnable_pipes": [pipe.id for pipe in pipes if pipe.component.not_runnable],
            "datasets": len(self.store.datasets()),
        }

    def progress(self) -> list[dict[str, object]]:
        """Return the runs in progress, see `localnode.node.progress`."""
        return progress(self._pipes.by_id.values())

    def unhealthy(self) -> str | None:
        """Return why the node cannot do its work; None if it can."""
        try:
            self.store.datasets()
            self.uploaded.env()
        except sqlite3.Error as error:
            return f"the files in {self.settings.data} cannot be read: {error}"
        return shortage(self.settings.data)
