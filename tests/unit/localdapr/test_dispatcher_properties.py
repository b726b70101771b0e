"""Whichever workers come and go: each turn is run on the true history, and all work is done.

The workers keep the history as the SDK's do: they are sent what is new, and ask for all of it
when what they keep is not what they should.
"""

import asyncio
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from localdapr import rows, workers
from localdapr.dispatcher import Dispatcher
from localdapr.errors import LostWorkItemError
from localdapr.store import Store
from localdapr.wire import HistoryEvent, pb
from localdapr.workers import Worker
from localdapr.workflows import StartRequest, Workflows
from tests.unit.localdapr.engine.history_law import check_history
from tests.unit.localdapr.engine.script import check_said, events_needed, new_executor

EXECUTOR = new_executor()
STEPS = st.sampled_from(
    [["task"], ["fan", 3], ["event", "Alpha"], ["event", "Beta"], ["again"], ["child", [["task"]]]]
)
SCRIPTS = st.lists(st.lists(STEPS, min_size=1, max_size=5), min_size=1, max_size=3)
MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            ["attach", "detach", "answer", "answer", "answer", "hold", "late", "raise"]
        ),
        st.integers(min_value=0, max_value=100),
    ),
    max_size=50,
)


class Remembering:
    """A worker with the cache of the SDK's."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.cache: dict[str, list[HistoryEvent]] = {}


class Hub:
    """A dispatcher with its workers, and what was raised."""

    def __init__(self, dispatcher: Dispatcher, workflows: Workflows) -> None:
        self.dispatcher = dispatcher
        self.workflows = workflows
        self.workers: list[Remembering] = []
        self.held: list[tuple[Remembering, Any]] = []
        self.raised: Counter[tuple[str, str]] = Counter()

    async def move(self, what: str, which: int, names: list[str]) -> None:
        if what == "attach" and len(self.workers) < 3:
            self.workers.append(Remembering(self.dispatcher.attach("shop", stateful=True)))
        elif what == "detach" and self.workers:
            self.dispatcher.detach(self.workers.pop(which % len(self.workers)).worker)
        elif what == "raise":
            await self.raise_event(names[which % len(names)], ("Alpha", "Beta")[which % 2])
        elif what == "late" and self.held:
            await self.answer(*self.held.pop(which % len(self.held)))
        elif what in ("answer", "hold") and (given := self.take(which)):
            if what == "hold":
                self.held.append(given)
            else:
                await self.answer(*given)
        await asyncio.sleep(0.001)

    def take(self, which: int) -> tuple[Remembering, Any] | None:
        busy = [one for one in self.workers if not one.worker.items.empty()]
        if not busy:
            return None
        chosen = busy[which % len(busy)]
        return chosen, chosen.worker.items.get_nowait()

    async def raise_event(self, name: str, event: str) -> None:
        number = self.raised[name, event]
        self.raised[name, event] += 1
        payload = json.dumps({"name": event, "number": number})
        await self.workflows.raise_event(name, event, payload)

    async def answer(self, by: Remembering, item: Any) -> None:
        token = item.completionToken
        if item.HasField("activityRequest"):
            await self.dispatcher.end_task(token, EXECUTOR.run_activity(item.activityRequest))
            return
        request = item.workflowRequest
        truth = await self.workflows.history(request.instanceId)
        past = await self.resolve(by, request)
        response = EXECUTOR.run_turn(request.instanceId, past, request.newEvents)
        if any(action.HasField("completeWorkflow") for action in response.actions):
            by.cache.pop(request.instanceId, None)
        else:
            by.cache[request.instanceId] = past
        try:
            await self.dispatcher.end_turn(token, response)
        except LostWorkItemError:
            return
        assert past == truth

    async def resolve(self, by: Remembering, request: "pb.WorkflowRequest") -> list[HistoryEvent]:
        if not request.HasField("cachedHistory"):
            return list(request.pastEvents)
        cached = by.cache.get(request.instanceId)
        if cached is not None and len(cached) == request.cachedHistory.eventCount:
            return [*cached, *request.pastEvents]
        return await self.workflows.history(request.instanceId)

    async def finish(self, scripts: dict[str, list[Any]]) -> None:
        """Let one worker that stays do all that is left; the others answer late, if at all."""
        while self.workers:
            await self.move("detach", 0, [])
        while self.held:
            await self.move("late", 0, [])
        await self.move("attach", 0, [])
        for name, steps in scripts.items():
            for event, count in events_needed(steps).items():
                for _ in range(count - self.raised[name, event]):
                    await self.raise_event(name, event)
        unfinished = list(scripts)
        while unfinished:
            while (given := self.take(0)) is not None:
                await self.answer(*given)
            await asyncio.sleep(0.001)
            instance = await self.workflows.get(unfinished[-1])
            if instance is not None and instance.status.is_final:
                unfinished.pop()


async def play(folder: Path, scripts: dict[str, list[Any]], moves: list[tuple[str, int]]) -> None:
    store = Store(folder, [rows.SCHEMA])
    dispatcher = Dispatcher(store)
    await dispatcher.add("shop")
    hub = Hub(dispatcher, Workflows("shop", dispatcher))
    try:
        for name, steps in scripts.items():
            given = json.dumps({"nonce": name, "said": [], "steps": steps})
            await hub.workflows.start(StartRequest("scripted", name, input=given))
        for what, which in moves:
            await hub.move(what, which, list(scripts))
        async with asyncio.timeout(30):
            await hub.finish(scripts)
        for name, steps in scripts.items():
            instance = await hub.workflows.get(name)
            assert instance is not None
            check_said(name, steps, json.loads(instance.output or "null"), set())
            check_history(await hub.workflows.history(name))
    finally:
        await dispatcher.close()
        store.close()


@settings(max_examples=settings.default.max_examples // 10)  # each is a second's work
@given(scripts=SCRIPTS, moves=MOVES)
def test_all_work_is_done_on_the_true_history(
    scripts: list[list[Any]], moves: list[tuple[str, int]]
) -> None:
    named = {f"n{number}": steps for number, steps in enumerate(scripts)}
    with mock.patch.object(workers, "IN_FLIGHT", 1), tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), named, moves))
