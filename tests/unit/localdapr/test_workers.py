"""Several workers of one app: who gets what, and what a worker remembers."""

import asyncio

from localdapr import workers as module
from localdapr.dispatcher import Dispatcher
from localdapr.engine.instance import Status
from localdapr.wire import WorkflowResponse, pb
from localdapr.workers import Worker
from localdapr.workflows import StartRequest, Workflows
from tests.unit.localdapr.worker_answers import finish, schedule, take, unknown_version


async def start(workflows: Workflows, count: int) -> None:
    await asyncio.gather(*(workflows.start(StartRequest("story", f"i{n}")) for n in range(count)))


async def until_held(count: int, *workers: Worker) -> None:
    while sum(worker.items.qsize() for worker in workers) < count:
        await asyncio.sleep(0.001)


def test_work_that_comes_at_once_is_shared(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        await start(workflows, 8)
        workers = [dispatcher.attach("shop", stateful=False) for _ in range(2)]
        await until_held(8, *workers)
        assert [worker.items.qsize() for worker in workers] == [4, 4]

    play(story)


def test_activities_that_fill_a_worker_do_not_hold_up_workflows(play, monkeypatch) -> None:
    monkeypatch.setattr(module, "IN_FLIGHT", 2)

    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        worker = dispatcher.attach("shop", stateful=False)
        await start(workflows, 1)
        await dispatcher.end_turn((await take(worker)).completionToken, schedule(1, 2, 3))
        for _ in range(2):
            assert (await take(worker)).HasField("activityRequest")
        await workflows.start(StartRequest("story", "other"))
        assert (await take(worker)).workflowRequest.instanceId == "other"

    play(story)


def test_an_overfull_worker_that_stays_alone_goes_on(play, monkeypatch) -> None:
    monkeypatch.setattr(module, "IN_FLIGHT", 2)

    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        await start(workflows, 4)
        stays = dispatcher.attach("shop", stateful=False)
        leaves = dispatcher.attach("shop", stateful=False)
        await until_held(4, stays, leaves)
        dispatcher.detach(leaves)
        for _ in range(4):
            token = (await take(stays)).completionToken
            await dispatcher.end_turn(token, finish(pb.ORCHESTRATION_STATUS_COMPLETED))

    play(story)


def test_no_worker_is_taken_to_know_an_execution_that_began_anew_on_another(
    play, monkeypatch
) -> None:
    monkeypatch.setattr(module, "IN_FLIGHT", 1)

    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        first = dispatcher.attach("shop", stateful=True)
        await workflows.start(StartRequest("story", "i0"))
        await dispatcher.end_turn((await take(first)).completionToken, WorkflowResponse())
        await workflows.raise_event("i0", "go", None)
        await dispatcher.end_turn((await take(first)).completionToken, WorkflowResponse())
        await workflows.start(StartRequest("story", "busy"))
        busy = await take(first)
        second = dispatcher.attach("shop", stateful=True)
        await workflows.raise_event("i0", "again", None)
        anew = finish(pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW)
        await dispatcher.end_turn((await take(second)).completionToken, anew)
        begin = await take(second)
        await dispatcher.end_turn(busy.completionToken, finish(pb.ORCHESTRATION_STATUS_COMPLETED))
        await dispatcher.end_turn(begin.completionToken, WorkflowResponse())
        dispatcher.detach(second)
        await workflows.raise_event("i0", "once more", None)
        request = (await take(first)).workflowRequest
        assert (len(request.pastEvents), request.cachedHistory.eventCount) == (2, 0)

    play(story)


def test_work_that_stalled_on_one_worker_goes_to_another_with_the_right_code(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        old = dispatcher.attach("shop", stateful=False)
        await workflows.start(StartRequest("story", "i1"))
        first = await take(old)
        new = dispatcher.attach("shop", stateful=False)
        await dispatcher.end_turn(first.completionToken, unknown_version())
        done = finish(pb.ORCHESTRATION_STATUS_COMPLETED)
        await dispatcher.end_turn((await take(new)).completionToken, done)
        assert (await workflows.get("i1")).status is Status.COMPLETED

    play(story)


def test_work_that_stalled_on_every_worker_waits_for_a_new_one(play) -> None:
    async def story(dispatcher: Dispatcher, workflows: Workflows) -> None:
        workers = [dispatcher.attach("shop", stateful=False) for _ in range(2)]
        await workflows.start(StartRequest("story", "i1"))
        for _ in range(2):
            await until_held(1, *workers)
            (item,) = [worker.items.get_nowait() for worker in workers if worker.items.qsize()]
            await dispatcher.end_turn(item.completionToken, unknown_version())
        await asyncio.sleep(0.05)
        assert not any(worker.items.qsize() for worker in workers)
        await take(dispatcher.attach("shop", stateful=False))

    play(story)
