"""The gate to running, with a real store and workers that are just streams."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from localdapr import dispatcher as module
from localdapr import workers
from localdapr.dispatcher import Dispatcher
from localdapr.engine.instance import Status
from localdapr.errors import LostWorkItemError
from localdapr.wire import WorkflowResponse, pb
from localdapr.workflows import StartRequest, Workflows
from tests.unit.localdapr.bad_disk import slow_disk
from tests.unit.localdapr.running_dispatcher import running
from tests.unit.localdapr.worker_answers import finish, schedule, take, unknown_version


def test_work_waits_for_a_worker_and_runs_to_the_end(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        await workflows.start(StartRequest("story", "i1"))
        worker = dispatcher.attach("shop", stateful=False)
        await dispatcher.end_turn((await take(worker)).completionToken, schedule(1))
        task = await take(worker)
        result = pb.ActivityResponse(taskId=task.activityRequest.taskId)
        await dispatcher.end_task(task.completionToken, result)
        await dispatcher.end_turn((await take(worker)).completionToken, finish())
        ended = await workflows.wait("i1", lambda instance: instance.status.is_final)
        assert ended.status is Status.COMPLETED

    play(story)


def test_what_a_lost_worker_held_goes_to_another_and_its_late_answer_is_refused(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        lost = dispatcher.attach("shop", stateful=False)
        await workflows.start(StartRequest("story", "i1"))
        first = await take(lost)
        dispatcher.detach(lost)
        second = await take(dispatcher.attach("shop", stateful=False))
        assert second.workflowRequest.instanceId == "i1"
        with pytest.raises(LostWorkItemError):
            await dispatcher.end_turn(first.completionToken, finish())

    play(story)


def test_an_activity_of_a_lost_worker_runs_again_and_counts_once(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        lost = dispatcher.attach("shop", stateful=False)
        await workflows.start(StartRequest("story", "i1"))
        await dispatcher.end_turn((await take(lost)).completionToken, schedule(1))
        first = await take(lost)
        dispatcher.detach(lost)
        other = dispatcher.attach("shop", stateful=False)
        again = await take(other)
        assert again.activityRequest == first.activityRequest
        for answer in (again, first):
            await dispatcher.end_task(answer.completionToken, pb.ActivityResponse(taskId=1))
        turn = await take(other)
        assert len(turn.workflowRequest.newEvents) == 2

    play(story)


def test_events_during_a_turn_are_the_next_turn(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful=False)
        await workflows.start(StartRequest("story", "i1"))
        turn = await take(worker)
        await workflows.raise_event("i1", "go", None)
        assert worker.items.empty()
        await dispatcher.end_turn(turn.completionToken, WorkflowResponse())
        following = await take(worker)
        assert following.workflowRequest.newEvents[-1].eventRaised.name == "go"

    play(story)


@pytest.mark.parametrize(("stateful", "sent"), [(False, (4, 0)), (True, (2, 2))])
def test_only_a_worker_that_keeps_history_is_sent_what_is_new(play, stateful, sent) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful)
        await workflows.start(StartRequest("story", "i1"))
        for _ in range(2):
            await dispatcher.end_turn((await take(worker)).completionToken, WorkflowResponse())
            await workflows.raise_event("i1", "go", None)
        request = (await take(worker)).workflowRequest
        assert (len(request.pastEvents), request.cachedHistory.eventCount) == sent

    play(story)


def test_a_worker_holds_a_bounded_number_of_items(play, monkeypatch) -> None:
    monkeypatch.setattr(workers, "IN_FLIGHT", 2)

    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        for n in range(5):
            await workflows.start(StartRequest("story", f"i{n}"))
        worker = dispatcher.attach("shop", stateful=False)
        first, _ = await take(worker), await take(worker)
        assert worker.items.empty()
        await dispatcher.end_turn(first.completionToken, WorkflowResponse())
        assert (await take(worker)).workflowRequest.instanceId == "i2"

    play(story)


def test_a_stalled_instance_is_tried_on_the_next_worker(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        old = dispatcher.attach("shop", stateful=False)
        await workflows.start(StartRequest("story", "i1"))
        token = (await take(old)).completionToken
        await dispatcher.end_turn(token, unknown_version())
        assert (await workflows.get("i1")).shown_status is Status.STALLED
        dispatcher.detach(old)
        new = dispatcher.attach("shop", stateful=False)
        await dispatcher.end_turn((await take(new)).completionToken, finish())
        assert (await workflows.get("i1")).status is Status.COMPLETED

    play(story)


def test_a_turn_that_could_not_be_saved_is_offered_again(play, monkeypatch) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.01)

    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful=False)
        await workflows.start(StartRequest("story", "i1"))
        turn = await take(worker)
        db = dispatcher.store._db
        db.execute("PRAGMA query_only=1")
        with pytest.raises(sqlite3.OperationalError):
            await dispatcher.end_turn(turn.completionToken, finish())
        db.execute("PRAGMA query_only=0")
        again = await take(worker)
        await dispatcher.end_turn(again.completionToken, finish())
        assert (await workflows.get("i1")).status is Status.COMPLETED

    play(story)


def test_everything_is_taken_up_again_after_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as (dispatcher, workflows):
            worker = dispatcher.attach("shop", stateful=False)
            await workflows.start(StartRequest("story", "i1"))
            await dispatcher.end_turn((await take(worker)).completionToken, schedule(1))
        async with running(tmp_path) as (dispatcher, workflows):
            task = await take(dispatcher.attach("shop", stateful=False))
            assert task.activityRequest.name == "cook"

    asyncio.run(story())


def test_what_comes_for_an_app_while_it_is_taken_up_is_not_lost(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        with slow_disk(dispatcher.store):
            before = asyncio.ensure_future(workflows.start(StartRequest("story", "i1")))
            await asyncio.sleep(0.01)
            adding = asyncio.ensure_future(dispatcher.add("kitchen"))
            await asyncio.sleep(0)
            kitchen = Workflows("kitchen", dispatcher)
            meanwhile = asyncio.ensure_future(kitchen.start(StartRequest("story", "i2")))
            await asyncio.sleep(0)
        await asyncio.gather(before, adding, meanwhile)
        worker = dispatcher.attach("kitchen", stateful=False)
        item = await asyncio.wait_for(take(worker), 5)
        assert item.workflowRequest.instanceId == "i2"

    play(story)
