"""Texts behind the names that a `template` transform may give.

Jinja that renders to JSON, a list of transforms.

They do what the bodies on a hosted node do, which are not published. How those behave was read in the
histories of public connectors, some of which carried them written out (sesam-io/powerofficego-connector
b8c506a^, sesam-io/salesforce-connector 50dd6f2, sesam-io/tidsbanken-connector 1cc77a4,
sesam-io/superoffice-connector a4e1c28 and 8dd38ae); where the versions differ, the newest one counts.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

PREFIX, SUFFIX = "transform-", ".jinja"
MACROS = "macros" + SUFFIX


@lru_cache
def names() -> tuple[str, ...]:
    """Return all names there are a body for, sorted."""
    found = (each.name for each in files(__name__).iterdir())
    return tuple(
        sorted(
            name.removesuffix(SUFFIX) for name in found if name.startswith(PREFIX) and name.endswith(SUFFIX)
        )
    )


@lru_cache
def body(name: str) -> str:
    """Return the body of one of `names`."""
    folder = files(__name__)
    return folder.joinpath(MACROS).read_text("utf-8") + folder.joinpath(name + SUFFIX).read_text("utf-8")
