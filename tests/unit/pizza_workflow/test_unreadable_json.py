"""The SDK's executor, given an event that Python cannot read as JSON."""

import logging

import pytest
from dapr.ext.workflow._durabletask import worker
from dapr.ext.workflow._durabletask.internal import helpers
from dapr.ext.workflow._durabletask.internal import protos as pb

from unreadable_json import read_unreadable_json_as_text

UNREADABLE = ["{", "9" * 5000, "[" * 20_000]


def wait_for_two(ctx, _given):
    first = yield ctx.wait_for_external_event("Said")
    second = yield ctx.wait_for_external_event("Said")
    return [first, second]


@pytest.mark.parametrize("data", UNREADABLE)
def test_an_event_that_is_no_json_is_text_to_the_workflow(data):
    read_unreadable_json_as_text()
    registry = worker._Registry()
    registry.add_named_orchestrator("wait_for_two", wait_for_two)
    executor = worker._OrchestrationExecutor(registry, logging.getLogger("test"))
    started = [
        pb.HistoryEvent(eventId=-1, workflowStarted=pb.WorkflowStartedEvent()),
        helpers.new_execution_started_event("wait_for_two", "1", None),
    ]
    events = [helpers.new_event_raised_event("said", sent) for sent in (data, '"in JSON"')]
    (done,) = executor.execute("1", [], [*started, *events]).actions
    assert done.completeWorkflow.workflowStatus == pb.ORCHESTRATION_STATUS_COMPLETED
    assert '"in JSON"]' in done.completeWorkflow.result.value
