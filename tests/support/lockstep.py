"""Many scenarios on one stack: all go one step, then there is one sync for all of them.

A scenario is a generator: what people do, `yield` for a sync, and so on; what it asserts fails only itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

Scenario = Iterator[None]


def run(scenarios: Mapping[str, Callable[[], Scenario]], sync: Callable[[], None]) -> dict[str, Exception]:
    """Return what went wrong, by scenario; nothing of those that went through."""
    failed: dict[str, Exception] = {}
    running = {name: start() for name, start in scenarios.items()}
    while running:
        for name, scenario in list(running.items()):
            try:
                next(scenario)
            except StopIteration:
                del running[name]
            except Exception as error:  # noqa: BLE001 - the others go on
                failed[name] = error
                del running[name]
        sync()
    return failed
