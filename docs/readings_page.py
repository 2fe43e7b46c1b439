"""The reference page of readings, made from their table."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from localnode.readings import READINGS

INTRODUCTION = """\
What Sesam's documentation says in so many words the local node does; where it is silent, it does what hosted
nodes were recorded doing. This page has what neither settles: each question, how the local node reads it, and
how else it could be read. If your hosted node does the other thing, say so in `NODE_READINGS`:

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
