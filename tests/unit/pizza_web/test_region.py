"""One fragment for all streams of a region: rendered once, when something changed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import region as module
from pizza_common.errors import Unavailable
from region import Region
from tests.unit.pizza_common.service_process import wait_until

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    for name in ("SETTLE_SECONDS", "PAUSE_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(module, name, 0.01)
    monkeypatch.setattr(module, "LATER_SECONDS", 3 * PATIENCE)


class Page:
    """Counts how often it is rendered; what it says may be changed, and waited for."""

    def __init__(self, text="one"):
        self.text, self.rendered = text, 0
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self):
        self.rendered += 1
        text = self.text
        assert self.may_end.wait(PATIENCE)
        return text


def test_what_many_streams_wait_for_is_rendered_once():
    region, page = Region(), Page()
    page.may_end.clear()
    with ThreadPoolExecutor(20) as streams:
        waiting = [streams.submit(region.after, 0, page, PATIENCE) for _ in range(20)]
        wait_until(lambda: page.rendered, "the page is rendered", PATIENCE)
        page.may_end.set()
        assert {each.result() for each in waiting} == {waiting[0].result()}
    assert page.rendered == 1


def test_what_changes_while_it_is_rendered_is_rendered_once_more():
    region, page = Region(), Page()
    page.may_end.clear()
    with ThreadPoolExecutor(1) as stream:
        first = stream.submit(region.after, 0, page, PATIENCE)
        wait_until(lambda: page.rendered, "the page is rendered", PATIENCE)
        page.text = "two"
        for _ in range(50):
            region.wake()
        page.may_end.set()
        assert first.result().text == "one"
    second = region.after(first.result().version, page, PATIENCE)
    assert second.text == "two"
    assert region.after(second.version, page, 0.1) is None
    assert page.rendered == 2


def test_changes_of_one_moment_are_one_fragment_and_the_next_comes_after_a_pause():
    region, page = Region(pause=0.3), Page()
    first = region.after(0, page, PATIENCE)
    began = time.monotonic()
    for _ in range(20):
        region.wake()
    assert region.after(first.version, page, PATIENCE).version > first.version
    assert time.monotonic() - began > 0.2
    assert page.rendered == 2


def test_after_what_took_long_the_next_one_waits_for_longer():
    region, page = Region(), Page()

    def slow():
        time.sleep(0.1)
        return page()

    first = region.after(0, slow, PATIENCE)
    ended = time.monotonic()
    region.wake()
    region.after(first.version, page, PATIENCE)
    assert time.monotonic() - ended > module.REST * 0.1 - 0.05


def test_a_page_that_comes_later_gets_what_there_is():
    region, page = Region(), Page()
    fragment = region.after(0, page, PATIENCE)
    assert region.after(0, page, PATIENCE) is fragment
    assert page.rendered == 1


def test_the_same_text_has_the_same_id():
    region, page = Region(), Page()
    first = region.after(0, page, PATIENCE)
    region.wake()
    again = region.after(first.version, page, PATIENCE)
    assert again.version > first.version
    assert again.id == first.id


def test_what_cannot_be_shown_is_tried_again_and_the_last_stays():
    region, page = Region(), Page()
    first = region.after(0, page, PATIENCE)
    region.wake()

    def broken():
        page.rendered += 1
        raise Unavailable

    assert region.after(first.version, broken, PATIENCE) is None
    assert region.after(0, page, PATIENCE) is first
    page.text = "two"
    assert region.after(first.version, page, PATIENCE).text == "two"


def test_what_cannot_be_shown_is_not_tried_again_at_once(monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", PATIENCE)
    region, page = Region(), Page()

    def broken():
        raise Unavailable

    assert region.after(0, broken, PATIENCE) is None
    assert region.after(0, page, 0.1) is None
    assert page.rendered == 0


def test_a_stream_that_leaves_hands_over_what_is_due(monkeypatch):
    region, page = Region(), Page()
    version = region.after(0, page, PATIENCE).version
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.3)
    with ThreadPoolExecutor(2) as streams:
        leaves = streams.submit(region.after, version, page, 0.2)
        stays = streams.submit(region.after, version, page, PATIENCE)
        page.text = "two"
        region.wake()
        assert leaves.result() is None
        assert stays.result().text == "two"


def test_it_is_looked_at_once_more_some_time_after_a_change(monkeypatch):
    monkeypatch.setattr(module, "LATER_SECONDS", 0.1)
    region, page = Region(), Page()
    version = region.after(0, page, PATIENCE).version
    region.wake()
    early = region.after(version, page, PATIENCE)
    page.text = "two"  # told before it could be read
    assert region.after(early.version, page, PATIENCE).text == "two"


def test_it_can_be_looked_at_every_so_many_seconds():
    region, page = Region(every=0.05), Page()
    version = 0
    for _ in range(3):
        version = region.after(version, page, PATIENCE).version
    assert page.rendered == 3


def test_a_region_that_is_stopped_lets_nobody_wait():
    region, page = Region(), Page()
    version = region.after(0, page, PATIENCE).version
    with ThreadPoolExecutor(1) as stream:
        waiting = stream.submit(region.after, version, page, PATIENCE)
        region.stop()
        assert waiting.result(timeout=PATIENCE / 2) is None
    assert region.stopped


def test_a_mistake_in_a_template_does_not_stop_the_others():
    region, page = Region(), Page()
    with pytest.raises(ZeroDivisionError):
        region.after(0, lambda: str(1 / 0), PATIENCE)
    assert region.after(0, page, PATIENCE).text == "one"
