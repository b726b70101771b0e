"""A change that is on disk has its consequences, even when its caller is gone by then.

gRPC cancels a call whose client hangs up, so a call may end at the very moment of the commit.
"""

import asyncio
from collections.abc import Awaitable

import pytest

from localdapr import dispatcher as module
from localdapr.dispatcher import Dispatcher
from localdapr.wire import WorkflowAction, WorkflowResponse, pb
from localdapr.workflows import StartRequest, Workflows
from tests.unit.localdapr.bad_disk import slow_disk


async def hang_up_during(dispatcher: Dispatcher, call: Awaitable[object]) -> None:
    """Cancel a call while its change is on the way to the disk; it is saved all the same."""
    with slow_disk(dispatcher.store):
        asked = asyncio.ensure_future(call)
        await asyncio.sleep(0.05)  # let it come to the commit
        asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked


def schedule() -> WorkflowResponse:
    cook = pb.ScheduleTaskAction(name="cook")
    return WorkflowResponse(actions=[WorkflowAction(id=1, scheduleTask=cook)])


def test_an_instance_whose_starter_hung_up_runs(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful=False)
        await hang_up_during(dispatcher, workflows.start(StartRequest("story", "i1")))
        assert (await worker.items.get()).workflowRequest.instanceId == "i1"

    play(story)


def test_a_turn_whose_worker_hung_up_while_it_was_saved_has_its_consequences(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        lost = dispatcher.attach("shop", stateful=False)
        await workflows.start(StartRequest("story", "i1"))
        turn = await lost.items.get()
        await hang_up_during(dispatcher, dispatcher.end_turn(turn.completionToken, schedule()))
        dispatcher.detach(lost)
        other = dispatcher.attach("shop", stateful=False)
        assert (await other.items.get()).activityRequest.name == "cook"

    play(story)


def test_a_result_whose_worker_hung_up_while_it_was_saved_reaches_the_workflow(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        lost = dispatcher.attach("shop", stateful=False)
        await workflows.start(StartRequest("story", "i1"))
        turn = await lost.items.get()
        await dispatcher.end_turn(turn.completionToken, schedule())
        token = (await lost.items.get()).completionToken
        result = pb.ActivityResponse(taskId=1)
        await hang_up_during(dispatcher, dispatcher.end_task(token, result))
        dispatcher.detach(lost)
        other = dispatcher.attach("shop", stateful=False)
        (_, answered) = (await other.items.get()).workflowRequest.newEvents
        assert answered.taskCompleted.taskScheduledId == 1

    play(story)


def test_an_answer_that_is_being_saved_is_not_asked_for_again(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        lost, other = (dispatcher.attach("shop", stateful=False) for _ in range(2))
        await workflows.start(StartRequest("story", "i1"))
        while lost.items.empty() and other.items.empty():
            await asyncio.sleep(0)
        if lost.items.empty():
            lost, other = other, lost
        token = (await lost.items.get()).completionToken
        with slow_disk(dispatcher.store):
            saving = asyncio.ensure_future(dispatcher.end_turn(token, schedule()))
            await asyncio.sleep(0.05)
            dispatcher.detach(lost)
        await saving
        assert (await other.items.get()).activityRequest.name == "cook"

    play(story)


def test_an_answer_that_makes_no_sense_is_refused_and_the_turn_offered_again(
    play, monkeypatch
) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.01)
    nonsense = pb.CompleteWorkflowAction(workflowStatus=99)

    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful=False)
        await workflows.start(StartRequest("story", "i1"))
        token = (await worker.items.get()).completionToken
        answer = WorkflowResponse(actions=[WorkflowAction(id=1, completeWorkflow=nonsense)])
        with pytest.raises(ValueError, match="99"):
            await dispatcher.end_turn(token, answer)
        again = await asyncio.wait_for(worker.items.get(), 5)
        await dispatcher.end_turn(again.completionToken, schedule())

    play(story)
