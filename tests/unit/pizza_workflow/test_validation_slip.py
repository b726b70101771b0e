import pytest

from pizza_common.errors import Conflict, EtagMismatch
from validation_slip import Slip, ValidationSlips

YES = {"approved": True}


def test_there_is_no_slip_before_the_first_pizza(slips):
    assert slips.read("123") == (None, "")


def test_opening_a_round_twice_keeps_its_decision(slips):
    slips.open("123", 1)
    slips.decide("123", *slips.read("123"), YES)
    slips.open("123", 1)
    assert slips.read("123")[0] == Slip(1, {"approved": True, "round": 1})


def test_the_next_round_is_open_again(slips):
    slips.open("123", 1)
    slips.decide("123", *slips.read("123"), YES)
    slips.open("123", 2)
    slips.open("123", 1)
    assert slips.read("123")[0] == Slip(2, earlier=[{"approved": True, "round": 1}])


def test_a_round_that_is_opened_over_an_older_slip_knows_its_decision(slips, sidecar):
    old = {"round": 1, "decision": {"approved": False, "round": 1}, "raised": True, "writer": "x"}
    sidecar.save_state("validation_123", old)
    slips.open("123", 2)
    assert slips.read("123")[0].repeats({"approved": False})


def test_the_second_of_two_decisions_is_a_conflict(slips):
    slips.open("123", 1)
    slip, etag = slips.read("123")
    slips.decide("123", slip, etag, YES)
    with pytest.raises(Conflict):
        slips.decide("123", slip, etag, YES)


def test_a_decision_that_the_store_fails_to_write_is_asked_for_again(slips, sidecar):
    slips.open("123", 1)
    open_slip = slips.read("123")
    sidecar.fail("save_state", EtagMismatch())
    with pytest.raises(EtagMismatch):
        slips.decide("123", *open_slip, YES)
    assert slips.read("123") == open_slip


def test_a_decision_that_is_written_though_the_store_says_no_counts(slips, sidecar):
    slips.open("123", 1)
    sidecar.refuse_what_is_written()
    slips.decide("123", *slips.read("123"), YES)
    assert slips.read("123")[0] == Slip(1, {"approved": True, "round": 1})


def test_a_told_decision_is_marked_unless_the_next_round_has_begun(slips):
    slips.open("123", 1)
    told = slips.decide("123", *slips.read("123"), YES)
    slips.mark_raised("123", told)
    assert slips.read("123")[0].raised
    slips.open("123", 2)
    slips.mark_raised("123", told)
    assert slips.read("123")[0] == Slip(2, earlier=[told.decision])


def test_a_mark_that_collides_is_left_out(slips, sidecar):
    slips.open("123", 1)
    told = slips.decide("123", *slips.read("123"), YES)
    sidecar.fail("save_state", EtagMismatch())
    slips.mark_raised("123", told)
    assert slips.read("123")[0] == told


def test_closing_an_undecided_round_gives_nothing_each_time(slips):
    slips.open("123", 1)
    assert [slips.close("123", 1), slips.close("123", 1)] == [None, None]


def test_closing_a_decided_round_gives_the_decision(slips):
    slips.open("123", 1)
    slips.decide("123", *slips.read("123"), YES)
    assert slips.close("123", 1) == {"approved": True, "round": 1}


def test_a_decision_at_the_moment_of_closing_makes_it_begin_again(sidecar, slips):
    slips.open("123", 1)

    def manager_is_first(method, _key):
        if method == "save_state":
            sidecar.before = lambda *_: None
            slips.decide("123", *slips.read("123"), YES)

    sidecar.before = manager_is_first
    with pytest.raises(EtagMismatch):
        ValidationSlips(sidecar).close("123", 1)
    assert slips.close("123", 1)["approved"]
