"""A note on a switch that comes late changes nothing: another replica may have been faster."""

import pytest

from switch_record import SwitchRecords


@pytest.fixture
def records(sidecar):
    return SwitchRecords(sidecar)


def claimed(records, wanted):
    """Inside, the engine is asked."""
    last, etag = records.read("123")
    return records.claimed("123", last.following(wanted, "Ann"), etag)


def last(records):
    found, _ = records.read("123")
    return found.wanted, found.step


def test_what_shows_already_is_not_waited_for_again(records):
    with claimed(records, "SUSPENDED"):
        records.mark_shown("123", "SUSPENDED")
    assert last(records) == ("SUSPENDED", "shown")


def test_a_note_on_the_switch_before_leaves_the_next_one_alone(records):
    with claimed(records, "SUSPENDED"):
        pass
    records.mark_shown("123", "SUSPENDED")
    with claimed(records, "RUNNING"):
        records.mark_shown("123", "SUSPENDED")
        assert last(records) == ("RUNNING", "claimed")
    assert last(records) == ("RUNNING", "asked")
