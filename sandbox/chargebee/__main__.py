"""`python -m sandbox.chargebee --port 8702 --state FILE [--data demo|empty] [--seed 1]`."""

from __future__ import annotations

from sandbox.chargebee.app import create_app
from sandbox.common.server import parse_arguments, serve


def main() -> None:
    """Serve the sandbox on loopback until it is told to stop."""
    options = parse_arguments("python -m sandbox.chargebee", 8702, ".data/chargebee-sandbox.sqlite")
    serve(lambda: create_app(options.state, options.data, options.seed), options.port)


if __name__ == "__main__":
    main()
