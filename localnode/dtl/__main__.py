"""`python -m localnode.dtl`: the same as `python -m localnode dtl`."""

import sys

from localnode.dtl.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.stdin, sys.stdout))
