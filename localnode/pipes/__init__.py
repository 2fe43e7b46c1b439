"""Pipes: sources, transforms, sinks, and the pump that moves entities through them.

engine = Engine(store=Store.open(path), systems=Systems(configs, base_urls), metadata=metadata, secret=lookup)
pipe = Pipe(effective_config, engine)     # ConfigProblem when it cannot be carried out
pipe.on_load()
result = pipe.run()                       # RunResult: success, failed, not-ready or stopped
"""

from localnode.pipes.base import Engine
from localnode.pipes.build import pipe_settings
from localnode.pipes.errors import (
    BadToken,
    ConfigProblem,
    InvalidPush,
    NotAvailable,
    NotReady,
    PartlyRefused,
    PipeError,
    Refused,
    RemoteFailed,
    SequenceConflict,
    SourceFailed,
)
from localnode.pipes.pipe import Pipe
from localnode.pipes.run import FAILED, NOT_READY, STOPPED, SUCCESS, RunResult
from localnode.pipes.systems import Systems

__all__ = [
    "FAILED",
    "NOT_READY",
    "STOPPED",
    "SUCCESS",
    "BadToken",
    "ConfigProblem",
    "Engine",
    "InvalidPush",
    "NotAvailable",
    "NotReady",
    "PartlyRefused",
    "Pipe",
    "PipeError",
    "Refused",
    "RemoteFailed",
    "RunResult",
    "SequenceConflict",
    "SourceFailed",
    "Systems",
    "pipe_settings",
]
