"""`python -m stack.dataflow [FOLDER]`: write the dataflow documents (default: docs/dataflow)."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from stack.dataflow.document import documents
from stack.environment import ROOT
from stack.mappings.render import Mappings

_GENERATED = re.compile(r"^Generated: .*$", re.MULTILINE)


def same(one: str, other: str) -> bool:
    """Return True if two documents say the same, whenever they were generated."""
    return _GENERATED.sub("", one) == _GENERATED.sub("", other)


def main(folder: Path) -> None:
    """Write what changed, so that a document carries the time of its last change."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents(Mappings(ROOT), f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}").items():
        path = folder / name
        if not path.is_file() or not same(path.read_text(encoding="utf-8"), text):
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "dataflow")
