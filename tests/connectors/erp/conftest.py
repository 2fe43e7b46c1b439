"""An ERP whose answers a test scripts: a module gives the fixture `erp`, and gets `upstream`, the ERP on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream


@pytest.fixture
def upstream(erp: Callable[[Asked], Reply]) -> Iterator[Upstream]:
    """Serve the module's `erp`."""
    with scripted_upstream(erp) as running:
        yield running
