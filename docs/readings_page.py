"""The reference page of readings, made from their table."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from localnode.readings import READINGS

INTRODUCTION = """\
The local node follows Sesam's documentation where it is explicit. Where it is silent, the node does what
hosted nodes were recorded doing. This page lists what neither settles: each question, the local node's
reading, and the other possible readings. If your hosted node behaves differently, set `NODE_READINGS`:

```
NODE_READINGS="ties=last, numbers=equal" python -m localnode test .
```"""


def page() -> Iterator[str]:
    """Yield the lines of the page."""
    yield from ("# Readings", "", *INTRODUCTION.splitlines())
    for about, readings in groupby(READINGS.items(), key=lambda item: item[1].about):
        yield from ("", f"## {about}", "", "| name | question | here | other readings |", "|---|---|---|---|")
        for name, reading in readings:
            here, *others = (f"`{choice}`: {meaning}" for choice, meaning in reading.choices.items())
            yield f"| `{name}` | {reading.question} | {here} | {'<br>'.join(others)} |"
