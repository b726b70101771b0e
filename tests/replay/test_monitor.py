"""The eternal workflow that looks after the whole shop."""

from datetime import timedelta

import pytest

from monitor import MONITOR_ID
from tests.replay.conftest import label
from tests.replay.shop_answers import ORDER

RULES = {"every_seconds": 60, "below": 100, "units": 500}
PLENTY = {"bought": []}


@pytest.fixture
def monitor(env):
    """Start the monitor over a shop that answers so; `monitor(stuck=..., restocked=...)`."""

    def start(
        stuck=lambda _: {"orders": []},
        restocked=lambda _: PLENTY,
        forgotten=lambda _: {"orders": 0},
    ):
        for name, answer in {
            "find_stuck": stuck,
            "restock": restocked,
            "forget_old": forgotten,
            "announce": lambda _: None,
        }.items():
            env.fake(name, answer)
        env.start("shop_monitor", {"rules": RULES}, MONITOR_ID)
        return env

    return start


def done(env):
    return [label(name, given) for name, given in env.calls]


def test_the_monitor_looks_every_minute_for_ever(monitor):
    env = monitor()
    assert done(env) == ["find_stuck", "restock", "forget_old"]
    env.advance(timedelta(hours=1))
    assert env.called() == {"find_stuck": 61, "restock": 61, "forget_old": 61}
    assert env.state(MONITOR_ID).status == "RUNNING"
    assert env.state(MONITOR_ID).custom_status == "round 61: 0 stuck; bought nothing; forgot 0"


def test_its_history_does_not_grow(monitor):
    env = monitor()
    env.advance(timedelta(minutes=1))
    first = len(env.history(MONITOR_ID))
    env.advance(timedelta(hours=10))
    assert len(env.history(MONITOR_ID)) == first


def test_a_stuck_order_is_announced_with_where_it_is_stuck(monitor):
    env = monitor(stuck=lambda _: {"orders": [{"order": ORDER, "status": "cooking_baking"}]})
    (said,) = [given for name, given in env.calls if name == "announce"]
    assert (said["status"], said["detail"]) == ("needs_attention", "stuck at cooking_baking")
    assert said["repeat"] > 1
    assert env.state(MONITOR_ID).custom_status == "round 1: 1 stuck; bought nothing; forgot 0"


def test_an_order_that_stays_stuck_is_the_same_event_each_time(monitor):
    env = monitor(stuck=lambda _: {"orders": [{"order": ORDER, "status": "confirmed"}]})
    env.advance(timedelta(minutes=2))
    said = [given for name, given in env.calls if name == "announce"]
    assert len(said) == 3
    assert said[0] == said[1] == said[2]


def test_what_is_low_is_bought_by_rule_and_reported(monitor):
    env = monitor(restocked=lambda _: {"bought": ["cheese", "dough"]})
    (rules,) = [given for name, given in env.calls if name == "restock"]
    assert rules.pop("key")
    assert rules == RULES
    assert env.state(MONITOR_ID).custom_status == "round 1: 0 stuck; bought cheese, dough; forgot 0"


def test_a_restock_that_is_tried_again_has_the_same_key_and_that_of_another_round_its_own(
    monitor, fail
):
    env = monitor(restocked=fail)
    env.advance(timedelta(seconds=90))
    env.terminate(MONITOR_ID)
    env.start("shop_monitor", {"rules": RULES}, MONITOR_ID)
    env.advance(timedelta(seconds=30))
    keys = [given["key"] for name, given in env.calls if name == "restock"]
    assert len(keys) == 6
    assert keys[::2] == keys[1::2]
    assert len(set(keys)) == 3


def test_a_shop_that_does_not_answer_stops_no_monitor(monitor, fail):
    env = monitor(stuck=fail, restocked=fail, forgotten=fail)
    env.advance(timedelta(minutes=5))
    found = env.state(MONITOR_ID)
    assert found.status == "RUNNING"
    assert "the order book did not answer; the kitchen did not answer" in found.custom_status


def test_new_rules_hold_from_the_next_round_which_begins_at_once(monitor):
    env = monitor()
    env.raise_event(MONITOR_ID, "NewRules", {**RULES, "every_seconds": 600})
    assert env.called()["find_stuck"] == 2
    env.advance(timedelta(seconds=599))
    assert env.called()["find_stuck"] == 2


def test_rules_that_come_amid_a_round_are_not_lost(monitor):
    env = monitor()

    def rules_come(_given):
        env.fake("restock", lambda _: PLENTY)
        for every in (300, 600):
            env.raise_event(MONITOR_ID, "NewRules", {**RULES, "every_seconds": every})
        return PLENTY

    env.fake("restock", rules_come)
    env.advance(timedelta(seconds=60))
    assert env.state(MONITOR_ID).input["rules"]["every_seconds"] == 600


@pytest.mark.parametrize("data", [None, "faster", {"every_seconds": -1}])
def test_rules_that_cannot_be_used_change_nothing(monitor, data):
    env = monitor()
    env.raise_event(MONITOR_ID, "NewRules", data)
    assert env.state(MONITOR_ID).input["rules"] == RULES


def test_orders_that_are_over_are_forgotten_as_long_as_there_are_more_but_not_without_end(monitor):
    env = monitor(forgotten=lambda _: {"orders": 100, "more": True})
    assert env.called()["forget_old"] == 5
    assert env.state(MONITOR_ID).custom_status.endswith("forgot 500")
