"""Decide when and in which order pumps run: schedules, signals, and runs of all pipes."""

from localnode.scheduler.order import Reads
from localnode.scheduler.pump import LastRun, Pump
from localnode.scheduler.rounds import FAILED, NOT_READY, NOT_RUNNABLE, SUCCESS, Outcome
from localnode.scheduler.run_all import RunAll, RunAllOptions
from localnode.scheduler.run_log import RunLog
from localnode.scheduler.schedule import BadCron, Schedule, cron, is_signalled
from localnode.scheduler.scheduler import Scheduler

__all__ = [
    "FAILED",
    "NOT_READY",
    "NOT_RUNNABLE",
    "SUCCESS",
    "BadCron",
    "LastRun",
    "Outcome",
    "Pump",
    "Reads",
    "RunAll",
    "RunAllOptions",
    "RunLog",
    "Schedule",
    "Scheduler",
    "cron",
    "is_signalled",
]
