"""`python -m sandbox.chargebee --port 8702 --state FILE [--data demo|empty] [--seed 1]`."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.chargebee.app import create_app
from sandbox.chargebee.recording import SETTING
from sandbox.common.server import parse_arguments, serve


def main() -> None:
    """Serve the sandbox on loopback until it is told to stop."""
    options = parse_arguments("python -m sandbox.chargebee", 8702, ".data/chargebee-sandbox.sqlite")
    requests_file = Path(os.environ[SETTING]) if os.environ.get(SETTING) else None
    serve(lambda: create_app(options.state, options.data, options.seed, requests_file), options.port)


if __name__ == "__main__":
    main()
