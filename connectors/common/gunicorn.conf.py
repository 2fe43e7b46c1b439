# ruff: noqa: N999 - the name that gunicorn looks for
"""How gunicorn serves either service.

One process (push sequences, locks and rate limit live in it) with threads.
"""

import os
import socket
import struct
from pathlib import Path
from typing import Any

from connectors.common.settings import process_settings

_SETTINGS = process_settings(os.environ)
bind = _SETTINGS.bind
workers = 1
worker_class = "gthread"
threads = _SETTINGS.threads
timeout = 120
graceful_timeout = 30
keepalive = 30
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - heartbeat file, holds no data
accesslog = None
loglevel = "warning"
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Give up on callers who stop in the middle of a request: else a few of them would take all threads.

    gunicorn reads requests without a time limit; connections have that of the listening socket (Linux).
    """
    silence = _SETTINGS.request_timeout
    seconds = struct.pack("@ll", int(silence), int(silence % 1 * 1_000_000))
    for listener in worker.sockets:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
