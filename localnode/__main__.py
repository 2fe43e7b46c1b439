"""Entry point of `python -m localnode`."""

import sys

from localnode.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
