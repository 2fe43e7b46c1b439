"""Fixtures for the tests against software that nobody here wrote: each server once, the ERP service in front of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.thirdparty import CannotFetch, installed

HERE = Path(__file__).parent
CANNOT_FETCH = 3


def place_of(server: str) -> Path:
    """Where the server of that folder is installed; ends the run with 3 when it cannot be fetched here."""
    try:
        return installed(HERE / server)
    except CannotFetch as error:
        pytest.exit(f"The third-party ERPs cannot be fetched here: {error}", CANNOT_FETCH)
