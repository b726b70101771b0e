"""Answers that are shared: for a moment, until something changes, and never a failure."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import memo as module
from memo import Memo
from pizza_common.errors import Unavailable

PATIENCE = 20.0


@pytest.fixture
def memo():
    return Memo()


class Reading:
    """Gives 1, 2, 3, ..., and can be held."""

    def __init__(self):
        self.times = 0
        self.began, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()

    def __call__(self):
        self.times += 1
        number = self.times
        self.began.set()
        assert self.may_end.wait(PATIENCE)
        return {"number": number}


def test_what_many_ask_for_is_read_once(memo):
    read = Reading()
    read.may_end.clear()
    with ThreadPoolExecutor(10) as pages:
        answers = [pages.submit(memo.get, "orders", "key", read, PATIENCE) for _ in range(10)]
        assert read.began.wait(PATIENCE)
        read.may_end.set()
        assert [each.result() for each in answers] == [{"number": 1}] * 10


def test_it_is_read_again_after_a_change(memo):
    read = Reading()
    memo.get("orders", "key", read, PATIENCE)
    memo.forget("order:1")
    assert memo.get("orders", "key", read, PATIENCE) == {"number": 1}
    memo.forget("orders")
    assert memo.get("orders", "key", read, PATIENCE) == {"number": 2}


def test_what_was_being_read_at_a_change_is_not_given_to_those_who_ask_after_it(memo):
    read = Reading()
    read.may_end.clear()
    with ThreadPoolExecutor(2) as pages:
        before = pages.submit(memo.get, "orders", "key", read, PATIENCE)
        assert read.began.wait(PATIENCE)
        memo.forget("orders")
        after = pages.submit(memo.get, "orders", "key", read, PATIENCE)
        read.may_end.set()
        assert (before.result(), after.result()) == ({"number": 1}, {"number": 2})


def test_it_is_kept_for_so_long_only(memo):
    read = Reading()
    memo.get("orders", "key", read, 0)
    assert memo.get("orders", "key", read, 0) == {"number": 2}


def test_other_keys_have_other_answers(memo):
    read = Reading()
    assert memo.get("orders", ("kitchen",), read, PATIENCE) == {"number": 1}
    assert memo.get("orders", ("operator",), read, PATIENCE) == {"number": 2}


def test_a_failure_is_not_kept(memo):
    with pytest.raises(ZeroDivisionError):
        memo.get("orders", "key", lambda: {"number": 1 / 0}, PATIENCE)
    assert memo.get("orders", "key", Reading(), PATIENCE) == {"number": 1}


def test_who_waits_for_what_another_reads_waits_for_a_while_only(memo, monkeypatch):
    monkeypatch.setattr(module, "FOLLOW_SECONDS", 0.05)
    read = Reading()
    read.may_end.clear()
    with ThreadPoolExecutor(1) as pages:
        reads = pages.submit(memo.get, "orders", "key", read, PATIENCE)
        assert read.began.wait(PATIENCE)
        with pytest.raises(Unavailable):
            memo.get("orders", "key", read, PATIENCE)
        read.may_end.set()
        assert reads.result() == {"number": 1}


def test_it_keeps_no_more_than_so_much(memo, monkeypatch):
    monkeypatch.setattr(module, "_TOPICS", 2)
    read = Reading()
    for topic in ("a", "b", "c", "a"):
        memo.get(topic, "key", read, PATIENCE)
    assert read.times == 4
