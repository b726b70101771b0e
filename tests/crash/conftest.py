from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.sidecar import Sidecar


@pytest.fixture
def sidecar(tmp_path: Path) -> Iterator[Sidecar]:
    """One that runs, for the test to kill."""
    running = Sidecar(tmp_path)
    try:
        running.start()
        yield running
    finally:
        running.kill()
