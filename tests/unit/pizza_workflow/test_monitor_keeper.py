import pytest

from monitor import MONITOR_ID, NEW_RULES
from monitor_keeper import MonitorKeeper
from pizza_common.errors import SidecarUnavailable
from workflow_client import Instance
from workflow_settings import WorkflowSettings

RULES = {"every_seconds": 60.0, "below": 100, "units": 500}


@pytest.fixture
def keeper(workflows, worker):
    def make(**settings):
        return MonitorKeeper(workflows, worker.is_ready, WorkflowSettings(**settings))

    return make


def test_a_monitor_is_started_once_under_its_fixed_id(keeper, workflows):
    for _ in range(3):
        keeper().see_to_it()
    assert workflows.names() == ["start"]
    assert workflows.instances[MONITOR_ID].input["rules"] == RULES


@pytest.mark.parametrize("runtime_status", ["FAILED", "TERMINATED", "COMPLETED"])
def test_a_monitor_that_ended_is_started_anew_at_boot(keeper, workflows, runtime_status):
    workflows.instances[MONITOR_ID] = Instance(runtime_status)
    keeper().see_to_it()
    assert workflows.names() == ["start"]


def test_a_monitor_that_runs_by_other_rules_is_told_the_new_ones(keeper, workflows):
    keeper().see_to_it()
    keeper(pizza_restock_below=7).see_to_it()
    assert workflows.calls[1:] == [("tell", NEW_RULES, {**RULES, "below": 7})]


def test_the_keeper_waits_for_a_worker_and_tries_until_it_runs(keeper, workflows, worker):
    worker.ready = False
    workflows.fails = SidecarUnavailable()
    boot = keeper()
    boot.start()
    worker.ready = True
    assert boot.wait(10)
    assert MONITOR_ID in workflows.instances
    assert workflows.names() == ["start"]


def test_a_shop_may_have_no_monitor(keeper, workflows):
    boot = keeper(pizza_monitor_seconds=0)
    boot.start()
    assert boot.wait(10)
    assert workflows.calls == []


def test_a_monitor_of_an_earlier_start_is_ended_when_there_is_to_be_none(keeper, workflows):
    keeper().see_to_it()
    for _ in range(2):
        boot = keeper(pizza_monitor_seconds=0)
        boot.start()
        assert boot.wait(10)
    assert workflows.names() == ["start", "terminate"]
    assert workflows.instances[MONITOR_ID].is_final
