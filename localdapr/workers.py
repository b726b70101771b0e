"""The workers of one app, and what waits for them and is with them at this moment.

Plain data in memory, and the choice of who gets what. Hands out nothing itself.
"""

import asyncio
import itertools
from collections.abc import Collection
from dataclasses import dataclass, field

from localdapr.instances import TaskId, Work
from localdapr.wire import HistoryEvent, pb

BATCH = 64  # turns, and activities, that are handed out in one go
IN_FLIGHT = 256  # turns, and activities, that one worker holds at a time; what is above waits


@dataclass(eq=False)
class Worker:
    """One worker's stream. `known` is how much of each instance's history it holds."""

    app_id: str
    stateful: bool
    items: "asyncio.Queue[pb.WorkItem]" = field(default_factory=asyncio.Queue)
    known: dict[int, int] = field(default_factory=dict)
    turns: set[int] = field(default_factory=set)
    tasks: set[TaskId] = field(default_factory=set)


def room(held: Collection[object]) -> int:
    """How many more turns, or activities, a worker may hold; apart, as these may be long."""
    return max(0, IN_FLIGHT - len(held))


@dataclass(frozen=True)
class Flight:
    """A turn that a worker holds: its answer is taken once, and only with this token."""

    worker: Worker
    token: str
    work: Work
    events: list[HistoryEvent]


@dataclass
class Queue:
    """What waits to be handed out for one app, in order; `asked` while a look at it is due.

    `stalled` are the instances that code was not right for, with the workers that have tried.
    """

    runs: dict[int, None] = field(default_factory=dict)
    tasks: dict[TaskId, None] = field(default_factory=dict)
    stalled: dict[int, set[Worker]] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    asked: bool = False

    def free_runs(self) -> list[int]:
        """The instances whose turns can be handed out now."""
        free = sum(room(worker.turns) for worker in self.workers)
        return list(itertools.islice(self.runs, min(BATCH, free)))

    def free_tasks(self) -> list[TaskId]:
        """The activities that can be handed out now."""
        free = sum(room(worker.tasks) for worker in self.workers)
        return list(itertools.islice(self.tasks, min(BATCH, free)))

    def attach(self, worker: Worker) -> None:
        """One more worker; what stalled is tried on its code."""
        self.workers.append(worker)
        self.runs.update(dict.fromkeys(self.stalled))

    def detach(self, worker: Worker) -> None:
        """A worker is gone; the activities that it held wait again."""
        self.workers.remove(worker)
        for tried in self.stalled.values():
            tried.discard(worker)
        self.tasks = dict.fromkeys([*sorted(worker.tasks), *self.tasks])

    def offer(self, task_id: TaskId) -> None:
        """An activity waits, unless a worker has it already."""
        if not any(task_id in worker.tasks for worker in self.workers):
            self.tasks[task_id] = None

    def stall(self, worker: Worker, run: int) -> bool:
        """Note that a worker's code was not right; gives whether another may be."""
        tried = self.stalled.setdefault(run, set())
        tried.add(worker)
        return not tried.issuperset(self.workers)

    def choose(self, run: int) -> tuple[Worker, int]:
        """The worker for a turn, and how much of the history it holds already.

        The one that knows the instance, else the one with the most room; none that has stalled
        on it while there is another.
        """
        tried = self.stalled.get(run, ())
        able = [worker for worker in self.workers if worker not in tried] or self.workers
        knowing = [worker for worker in able if run in worker.known and room(worker.turns)]
        worker = max(knowing or able, key=lambda each: room(each.turns))
        return worker, worker.known.get(run, 0) if worker.stateful else 0
