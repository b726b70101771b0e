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
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from localdapr import instances
from localdapr.engine.inbox import begin_turn
from localdapr.errors import LostWorkItemError
from localdapr.instances import Consequences, Work
from localdapr.store import Job, Store
from localdapr.timer_queue import TimerQueue
from localdapr.wire import WorkflowResponse, pb
from localdapr.work_items import task_item, task_result, turn_item
from localdapr.workers import Flight, Queue, Worker

log = logging.getLogger(__name__)
T = TypeVar("T")

BATCH = 64  # work items that one read loads
ANY_INSTANCE = 0  # not a row number: who watches it is told of all
RETRY_AFTER = 1.0  # seconds until work is offered again after the store failed


class Dispatcher:
    """Hands out the work of all apps of this process."""

    def __init__(self, store: Store, app_ids: Sequence[str]) -> None:
        self.store = store
        self._app_ids = tuple(app_ids)
        self._queues: dict[str, Queue] = {}
        self._flights: dict[int, Flight] = {}
        self._again: set[int] = set()
        self._timers = TimerQueue(self.now, self._ring)
        self._watchers: dict[int, set[asyncio.Event]] = defaultdict(set)
        self._running: set[asyncio.Task[Any]] = set()
        self._boot, self._tokens = uuid.uuid4().hex, itertools.count()

    @staticmethod
    def now() -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    async def start(self) -> None:
        """Take up all that was unfinished, and begin to hand out work."""
        for app_id in self._app_ids:
            await self.add(app_id)

    async def add(self, app_id: str) -> None:
        """The same for one more app. It stays known; its work waits for its workers."""
        if app_id in self._queues:
            return
        queue = self._queues[app_id] = Queue()
        try:
            self.follow(await self.store.read(lambda db: instances.unfinished(db, (app_id,))))
        except sqlite3.Error:
            del self._queues[app_id]
            raise
        # What was committed during the read is in it, and was followed too.
        queue.tasks = deque(dict.fromkeys(queue.tasks))
        self._spawn(self._pump(app_id)).add_done_callback(_report_death)

    async def close(self) -> None:
        """Stop handing out work. What is in flight is offered again at the next start."""
        self._timers.close()
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def change(self, job: Job[Consequences]) -> None:
        """Save a change and do what it asks for, even when the caller hangs up meanwhile."""
        await asyncio.shield(self._spawn(self._change(job)))

    async def _change(self, job: Job[Consequences]) -> None:
        self.follow(await self.store.write(job))

    def follow(self, done: Consequences) -> None:
        """Do what a committed change asks for."""
        for app_id, run in done.wake:
            self._wake(app_id, run)
        for app_id, task_id in done.tasks:
            if app_id in self._queues:
                self._offer_task(app_id, task_id)
        self._timers.add(done.timers)
        for run in done.ended:
            self._forget(run)
        for run in done.changed:
            self._notify(run)

    def attach(self, app_id: str, stateful: bool) -> Worker:
        """A worker opened its stream."""
        worker = Worker(app_id, stateful)
        self._queues[app_id].attach(worker)
        return worker

    def detach(self, worker: Worker) -> None:
        """A worker's stream ended; what it held goes to another one."""
        self._queues[worker.app_id].detach(worker)
        for run in list(worker.turns):
            self._land(run)
            self._wake(worker.app_id, run)

    def connected(self, app_id: str) -> int:
        """How many workers of an app hold a stream."""
        return len(self._queues[app_id].workers)

    def watch(self, run: int) -> asyncio.Event:
        """An event that is set when an instance gets another status; give it back to `unwatch`."""
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
        await asyncio.shield(self._spawn(self._end_turn(self._flight(token), response)))

    async def _end_turn(self, flight: Flight, response: WorkflowResponse) -> None:
        run, now = flight.work.row.run, self.now()
        flight.worker.turns.discard(run)  # should the worker go now, its answer counts

        def save(db: sqlite3.Connection) -> Consequences:
            return instances.end_turn(db, flight.work, flight.events, response, now, _new_ids())

        try:
            done = await self.store.write(save)
        except (sqlite3.Error, ValueError):  # the disk, or an answer that makes no sense
            self._later(self._give_up, flight)
            raise
        if self._flights.get(run) is flight:
            self._note_known(flight, response)
            self._land(run)
        self._go_on(flight.worker, run, done)
        self.follow(done)
        self._queues[flight.worker.app_id].wanted.set()

    def _go_on(self, worker: Worker, run: int, done: Consequences) -> None:
        """After a turn: the instance's next one, or the same one on a worker with other code."""
        queue = self._queues[worker.app_id]
        if not done.stalled:
            queue.stalled.pop(run, None)
        if queue.stall(worker, run) if done.stalled else done.more:
            self._wake(worker.app_id, run)

    async def end_task(self, token: str, response: "pb.ActivityResponse") -> None:
        """Save an activity's result. A result that nobody waits for any more is ignored."""
        if not token.isdecimal():
            raise LostWorkItemError(token)
        await asyncio.shield(self._spawn(self._end_task(int(token), response)))

    async def _end_task(self, task_id: int, response: "pb.ActivityResponse") -> None:
        now, app_id = self.now(), self._land_task(task_id)
        result = task_result(response, now)
        try:
            await self._change(lambda db: instances.end_task(db, task_id, result, now))
        except sqlite3.Error:
            if app_id is not None:
                self._later(self._offer_task, app_id, task_id)
            raise

    def _flight(self, token: str) -> Flight:
        run = token.rpartition(":")[2]
        flight = self._flights.get(int(run)) if run.isdecimal() else None
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

    def _land_task(self, task_id: int) -> str | None:
        """An activity is no longer in flight; gives the app whose worker held it."""
        for worker in self._all_workers():
            if task_id in worker.tasks:
                worker.tasks.discard(task_id)
                self._queues[worker.app_id].wanted.set()
                return worker.app_id
        return None

    def _all_workers(self) -> Iterator[Worker]:
        return itertools.chain.from_iterable(queue.workers for queue in self._queues.values())

    def _give_up(self, flight: Flight) -> None:
        run = flight.work.row.run
        if self._flights.get(run) is flight:
            self._land(run)
            self._wake(flight.worker.app_id, run)

    def _offer_task(self, app_id: str, task_id: int) -> None:
        self._queues[app_id].tasks.append(task_id)
        self._queues[app_id].wanted.set()

    def _wake(self, app_id: str, run: int) -> None:
        """An instance has events. While a turn of it is in flight they wait for its end."""
        if run in self._flights:
            self._again.add(run)
        elif app_id in self._queues:
            self._queues[app_id].runs[run] = None
            self._queues[app_id].wanted.set()

    def _forget(self, run: int) -> None:
        """An execution ended: no worker's memory of its history is of use."""
        for worker in self._all_workers():
            worker.known.pop(run, None)

    def _notify(self, run: int) -> None:
        for watched in (run, ANY_INSTANCE):
            for changed in self._watchers.get(watched, ()):
                changed.set()

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

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
        room = min(BATCH, sum(worker.task_room for worker in queue.workers))
        tasks = [queue.tasks.popleft() for _ in range(min(room, len(queue.tasks)))]
        room = min(BATCH, sum(worker.turn_room for worker in queue.workers))
        runs = list(itertools.islice(queue.runs, room))
        for run in runs:
            del queue.runs[run]
        if not runs and not tasks:
            return False
        planned: Counter[Worker] = Counter()
        chosen = [(run, *queue.choose(run, planned)) for run in runs if not self._in_flight(run)]

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
        for (run, worker, known), work in zip(chosen, works, strict=True):
            if work is not None:
                self._send_turn(queue, worker, work, known)
            else:
                queue.stalled.pop(run, None)
        return True

    def _in_flight(self, run: int) -> bool:
        if run in self._flights:
            self._again.add(run)
            return True
        return False

    def _send_task(self, queue: Queue, task_id: int, item: "pb.WorkItem") -> None:
        if not queue.workers:
            queue.tasks.appendleft(task_id)
            return
        worker = max(queue.workers, key=lambda w: w.task_room)
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

    def _note_known(self, flight: Flight, response: WorkflowResponse) -> None:
        """What of the history the worker's cache holds now; it drops an execution that ends."""
        row = flight.work.row
        if any(action.HasField("completeWorkflow") for action in response.actions):
            self._forget(row.run)
        else:
            flight.worker.known[row.run] = row.history_length

    def _ring(self, due: list[int]) -> None:
        self._spawn(self._fire(due))

    async def _fire(self, due: list[int]) -> None:
        now = self.now()
        try:
            await self._change(lambda db: instances.fire_timers(db, due, now))
        except sqlite3.Error:
            log.exception("cannot save %d due timers; trying again", len(due))
            retry_at = now + int(RETRY_AFTER * 1_000_000)
            self._timers.add((retry_at, timer_id) for timer_id in due)


def _report_death(pump: "asyncio.Task[None]") -> None:
    if not pump.cancelled() and pump.exception() is not None:
        log.critical("no more work is handed out until a restart", exc_info=pump.exception())


def _new_ids() -> Iterator[str]:
    while True:
        yield str(uuid.uuid4())
