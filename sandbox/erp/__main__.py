"""`python -m sandbox.erp`: serve the sandbox ERP."""

from __future__ import annotations

from sandbox.common.server import parse_arguments, serve
from sandbox.erp.app import create_app


def main() -> None:
    """Read the command line and serve until ended."""
    options = parse_arguments("python -m sandbox.erp", 8701, ".data/erp-sandbox.sqlite")
    serve(lambda: create_app(options.state, options.data, options.seed), options.port)


if __name__ == "__main__":
    main()
