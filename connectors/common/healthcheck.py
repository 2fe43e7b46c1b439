"""`python -m connectors.common.healthcheck`: exit 0 if the service in this container answers on /health."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException

from connectors.common.settings import process_settings


def main() -> int:
    """Call the port of BIND (default 5000) on loopback."""
    port = int(process_settings(os.environ).bind.rpartition(":")[2])
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/health")
        return 0 if connection.getresponse().status == 200 else 1
    except (OSError, HTTPException):
        return 1


if __name__ == "__main__":
    sys.exit(main())
