"""The workers of one app, and what waits for them and is with them at this moment.

Plain data in memory, and the choice of who gets what. Hands out nothing itself.
"""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field

from localdapr.instances import Work
from localdapr.wire import HistoryEvent, pb

IN_FLIGHT = 256  # turns, and activities, that one worker holds at a time; what is above waits


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
    def turn_room(self) -> int:
        """How many more turns the worker may hold."""
        return max(0, IN_FLIGHT - len(self.turns))

    @property
    def task_room(self) -> int:
        """How many more activities; apart, because these may be long and even start workflows."""
        return max(0, IN_FLIGHT - len(self.tasks))


@dataclass(frozen=True)
class Flight:
    """A turn that a worker holds: its answer is taken once, and only with this token."""

    worker: Worker
    token: str
    work: Work
    events: list[HistoryEvent]


@dataclass
class Queue:
    """What waits to be handed out for one app. `wanted` is set when it is worth a look.

    `stalled` are the instances that code was not right for, with the workers that have tried.
    """

    runs: dict[int, None] = field(default_factory=dict)
    tasks: deque[int] = field(default_factory=deque)
    stalled: dict[int, set[Worker]] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    wanted: asyncio.Event = field(default_factory=asyncio.Event)

    def attach(self, worker: Worker) -> None:
        """One more worker; what stalled is tried on its code."""
        self.workers.append(worker)
        self.runs.update(dict.fromkeys(self.stalled))
        self.wanted.set()

    def detach(self, worker: Worker) -> None:
        """A worker is gone; the activities that it held wait again."""
        self.workers.remove(worker)
        for tried in self.stalled.values():
            tried.discard(worker)
        self.tasks.extendleft(sorted(worker.tasks, reverse=True))
        self.wanted.set()

    def stall(self, worker: Worker, run: int) -> bool:
        """Note that a worker's code was not right; gives whether another may be."""
        tried = self.stalled.setdefault(run, set())
        tried.add(worker)
        return not tried.issuperset(self.workers)

    def choose(self, run: int, planned: Counter[Worker]) -> tuple[Worker, int]:
        """The worker for a turn, and how much of the history it holds already.

        The one that knows the instance, else the one with the most room; none that has stalled
        on it while there is another. `planned` is what each is given already.
        """
        tried = self.stalled.get(run, ())
        able = [worker for worker in self.workers if worker not in tried] or self.workers
        knowing = [w for w in able if run in w.known and w.turn_room > planned[w]]
        worker = max(knowing or able, key=lambda w: w.turn_room - planned[w])
        planned[worker] += 1
        return worker, worker.known.get(run, 0) if worker.stateful else 0
