# ruff: noqa: N999 - the name that gunicorn looks for
"""How gunicorn serves either service.

One process (push sequences, locks and rate limit live in it) with threads.
"""

import os
from pathlib import Path

from connectors.common.settings import process_settings
from core.http_worker import SETTINGS, BoundedWorker

_SETTINGS = process_settings(os.environ)


class ServiceWorker(BoundedWorker):
    """The worker, with the time that a request has."""

    request_seconds = _SETTINGS.request_timeout


globals().update(SETTINGS)
bind = _SETTINGS.bind
workers = 1
worker_class = ServiceWorker
threads = _SETTINGS.threads
timeout = 120
graceful_timeout = 30
keepalive = 30
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - heartbeat file, holds no data
accesslog = None
loglevel = "warning"
