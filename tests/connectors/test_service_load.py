"""Each service under load with its production settings: no error, and little memory."""

from __future__ import annotations

import pytest

from bench.load import BATCH, BATCHES, MOST_MB, PLANS, READERS, RECORDS, WRITERS, run_plan


@pytest.mark.slow
@pytest.mark.parametrize("service", PLANS)
def test_eight_readers_and_writers_find_no_error_and_little_memory(service: str) -> None:
    result = run_plan(PLANS[service])
    assert result.problems == []
    assert result.read == READERS * RECORDS
    assert result.written == WRITERS * BATCHES * BATCH
    assert result.peak < MOST_MB
