"""Lay out a table for a terminal: columns as wide as their content, numbers right-aligned."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

_WIDEST = 10_000
"""Wider than any line: lines are not broken, since they are also read by programs."""


def text_table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table. A column is right-aligned if its first row has a number."""
    cells = [list(row) for row in rows]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="", highlight=False)
    for at, title in enumerate(titles):
        is_number = bool(cells) and isinstance(cells[0][at], int | float)
        table.add_column(title, justify="right" if is_number else "left", no_wrap=True)
    for row in cells:
        table.add_row(*map(str, row))
    out = io.StringIO()
    Console(file=out, width=_WIDEST, color_system=None, markup=False, emoji=False).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]
