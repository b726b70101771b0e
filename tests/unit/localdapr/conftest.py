"""Parts that several tests of localdapr share."""

from collections.abc import Iterator

import pytest

from tests.unit.localdapr.localdapr_process import Localdapr


@pytest.fixture
def started() -> Iterator[list[Localdapr]]:
    """Processes to be ended with the test."""
    processes: list[Localdapr] = []
    yield processes
    for each in reversed(processes):
        each.process.terminate()
    for each in processes:
        each.wait()
