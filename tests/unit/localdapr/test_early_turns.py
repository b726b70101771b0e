"""Turns may run before their cause is on disk; nothing else may, and what is lost is void."""

import asyncio
import sqlite3

import pytest

from localdapr import dispatcher as module
from localdapr.dispatcher import Dispatcher
from localdapr.engine.instance import Status
from localdapr.errors import LostWorkItemError
from localdapr.wire import WorkflowResponse, pb
from localdapr.workers import Worker
from localdapr.workflows import StartRequest, Workflows
from tests.unit.localdapr.bad_disk import full_disk, slow_disk
from tests.unit.localdapr.worker_answers import finish, schedule, take


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.01)


async def begin_activity(dispatcher: Dispatcher, workflows: Workflows, worker: Worker) -> str:
    await workflows.start(StartRequest("story", "i1"))
    await dispatcher.end_turn((await take(worker)).completionToken, schedule(1))
    return (await take(worker)).completionToken


def test_a_turn_does_not_wait_for_the_disk_but_its_starter_and_its_activity_do(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful=False)
        with slow_disk(dispatcher.store):
            starting = asyncio.ensure_future(workflows.start(StartRequest("story", "i1")))
            turn = await take(worker)
            ending = asyncio.ensure_future(dispatcher.end_turn(turn.completionToken, schedule(1)))
            await asyncio.sleep(0.05)
            assert not starting.done()
            assert not ending.done()
            assert worker.items.empty()
        await asyncio.gather(starting, ending)
        assert (await take(worker)).activityRequest.name == "cook"

    play(story)


def test_a_waiter_hears_of_the_end_when_it_is_on_disk(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful=False)
        await workflows.start(StartRequest("story", "i1"))
        waiting = asyncio.ensure_future(workflows.wait("i1", lambda i: i.status.is_final))
        turn = await take(worker)
        with slow_disk(dispatcher.store):
            ending = asyncio.ensure_future(dispatcher.end_turn(turn.completionToken, finish()))
            await asyncio.sleep(0.05)
            assert not waiting.done()
        await ending
        assert (await waiting).status is Status.COMPLETED

    play(story)


def test_the_answer_to_a_turn_whose_start_was_lost_is_refused(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful=False)
        with full_disk():
            starting = asyncio.ensure_future(workflows.start(StartRequest("story", "i1")))
            turn = await take(worker)
            with pytest.raises(sqlite3.OperationalError):
                await starting
        with pytest.raises(LostWorkItemError):
            await dispatcher.end_turn(turn.completionToken, finish())
        assert await workflows.get("i1") is None

    play(story)


def test_an_answer_that_is_in_line_when_its_cause_is_lost_is_refused(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful=False)
        await workflows.start(StartRequest("story", "i1"))
        await dispatcher.end_turn((await take(worker)).completionToken, WorkflowResponse())
        with slow_disk(dispatcher.store) as tried, full_disk():
            raising = asyncio.ensure_future(workflows.raise_event("i1", "go", None))
            void = await take(worker)
            answer = asyncio.ensure_future(dispatcher.end_turn(void.completionToken, finish()))
            assert await asyncio.to_thread(tried.wait, 30)
        with pytest.raises(sqlite3.OperationalError):
            await raising
        with pytest.raises(LostWorkItemError):
            await answer
        instance = await workflows.get("i1")
        assert instance is not None
        assert instance.status is Status.RUNNING

    play(story)


def test_a_result_that_was_lost_is_asked_for_again_and_the_turn_that_it_caused_is_void(
    play,
) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful=True)
        token = await begin_activity(dispatcher, workflows, worker)
        with full_disk():
            lost = asyncio.ensure_future(dispatcher.end_task(token, pb.ActivityResponse(taskId=1)))
            void = await take(worker)
            answer = asyncio.ensure_future(dispatcher.end_turn(void.completionToken, finish()))
            with pytest.raises(sqlite3.OperationalError):
                await lost
            with pytest.raises((sqlite3.OperationalError, LostWorkItemError)):
                await answer
        again = await take(worker)
        assert again.activityRequest.name == "cook"
        await dispatcher.end_task(again.completionToken, pb.ActivityResponse(taskId=1))
        turn = await take(worker)
        assert len(turn.workflowRequest.pastEvents) == 3  # none is taken to be known
        await dispatcher.end_turn(turn.completionToken, finish())
        kinds = [e.WhichOneof("eventType") for e in await workflows.history("i1")]
        assert kinds.count("taskCompleted") == 1
        assert kinds[-1] == "executionCompleted"

    play(story)


def test_a_worker_that_asks_for_the_history_gets_what_its_turn_was_handed_out_on(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful=True)
        await workflows.start(StartRequest("story", "i1"))
        first = await take(worker)
        await workflows.raise_event("i1", "go", None)
        ending = asyncio.ensure_future(
            dispatcher.end_turn(first.completionToken, WorkflowResponse())
        )
        past = (await take(worker)).workflowRequest.pastEvents
        assert await workflows.history("i1") == list(past)
        await ending

    play(story)
