import contextlib
import itertools
import threading

import hypothesis
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pizza_common.ledger import Beside, Ledger
from tests.unit.fake_sidecar import FakeSidecar


class Crash(BaseException):
    """The process ends here."""


def a_ledger(sidecar):
    return Ledger(sidecar, "sum", lambda: {"sum": 0})


def count_once(content, known):
    """Each member adds 1 to the sum, once."""
    return None if known else ({"sum": content["sum"] + 1}, {"counted": True})


def count(content, known):
    """Each change adds 1 to the sum and to the member."""
    return {"sum": content["sum"] + 1}, {"n": (known or {"n": 0})["n"] + 1}


def test_a_change_is_seen_in_the_content_and_in_the_record(sidecar):
    ledger = a_ledger(sidecar)
    assert (ledger.content(), ledger.record("a")) == ({"sum": 0}, None)
    assert ledger.change("a", count) == {"n": 1}
    assert (ledger.content(), ledger.record("a")) == ({"sum": 1}, {"n": 1})


def listed(before, after, known):
    """The second member lists what each change made of the sum."""
    return {"list": [*(known or {"list": []})["list"], (before["sum"], after["sum"])]}


BESIDE = Beside("log", listed)


def test_a_second_member_is_changed_by_the_same_write_and_only_with_it(sidecar):
    ledger = a_ledger(sidecar)
    for _ in range(2):
        ledger.change("a", count_once, beside=BESIDE)
    assert ledger.record("log") == {"list": [[0, 1]]}
    ledger.change("b", count_once, beside=BESIDE)
    assert a_ledger(sidecar).record("log") == {"list": [[0, 1], [1, 2]]}
    ledger.change("c", count_once)
    document, _ = sidecar.get_state("sum")
    assert "log" not in document["notes"], "the document carries it until it is settled"


def test_a_crash_after_the_write_loses_neither_member(sidecar):
    def die(method, key):
        if method == "save_state" and key == "a":
            raise Crash

    sidecar.before = die
    with pytest.raises(Crash):
        a_ledger(sidecar).change("a", count_once, beside=BESIDE)
    sidecar.before = lambda *_: None
    a_ledger(sidecar).change("b", count_once, beside=BESIDE)
    assert a_ledger(sidecar).record("log") == {"list": [[0, 1], [1, 2]]}
    assert a_ledger(sidecar).record("a") == {"counted": True}


def test_a_change_that_raises_changes_nothing(sidecar):
    def refuse(content, known):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        a_ledger(sidecar).change("a", refuse)
    assert not sidecar.calls["save_state"]


def test_the_document_does_not_grow_with_the_members(sidecar):
    ledger = a_ledger(sidecar)
    for number in range(100):
        ledger.change(f"m{number}", count)
    document, _ = sidecar.get_state("sum")
    assert document["content"] == {"sum": 100}
    assert len(document["notes"]) == 1


def test_notes_of_processes_that_died_are_settled_by_the_next(sidecar):
    def die(method, key):
        if method == "save_state" and key == dying:
            raise Crash

    for dying in ("m0", "m1", "m2", "m3", "m4"):
        sidecar.before = die
        with pytest.raises(Crash):
            a_ledger(sidecar).change(dying, count)
    sidecar.before = lambda *_: None
    a_ledger(sidecar).change("last", count)
    document, _ = sidecar.get_state("sum")
    assert (document["content"], [*document["notes"]]) == ({"sum": 6}, ["last"])
    assert all(a_ledger(sidecar).record(f"m{number}") == {"n": 1} for number in range(5))


def test_changes_by_threads_and_replicas_at_the_same_time_all_count(sidecar):
    ledgers = [a_ledger(sidecar) for _ in range(2)]
    threads = [
        threading.Thread(target=ledgers[number % 2].change, args=(f"m{number % 7}", count))
        for number in range(28)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert a_ledger(sidecar).content() == {"sum": 28}
    assert [a_ledger(sidecar).record(f"m{number}") for number in range(7)] == [{"n": 4}] * 7


class Interleaving:
    """Does changes one in the midst of another, and lets processes die at any call."""

    def __init__(self):
        self.sidecar = FakeSidecar()

    def run(self, steps):
        """The first change; the others come before its n-th call, or after it if it has less."""
        if not steps:
            return
        (member, call, crash), *rest = steps
        self._hook(call, crash, rest)
        with contextlib.suppress(Crash):
            a_ledger(self.sidecar).change(member, count_once)
        if rest := self._rest:
            self._hook()
            self.run(rest)

    def _hook(self, call=0, crash=(0, ""), rest=()):
        numbers = itertools.count(1)
        self._rest = list(rest)

        def before(method, key):
            before.number = next(numbers)
            if before.number == call:
                self._aside()
            if crash == (before.number, "before"):
                raise Crash

        def after(method, key):
            if crash == (before.number, "after"):
                raise Crash

        self.sidecar.before, self.sidecar.after = before, after

    def _aside(self):
        mine, rest = (self.sidecar.before, self.sidecar.after), self._rest
        self.run(rest)
        self.sidecar.before, self.sidecar.after = mine
        self._rest = []


CRASHES = st.just((0, "")) | st.tuples(st.integers(1, 7), st.sampled_from(["before", "after"]))
STEPS = st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 6), CRASHES)


@hypothesis.settings(max_examples=400)
@given(st.lists(STEPS, max_size=7))
@example([("a", 2, (0, "")), ("a", 9, (0, "")), ("b", 9, (0, ""))])
def test_whatever_comes_between_and_wherever_it_crashes_each_member_counts_once(steps):
    interleaving = Interleaving()
    interleaving.run(steps)
    interleaving.sidecar.before = interleaving.sidecar.after = lambda *_: None
    members = {member for member, _, _ in steps}
    for member in members:
        a_ledger(interleaving.sidecar).change(member, count_once)
    assert a_ledger(interleaving.sidecar).content()["sum"] == len(members)


def leave(content, known):
    """The member is as if it had never been."""
    return {"sum": content["sum"] - 1}, None


def test_a_member_that_was_emptied_and_expired_begins_anew_and_loses_nothing_to_a_crash(sidecar):
    ledger = a_ledger(sidecar)
    ledger.change("a", count_once)
    ledger.change("a", leave)
    assert (ledger.content(), ledger.record("a")) == ({"sum": 0}, None)
    ledger.change("b", count_once)
    sidecar.expire()
    assert "a" not in sidecar.stored()

    def die(method, key):
        if method == "save_state" and key == "a":
            raise Crash

    sidecar.before = die
    with pytest.raises(Crash):
        ledger.change("a", count_once)
    sidecar.before = lambda *_: None
    other = a_ledger(sidecar)
    other.change("a", count_once)
    assert (other.content(), other.record("a")) == ({"sum": 2}, {"counted": True})


def test_a_member_that_is_settled_in_memory_and_expired_is_not_taken_for_settled_anew(sidecar):
    ledger = a_ledger(sidecar)
    ledger.change("a", count_once)
    ledger.change("a", leave)
    ledger.change("b", count_once)  # drops the note of a
    ledger.change("a", count_once)
    ledger.change("a", leave)
    document, etag = sidecar.get_state("sum")
    sidecar.save_state("sum", {**document, "notes": {}}, etag)
    sidecar.expire()
    ledger.change("a", count_once)
    assert "a" in sidecar.get_state("sum")[0]["notes"]


def test_what_is_kept_for_a_time_lasts_when_it_is_written_again_without_one(sidecar):
    ledger = a_ledger(sidecar)
    ledger.change("a", count, ttl=5)
    assert sidecar.ttls == {"a": 5}
    ledger.change("a", count)
    sidecar.expire()
    assert ledger.record("a") == {"n": 2}
