"""Questions to several services at the same time."""

import threading

import pytest

import together as module
from pizza_common.errors import PeerUnavailable
from together import Together


@pytest.fixture
def together():
    together = Together(threads=1)
    yield together
    together.close()


def test_what_finds_no_thread_in_time_is_unavailable_and_the_rest_is_answered(
    together, monkeypatch
):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.2)
    may_end = threading.Event()

    def hang():
        assert may_end.wait(20)
        return {}

    found = together.answers({"quick": lambda: {"number": 1}, "hangs": hang, "later": hang})
    may_end.set()
    assert found["quick"].said == {"number": 1}
    assert isinstance(found["hangs"].error, PeerUnavailable)
    assert isinstance(found["later"].error, PeerUnavailable)
