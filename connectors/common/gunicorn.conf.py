# ruff: noqa: N999 - the name that gunicorn looks for
"""How gunicorn serves either service: one process (push sequences, locks and rate limit live in it) with
threads.
"""

import os
from pathlib import Path

bind = os.environ.get("BIND", "0.0.0.0:5000")  # noqa: S104 - the only way to be reached inside a container
workers = 1
worker_class = "gthread"
threads = int(os.environ.get("THREADS", "8"))
timeout = 120
graceful_timeout = 30
keepalive = 30
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - heartbeat file, holds no data
accesslog = None
loglevel = "warning"
control_socket_disable = True
