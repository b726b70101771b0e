import threading
import time

import pytest

from pizza_activities import Shop
from worker import Worker, new_runtime, register
from workflow_settings import WorkflowSettings


class FakeRuntime:
    """Starts when there is a sidecar, as the SDK's; its stream can be lost."""

    def __init__(self, starts=True, fails=False):
        self.ready = False
        self.ended = threading.Event()
        self._sidecar = threading.Event()
        self._fails = fails
        if starts:
            self._sidecar.set()

    def start(self):
        self._sidecar.wait(10)
        if self._fails or self.ended.is_set():
            raise RuntimeError("not ready")
        self.ready = True

    def shutdown(self):
        self.ended.set()
        self._sidecar.set()
        self.ready = False

    def wait_for_worker_ready(self, timeout):
        return self.ready


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.005)


@pytest.fixture
def keep():
    """Starts a worker over these runtimes, one after another; stops it in the end."""
    workers = []

    def start(*runtimes):
        worker = Worker(iter(runtimes).__next__, lost_seconds=0.1)
        workers.append(worker)
        worker.start()
        return worker

    yield start
    for worker in workers:
        worker.stop()
        worker.wait()


def test_a_worker_is_ready_once_its_stream_is(keep):
    worker = keep(FakeRuntime())
    wait_until(worker.is_ready)


def test_a_worker_that_was_not_started_is_not_ready():
    assert not Worker(FakeRuntime).is_ready()


def test_a_worker_that_is_stopped_while_it_waits_for_a_sidecar_ends(keep):
    runtime = FakeRuntime(starts=False)
    worker = keep(runtime)
    wait_until(lambda: worker._runtime is runtime)
    worker.stop()
    worker.wait()
    assert runtime.ended.is_set()
    assert not worker.is_ready()


def test_a_runtime_that_does_not_start_is_replaced(keep):
    first, second = FakeRuntime(fails=True), FakeRuntime()
    worker = keep(first, second)
    wait_until(worker.is_ready)
    assert first.ended.is_set()


def test_a_runtime_whose_stream_stays_away_is_replaced(keep):
    first, second = FakeRuntime(), FakeRuntime()
    worker = keep(first, second)
    wait_until(worker.is_ready)
    first.ready = False
    wait_until(lambda: second.ready)
    assert first.ended.is_set()


def test_waiting_for_a_worker_that_does_not_end_has_an_end():
    runtime, stuck = FakeRuntime(), threading.Event()
    runtime.shutdown = lambda: stuck.wait(10)
    worker = Worker(lambda: runtime)
    worker.start()
    wait_until(worker.is_ready)
    worker.stop()
    worker.wait(seconds=0.05)
    stuck.set()
    worker.wait()


def test_two_runtimes_of_one_process_can_be_registered():
    for _ in range(2):
        register(new_runtime(WorkflowSettings()), Shop(sidecar=None))
