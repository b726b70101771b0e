"""Questions to several services at the same time."""

import threading

import pytest

import parallel as module
from parallel import Parallel
from pizza_common.errors import PeerUnavailable


@pytest.fixture
def parallel():
    parallel = Parallel(threads=1)
    yield parallel
    parallel.close()


def test_what_finds_no_thread_in_time_is_unavailable_and_the_rest_is_answered(
    parallel, monkeypatch
):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.2)
    may_end = threading.Event()

    def hang():
        assert may_end.wait(20)
        return {}

    found = parallel.answers({"quick": lambda: {"number": 1}, "hangs": hang, "later": hang})
    may_end.set()
    assert found["quick"].said == {"number": 1}
    assert isinstance(found["hangs"].error, PeerUnavailable)
    assert isinstance(found["later"].error, PeerUnavailable)
