"""The one gate to running: who works on which turn or activity at this moment.

Owns the workers' streams and what is in flight: in memory only, because all of it can be found
again in the store. Start, event, retry and recovery only enqueue; only `_hand_out` gives work away.
Never changes an instance itself. All methods run on the event loop.

A turn has no effect but its answer. So it is handed out as soon as its cause is written, while
that is still on its way to the disk; the answer is written behind the cause, and is refused when
the cause was lost. Activities do have effects: they wait until their turn is on disk.
"""

import asyncio
import functools
import itertools
import logging
import sqlite3
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator

from localdapr import instances
from localdapr.engine.inbox import begin_turn
from localdapr.errors import LostWorkItemError
from localdapr.instances import Consequences, TaskId
from localdapr.store import Job, Store, tell
from localdapr.timer_queue import TimerQueue
from localdapr.wire import WorkflowResponse, pb
from localdapr.work_items import task_item, task_result, to_task_id, turn_item
from localdapr.workers import Flight, Queue, Worker, room

log = logging.getLogger(__name__)
Taken = dict[int, Flight | None]

ANY_INSTANCE = 0  # not a row number: who watches it is told of all
RETRY_AFTER = 1.0  # seconds until work is offered again after the store failed


class Dispatcher:
    """Hands out the work of all apps of this process."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._queues: dict[str, Queue] = {}
        self._flights: dict[int, Flight] = {}
        self._again: set[int] = set()
        self._timers = TimerQueue(self.now, self._fire)
        self._watchers: dict[int, set[asyncio.Event]] = defaultdict(set)
        self._boot, self._tokens = uuid.uuid4().hex, itertools.count()
        self._closed = False

    @staticmethod
    def now() -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    async def add(self, app_id: str) -> None:
        """Take up all that an app has not finished, and hand it out from now on.

        It stays known; its work waits for its workers.
        """
        if app_id in self._queues:
            return
        self._queues[app_id] = Queue()  # first: what comes during the read counts too
        try:
            unfinished = await self.store.read(lambda db: instances.unfinished(db, (app_id,)))
        except sqlite3.Error:
            del self._queues[app_id]
            raise
        self._wake_all(unfinished)
        self._follow(unfinished)

    async def close(self) -> None:
        """Stop handing out work. What is in flight is offered again at the next start."""
        self._closed = True
        self._timers.close()

    async def change(self, job: Job[Consequences]) -> None:
        """Save a change and do what it asks for, even when the caller hangs up meanwhile."""
        await self._save(job)

    def attach(self, app_id: str, stateful: bool) -> Worker:
        """A worker opened its stream."""
        worker, queue = Worker(app_id, stateful), self._queues[app_id]
        queue.attach(worker)
        self._want(queue)
        return worker

    def detach(self, worker: Worker) -> None:
        """A worker's stream ended; what it held goes to another one."""
        queue = self._queues[worker.app_id]
        queue.detach(worker)
        for run in list(worker.turns):
            self._land(run)
            self._wake(worker.app_id, run)
        self._want(queue)

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
        flight = self._flight(token)
        flight.worker.turns.discard(flight.work.row.run)  # should it go now, its answer counts
        again = functools.partial(self._give_up, flight)
        await self._save(functools.partial(self._end_turn, flight, response), again, patient=True)

    async def end_task(self, token: str, response: "pb.ActivityResponse") -> None:
        """Save an activity's result. A result that nobody waits for any more is ignored."""
        task_id, result = to_task_id(token), task_result(response, self.now())
        again = functools.partial(self._offer_task, self._land_task(task_id), task_id)
        await self._save(lambda db: instances.end_task(db, task_id, result), again, patient=True)

    # What is saved, and what follows from it.

    def _save(
        self, job: Job[Consequences], again: Callable[[], None] | None = None, patient: bool = False
    ) -> "asyncio.Future[None]":
        """Save a change; what follows from it does not need the caller. `again` mends a failure."""
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def run(db: sqlite3.Connection) -> Consequences:
            done = job(db)
            self._wake_all(done)
            if done.tasks or done.changed:  # somebody waits for it to be on disk
                self.store.hurry()
            return done

        def then(done: Consequences, failure: BaseException | None) -> None:
            if failure is None:
                self._follow(done)
            elif again is not None and not isinstance(failure, LostWorkItemError):
                self._later(again)
            tell(saved, None, failure)

        self.store.submit(run, then, patient)
        return saved

    def _follow(self, done: Consequences) -> None:
        """Do what has to wait until a change is on disk."""
        if self._closed:
            return
        for app_id, task_id in done.tasks:
            self._offer_task(app_id, task_id)
        self._timers.add(done.timers)
        self._timers.drop(done.dropped)
        for run in done.ended:
            self._forget(run)
        for run in done.changed:
            self._notify(run)

    def _end_turn(
        self, flight: Flight, response: WorkflowResponse, db: sqlite3.Connection
    ) -> Consequences:
        run = flight.work.row.run
        if self._flights.get(run) is not flight:
            raise LostWorkItemError(flight.token)
        done = instances.end_turn(db, flight.work, flight.events, response, self.now(), _new_ids())
        self._note_known(flight, response)
        self._land(run)
        self._go_on(flight.worker, run, done)
        return done

    def _go_on(self, worker: Worker, run: int, done: Consequences) -> None:
        """After a turn: the instance's next one, or the same one on a worker with other code."""
        queue = self._queues[worker.app_id]
        if not done.stalled:
            queue.stalled.pop(run, None)
        if queue.stall(worker, run) if done.stalled else done.more:
            self._wake(worker.app_id, run)

    def _later(self, act: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(RETRY_AFTER, act)

    def _fire(self, due: list[int]) -> None:
        now, again = self.now(), functools.partial(self._fire, due)
        fired = self._save(lambda db: instances.fire_timers(db, due, now), again, patient=True)
        fired.add_done_callback(_note_failure)

    # What waits, and what is in flight.

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
        self._want(self._queues[flight.worker.app_id])

    def _land_task(self, task_id: TaskId) -> str | None:
        """An activity is no longer in flight; gives the app whose worker held it."""
        for worker in self._all_workers():
            if task_id in worker.tasks:
                worker.tasks.discard(task_id)
                self._want(self._queues[worker.app_id])
                return worker.app_id
        return None

    def _all_workers(self) -> Iterator[Worker]:
        return itertools.chain.from_iterable(queue.workers for queue in self._queues.values())

    def _give_up(self, flight: Flight) -> None:
        """Offer a turn again whose answer could not be saved."""
        run = flight.work.row.run
        if self._flights.get(run) is flight:
            self._land(run)
        self._wake(flight.worker.app_id, run)

    def _offer_task(self, app_id: str | None, task_id: TaskId) -> None:
        if app_id in self._queues:
            self._queues[app_id].offer(task_id)
            self._want(self._queues[app_id])

    def _wake_all(self, done: Consequences) -> None:
        for app_id, run in done.wake:
            self._wake(app_id, run)

    def _wake(self, app_id: str, run: int) -> None:
        """An instance has events. While a turn of it is in flight they wait for its end."""
        if run in self._flights:
            self._again.add(run)
        elif app_id in self._queues:
            self._queues[app_id].runs[run] = None
            self._want(self._queues[app_id])

    def _forget(self, run: int) -> None:
        """An execution ended: no worker's memory of its history is of use."""
        for worker in self._all_workers():
            worker.known.pop(run, None)

    def _note_known(self, flight: Flight, response: WorkflowResponse) -> None:
        """What of the history the worker's cache holds now; it drops an execution that ends."""
        row = flight.work.row
        if any(action.HasField("completeWorkflow") for action in response.actions):
            self._forget(row.run)
        else:
            flight.worker.known[row.run] = row.history_length

    def _notify(self, run: int) -> None:
        for watched in (run, ANY_INSTANCE):
            for changed in self._watchers.get(watched, ()):
                changed.set()

    # Handing out.

    def _want(self, queue: Queue) -> None:
        """Hand out work at the end of the group of writes that is under way, or in the next."""
        if queue.asked or self._closed or not (queue.free_runs() or queue.free_tasks()):
            return
        queue.asked, taken = True, Taken()
        job = functools.partial(self._hand_out, queue, taken)
        self.store.submit(job, functools.partial(self._take_back, queue, taken), patient=True)

    def _hand_out(self, queue: Queue, taken: Taken, db: sqlite3.Connection) -> None:
        queue.asked = False
        for task_id in queue.free_tasks():
            self._hand_out_task(queue, task_id, db)
        for run in queue.free_runs():
            del queue.runs[run]
            taken[run] = None
            if run in self._flights:
                self._again.add(run)
            else:
                taken[run] = self._hand_out_turn(queue, run, db)
        self._want(queue)

    def _hand_out_task(self, queue: Queue, task_id: TaskId, db: sqlite3.Connection) -> None:
        asked = instances.load_task(db, task_id)
        del queue.tasks[task_id]
        if asked is not None:
            worker = max(queue.workers, key=lambda each: room(each.tasks))
            worker.tasks.add(task_id)
            worker.items.put_nowait(task_item(asked, task_id))

    def _hand_out_turn(self, queue: Queue, run: int, db: sqlite3.Connection) -> Flight | None:
        worker, known = queue.choose(run)
        work = instances.next_work(db, run, known)
        if work is None:
            queue.stalled.pop(run, None)
            return None
        token = f"{self._boot}:{next(self._tokens)}:{run}"
        flight = Flight(worker, token, work, begin_turn(work.batch, self.now()))
        self._flights[run] = flight
        worker.turns.add(run)
        worker.items.put_nowait(turn_item(work, flight.events, token, known))
        return flight

    def _take_back(
        self, queue: Queue, taken: Taken, _: object, failure: BaseException | None
    ) -> None:
        """Turns whose cause did not come to the disk count no longer; look again later."""
        if failure is None:
            return
        log.error("turns will be handed out again, the store failed: %s", failure)
        for worker in queue.workers:
            worker.known.clear()  # it may hold history that was lost
        for run, flight in taken.items():
            if flight is not None and self._flights.get(run) is flight:
                self._land(run)
        self._later(functools.partial(self._offer_runs, queue, taken))

    def _offer_runs(self, queue: Queue, taken: Taken) -> None:
        queue.runs.update(dict.fromkeys(run for run in taken if run not in self._flights))
        self._want(queue)


def _note_failure(fired: "asyncio.Future[None]") -> None:
    if fired.exception() is not None:
        log.error("due timers could not be saved, trying again: %s", fired.exception())


def _new_ids() -> Iterator[str]:
    while True:
        yield str(uuid.uuid4())
