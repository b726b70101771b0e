"""The one gate to running: who works on which turn or activity at this moment.

Owns the workers' streams and what is in flight: in memory only, because all of it can be found
again in the store. Start, event, retry and recovery only enqueue; only `_pump` hands work out.
Never changes an instance itself. All methods run on the event loop.
"""

import asyncio
import itertools
import logging
import sqlite3
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from localdapr import instances
from localdapr.engine.inbox import begin_turn
from localdapr.errors import LostWorkItemError
from localdapr.instances import Consequences, Work
from localdapr.store import Store
from localdapr.timer_queue import TimerQueue
from localdapr.wire import HistoryEvent, WorkflowResponse, pb
from localdapr.work_items import task_item, task_result, turn_item

log = logging.getLogger(__name__)

IN_FLIGHT = 256  # work items that one worker holds at a time; what is above waits in the queue
BATCH = 64  # work items that one read loads
ANY_INSTANCE = 0  # not a row number: who watches it is told of every change
RETRY_AFTER = 1.0  # seconds until work is offered again after the store failed


@dataclass(eq=False)
class Worker:
    """One worker's stream. `known` is how much of each instance's history it holds."""

    app_id: str
    stateful: bool
    items: "asyncio.Queue[pb.WorkItem]" = field(default_factory=asyncio.Queue)
    known: dict[int, int] = field(default_factory=dict)
    turns: set[int] = field(default_factory=set)
    tasks: set[int] = field(default_factory=set)

    @property
    def room(self) -> int:
        """How many more work items the worker may hold."""
        return IN_FLIGHT - len(self.turns) - len(self.tasks)


@dataclass(frozen=True)
class Flight:
    """A turn that a worker holds: its answer is taken once, and only with this token."""

    worker: Worker
    token: str
    work: Work
    events: list[HistoryEvent]


@dataclass
class Queue:
    """What waits to be handed out for one app. `wanted` is set when it is worth a look."""

    runs: dict[int, None] = field(default_factory=dict)
    tasks: deque[int] = field(default_factory=deque)
    stalled: set[int] = field(default_factory=set)
    workers: list[Worker] = field(default_factory=list)
    wanted: asyncio.Event = field(default_factory=asyncio.Event)


class Dispatcher:
    """Hands out the work of all apps of this process."""

    def __init__(self, store: Store, app_ids: Sequence[str]) -> None:
        self.store = store
        self._queues = {app_id: Queue() for app_id in app_ids}
        self._flights: dict[int, Flight] = {}
        self._again: set[int] = set()
        self._timers = TimerQueue(self.now, lambda due: self._spawn(self._fire(due)))
        self._watchers: dict[int, set[asyncio.Event]] = defaultdict(set)
        self._running: set[asyncio.Task[None]] = set()
        self._boot, self._tokens = uuid.uuid4().hex, itertools.count()

    @staticmethod
    def now() -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    async def start(self) -> None:
        """Take up all that was unfinished, and begin to hand out work."""
        app_ids = tuple(self._queues)
        self.follow(await self.store.read(lambda db: instances.unfinished(db, app_ids)))
        for app_id in app_ids:
            self._spawn(self._pump(app_id))

    async def close(self) -> None:
        """Stop handing out work. What is in flight is offered again at the next start."""
        self._timers.close()
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def follow(self, done: Consequences) -> None:
        """Do what a committed change asks for."""
        for app_id, run in done.wake:
            self._wake(app_id, run)
        for app_id, task_id in done.tasks:
            if app_id in self._queues:
                self._queues[app_id].tasks.append(task_id)
                self._queues[app_id].wanted.set()
        self._timers.add(done.timers)
        for run in done.ended:
            self._forget(run)

    def attach(self, app_id: str, stateful: bool) -> Worker:
        """A worker opened its stream; work that stalled is tried on its code."""
        worker, queue = Worker(app_id, stateful), self._queues[app_id]
        queue.workers.append(worker)
        queue.runs.update(dict.fromkeys(queue.stalled))
        queue.stalled.clear()
        queue.wanted.set()
        return worker

    def detach(self, worker: Worker) -> None:
        """A worker's stream ended; what it held goes to another one."""
        queue = self._queues[worker.app_id]
        queue.workers.remove(worker)
        for run in list(worker.turns):
            self._land(run)
            self._wake(worker.app_id, run)
        queue.tasks.extendleft(sorted(worker.tasks, reverse=True))
        queue.wanted.set()

    def connected(self, app_id: str) -> int:
        """How many workers of an app hold a stream."""
        return len(self._queues[app_id].workers)

    def watch(self, run: int) -> asyncio.Event:
        """An event that is set when an instance changes; give it back to `unwatch`."""
        changed = asyncio.Event()
        self._watchers[run].add(changed)
        return changed

    def unwatch(self, run: int, changed: asyncio.Event) -> None:
        """Stop watching."""
        self._watchers[run].discard(changed)
        if not self._watchers[run]:
            del self._watchers[run]

    async def end_turn(self, token: str, response: WorkflowResponse) -> None:
        """Save the answer to a turn. Raises LostWorkItemError when it is no longer asked for."""
        flight = self._flight(token)
        run, app_id, now = flight.work.row.run, flight.worker.app_id, self.now()

        def save(db: sqlite3.Connection) -> Consequences:
            return instances.end_turn(db, flight.work, flight.events, response, now, _new_ids())

        try:
            done = await self.store.write(save)
        except sqlite3.Error:
            self._later(self._give_up, flight)
            raise
        _note_known(flight, response)
        if self._flights.get(run) is flight:
            self._land(run)
        if done.stalled:
            self._queues[app_id].stalled.add(run)
        elif done.more:
            self._wake(app_id, run)
        self.follow(done)
        self._notify(run)
        self._queues[app_id].wanted.set()

    async def end_task(self, token: str, response: "pb.ActivityResponse") -> None:
        """Save an activity's result. A result that nobody waits for any more is ignored."""
        if not token.isdigit():
            raise LostWorkItemError(token)
        task_id, now = int(token), self.now()
        result = task_result(response, now)
        try:
            done = await self.store.write(lambda db: instances.end_task(db, task_id, result, now))
        except sqlite3.Error:
            self._later(self._offer_again, task_id)
            raise
        self._land_task(task_id)
        self.follow(done)

    def _flight(self, token: str) -> Flight:
        run = token.rpartition(":")[2]
        flight = self._flights.get(int(run)) if run.isdigit() else None
        if flight is None or flight.token != token:
            raise LostWorkItemError(token)
        return flight

    def _land(self, run: int) -> None:
        """A turn is no longer in flight; what came for the instance meanwhile is its next."""
        flight = self._flights.pop(run)
        flight.worker.turns.discard(run)
        if run in self._again:
            self._again.discard(run)
            self._wake(flight.worker.app_id, run)

    def _land_task(self, task_id: int) -> None:
        for worker in self._all_workers():
            if task_id in worker.tasks:
                worker.tasks.discard(task_id)
                self._queues[worker.app_id].wanted.set()

    def _all_workers(self) -> Iterator[Worker]:
        return itertools.chain.from_iterable(queue.workers for queue in self._queues.values())

    def _give_up(self, flight: Flight) -> None:
        run = flight.work.row.run
        if self._flights.get(run) is flight:
            self._land(run)
            self._wake(flight.worker.app_id, run)

    def _offer_again(self, task_id: int) -> None:
        for worker in self._all_workers():
            if task_id in worker.tasks:
                worker.tasks.discard(task_id)
                self._queues[worker.app_id].tasks.append(task_id)
                self._queues[worker.app_id].wanted.set()

    def _wake(self, app_id: str, run: int) -> None:
        """An instance has events. While a turn of it is in flight they wait for its end."""
        if run in self._flights:
            self._again.add(run)
        elif app_id in self._queues:
            self._queues[app_id].runs[run] = None
            self._queues[app_id].wanted.set()
        self._notify(run)

    def _forget(self, run: int) -> None:
        for worker in self._all_workers():
            worker.known.pop(run, None)
        self._notify(run)

    def _notify(self, run: int) -> None:
        for watched in (run, ANY_INSTANCE):
            for changed in self._watchers.get(watched, ()):
                changed.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _later(self, act: Callable[..., None], *arguments: object) -> None:
        asyncio.get_running_loop().call_later(RETRY_AFTER, act, *arguments)

    async def _pump(self, app_id: str) -> None:
        """Hand out one app's work for as long as there is work, a worker and room."""
        queue = self._queues[app_id]
        while True:
            await queue.wanted.wait()
            queue.wanted.clear()
            try:
                while await self._hand_out(queue):
                    pass
            except sqlite3.Error:
                log.exception("cannot read work for %s; trying again", app_id)
                self._later(queue.wanted.set)

    async def _hand_out(self, queue: Queue) -> bool:
        """Load and send one batch; false when nothing can be sent now."""
        room = min(BATCH, sum(worker.room for worker in queue.workers))
        tasks = [queue.tasks.popleft() for _ in range(min(room, len(queue.tasks)))]
        runs = list(itertools.islice(queue.runs, room - len(tasks)))
        for run in runs:
            del queue.runs[run]
        if not runs and not tasks:
            return False
        chosen = [(run, *self._choose(queue, run)) for run in runs if not self._in_flight(run)]

        def load(db: sqlite3.Connection) -> tuple[list[instances.Asked | None], list[Work | None]]:
            loaded = [instances.load_task(db, task_id) for task_id in tasks]
            return loaded, [instances.next_work(db, run, known) for run, _, known in chosen]

        try:
            loaded_tasks, works = await self.store.read(load)
        except sqlite3.Error:
            queue.tasks.extendleft(reversed(tasks))
            queue.runs.update(dict.fromkeys(runs))
            raise
        for task_id, found in zip(tasks, loaded_tasks, strict=True):
            if found is not None:
                self._send_task(queue, task_id, task_item(found, str(task_id)))
        for (_, worker, known), work in zip(chosen, works, strict=True):
            if work is not None:
                self._send_turn(queue, worker, work, known)
        return True

    def _in_flight(self, run: int) -> bool:
        if run in self._flights:
            self._again.add(run)
            return True
        return False

    def _choose(self, queue: Queue, run: int) -> tuple[Worker, int]:
        """The worker that knows the instance, else the one with the most room."""
        knowing = [w for w in queue.workers if run in w.known and w.room > 0]
        worker = max(knowing or queue.workers, key=lambda w: w.room)
        return worker, worker.known.get(run, 0) if worker.stateful else 0

    def _send_task(self, queue: Queue, task_id: int, item: "pb.WorkItem") -> None:
        if not queue.workers:
            queue.tasks.appendleft(task_id)
            return
        worker = max(queue.workers, key=lambda w: w.room)
        worker.tasks.add(task_id)
        worker.items.put_nowait(item)

    def _send_turn(self, queue: Queue, worker: Worker, work: Work, known: int) -> None:
        run = work.row.run
        if worker not in queue.workers:
            queue.runs[run] = None
            return
        events = begin_turn(work.batch, self.now())
        token = f"{self._boot}:{next(self._tokens)}:{run}"
        self._flights[run] = Flight(worker, token, work, events)
        worker.turns.add(run)
        worker.items.put_nowait(turn_item(work, events, token, known))

    async def _fire(self, due: list[int]) -> None:
        now = self.now()
        try:
            self.follow(await self.store.write(lambda db: instances.fire_timers(db, due, now)))
        except sqlite3.Error:
            log.exception("cannot save %d due timers; trying again", len(due))
            retry_at = now + int(RETRY_AFTER * 1_000_000)
            self._timers.add((retry_at, timer_id) for timer_id in due)


def _note_known(flight: Flight, response: WorkflowResponse) -> None:
    """What of the history the worker's cache holds now; it drops an execution that ends."""
    row, known = flight.work.row, flight.worker.known
    if any(action.HasField("completeWorkflow") for action in response.actions):
        known.pop(row.run, None)
    else:
        known[row.run] = row.history_length


def _new_ids() -> Iterator[str]:
    while True:
        yield str(uuid.uuid4())
