"""Whatever the order of things: every workflow does its script, once and in order.

Drives the tables and the engine as the dispatcher does, but in any order and worse: turns are
run by workers that are thought lost, answers come twice, and at any moment everything that is
not in the tables is forgotten. `--hypothesis-profile=thorough` looks longer.
"""

import itertools
import json
import random
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from localdapr import instances, rows
from localdapr.engine.inbox import begin_turn, raised
from localdapr.engine.instance import Instance, Status
from localdapr.instances import Consequences, Work
from localdapr.wire import HistoryEvent, WorkflowResponse, event, pb, text
from tests.unit.localdapr.engine.history_law import check_history
from tests.unit.localdapr.engine.script import (
    NAMES,
    SCRIPTS,
    Step,
    check_said,
    child_id,
    events_needed,
    new_executor,
)

SECOND = 1_000_000
EXECUTOR = new_executor()
ANY = st.integers(min_value=0, max_value=1_000)


@dataclass
class Expected:
    """The model of an instance: what it was asked to do, and what was done to it."""

    nonce: str
    steps: list[Step]
    raised: Counter[str] = field(default_factory=Counter)
    terminated: bool = False


@dataclass
class Turn:
    """A turn that a worker was given."""

    work: Work
    events: list[HistoryEvent]


class AnyOrder(RuleBasedStateMachine):
    """Rules are what may happen; `teardown` lets everything end and compares with the model."""

    @initialize(scripts=st.lists(SCRIPTS, min_size=1, max_size=3))
    def open(self, scripts: list[list[Step]]) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.execute("PRAGMA foreign_keys=ON")
        self.db.executescript(rows.SCHEMA)
        self.clock = 1_000 * SECOND
        self.ids = (f"e{n}" for n in itertools.count())
        self.nonces = (f"n{n}" for n in itertools.count())
        self.model: dict[str, Expected] = {}
        self.may_fail: set[str] = set()
        self.runs: dict[int, None] = {}
        self.tasks: list[instances.TaskId] = []
        self.lost_turns: list[Turn] = []
        self.lost_tasks: list[int] = []
        for steps in scripts:
            self.start(steps, 0)

    # What clients do.

    @rule(steps=SCRIPTS, delay=st.sampled_from([0, 0, 0, 90]))
    def start(self, steps: list[Step], delay: int) -> None:
        nonce = next(self.nonces)
        self._start(nonce, nonce, steps, delay)

    @rule(steps=SCRIPTS, which=ANY)
    def start_a_finished_id_again(self, steps: list[Step], which: int) -> None:
        finished = [row for row in self._rows() if row.instance.status.is_final]
        if finished:
            chosen = finished[which % len(finished)].instance.instance_id
            self._start(chosen, next(self.nonces), steps, 0)

    def _start(self, instance_id: str, nonce: str, steps: list[Step], delay: int) -> None:
        given = json.dumps({"nonce": nonce, "said": [], "steps": steps})
        later = self.clock + delay * SECOND if delay else None
        instance = Instance(
            "shop", instance_id, next(self.ids), "scripted", Status.PENDING, self.clock, self.clock,
            scheduled_at=later, input=given,
        )  # fmt: skip
        self._expect(instance_id, nonce, steps)
        self._follow(instances.create(self.db, instance, self.clock))

    def _expect(self, instance_id: str, nonce: str, steps: list[Step]) -> None:
        self.model[instance_id] = Expected(nonce, steps)
        for position, step in enumerate(steps):
            if step[0] == "child":
                child = child_id(f"{nonce}/{position}")
                self._expect(child, child, step[1])

    @rule(which=ANY, name=st.sampled_from(NAMES), shout=st.booleans())
    def raise_event(self, which: int, name: str, shout: bool) -> None:
        if (row := self._some_active(which)) is not None:
            self._raise(row.instance.instance_id, name, shout)

    def _raise(self, instance_id: str, name: str, shout: bool = False) -> None:
        expected = self.model[instance_id]
        payload = json.dumps({"name": name, "number": expected.raised[name]})
        expected.raised[name] += 1
        self._post(instance_id, raised(name.upper() if shout else name, payload, self.clock))

    @rule(which=ANY)
    def suspend(self, which: int) -> None:
        if (row := self._some_active(which)) is not None:
            self._post(row.instance.instance_id, event("executionSuspended", {}, self.clock))
            found = instances.require(self.db, "shop", row.instance.instance_id)
            assert found.instance.shown_status is Status.SUSPENDED

    @rule(which=ANY)
    def resume(self, which: int) -> None:
        if (row := self._some_active(which)) is not None:
            self._post(row.instance.instance_id, event("executionResumed", {}, self.clock))

    @rule(which=ANY, recursive=st.booleans(), chance=st.integers(min_value=0, max_value=3))
    def terminate(self, which: int, recursive: bool, chance: int) -> None:
        row = self._some_active(which)
        if row is None or chance:
            return
        asked = pb.ExecutionTerminatedEvent(input=text('"stop"'), recurse=recursive)
        self._note_termination(row.instance.instance_id, recursive)
        self._post(row.instance.instance_id, event("executionTerminated", asked, self.clock))

    def _note_termination(self, instance_id: str, recursive: bool) -> None:
        expected = self.model[instance_id]
        expected.terminated = True
        self.may_fail.add(instance_id)
        for position, step in enumerate(expected.steps):
            if recursive and step[0] == "child":
                self._note_termination(child_id(f"{expected.nonce}/{position}"), True)

    # What workers do, on time, late, twice, or not at all.

    @precondition(lambda self: self.runs)
    @rule(which=ANY, twice=st.booleans())
    def run_a_turn(self, which: int, twice: bool) -> None:
        turn = self._take(which)
        for _ in range(1 + twice if turn else 0):
            self._answer(turn)

    @precondition(lambda self: self.runs)
    @rule(which=ANY)
    def lose_a_worker_in_its_turn(self, which: int) -> None:
        turn = self._take(which)
        if turn is not None:
            self.lost_turns.append(turn)
            self.runs[turn.work.row.run] = None

    @precondition(lambda self: self.lost_turns)
    @rule(which=ANY)
    def a_lost_turn_is_answered_after_all(self, which: int) -> None:
        self._answer(self.lost_turns.pop(which % len(self.lost_turns)))

    @precondition(lambda self: self.tasks)
    @rule(which=ANY, twice=st.booleans())
    def run_a_task(self, which: int, twice: bool) -> None:
        task_id = self.tasks.pop(which % len(self.tasks))
        for _ in range(1 + twice):
            self._run_task(task_id)

    @precondition(lambda self: self.tasks)
    @rule(which=ANY)
    def lose_a_worker_in_its_task(self, which: int) -> None:
        self.lost_tasks.append(self.tasks[which % len(self.tasks)])

    @precondition(lambda self: self.lost_tasks)
    @rule(which=ANY)
    def a_lost_task_is_answered_after_all(self, which: int) -> None:
        self._run_task(self.lost_tasks.pop(which % len(self.lost_tasks)))

    # What befalls everybody.

    @rule(seconds=st.sampled_from([1, 10, 60]))
    def time_passes(self, seconds: int) -> None:
        self.clock += seconds * SECOND
        self._fire_due()

    @rule()
    def everything_but_the_data_is_forgotten(self) -> None:
        self.runs, self.tasks = {}, []
        self._follow(instances.unfinished(self.db, ["shop"]))

    @precondition(lambda self: self.runs)
    @rule(which=ANY)
    def a_crash_undoes_a_turn_that_was_not_committed(self, which: int) -> None:
        turn = self._take(which)
        if turn is not None:
            self.db.execute("BEGIN")
            self._end_turn(turn)
            self.db.execute("ROLLBACK")
        self.everything_but_the_data_is_forgotten()

    # What is always true.

    @invariant()
    def every_history_keeps_the_law(self) -> None:
        if not hasattr(self, "db"):
            return
        for row in self._rows():
            check_history(instances.history(self.db, row.run))

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        chance = random.Random(0)
        for _ in range(10_000):
            if not self._let_go_on(chance):
                break
        for row in self._rows():
            self._check_end(instances.payloads(self.db, row))
        for table in ("inbox", "tasks", "timers"):
            assert self.db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        self.db.close()

    def _let_go_on(self, chance: random.Random) -> bool:
        """One thing that brings the end nearer; false when there is none left."""
        if self.tasks:
            self._run_task(self.tasks.pop(chance.randrange(len(self.tasks))))
        elif self.runs:
            self.run_a_turn(0, False)
        elif active := [row.instance for row in self._rows() if not row.instance.status.is_final]:
            self._unblock(active)
        else:
            return False
        return True

    def _unblock(self, active: list[Instance]) -> None:
        for instance in active:
            if instance.suspended:
                self._post(instance.instance_id, event("executionResumed", {}, self.clock))
            expected = self.model[instance.instance_id]
            for name, count in (events_needed(expected.steps) - expected.raised).items():
                for _ in range(count):
                    self._raise(instance.instance_id, name)
        if not self.runs:
            self.clock += 10 * SECOND
            self._fire_due()
            self.everything_but_the_data_is_forgotten()

    def _check_end(self, instance: Instance) -> None:
        expected = self.model[instance.instance_id]
        if instance.status is Status.COMPLETED:
            said = json.loads(instance.output or "null")
            check_said(expected.nonce, expected.steps, said, self.may_fail)
        else:
            assert instance.status is Status.TERMINATED, instance
            assert expected.terminated
            assert instance.output == '"stop"'

    # The dispatcher, in small.

    def _rows(self) -> list[rows.Row]:
        return [rows.to_row(found) for found in self.db.execute(rows.SELECT)]

    def _some_active(self, which: int) -> rows.Row | None:
        active = [row for row in self._rows() if not row.instance.status.is_final]
        return active[which % len(active)] if active else None

    def _post(self, instance_id: str, arrived: HistoryEvent) -> None:
        row = instances.require(self.db, "shop", instance_id)
        self._follow(instances.post(self.db, row, arrived, self.clock))

    def _follow(self, done: Consequences) -> None:
        self.runs.update(dict.fromkeys(run for _, run in sorted(done.wake)))
        self.tasks.extend(task_id for _, task_id in done.tasks)

    def _take(self, which: int) -> Turn | None:
        run = list(self.runs)[which % len(self.runs)]
        del self.runs[run]
        work = instances.next_work(self.db, run, 0)
        return None if work is None else Turn(work, begin_turn(work.batch, self.clock))

    def _answer(self, turn: Turn) -> None:
        done = self._end_turn(turn)
        if done.more:
            self.runs[turn.work.row.run] = None
        self._follow(done)

    def _end_turn(self, turn: Turn) -> Consequences:
        work, instance_id = turn.work, turn.work.row.instance.instance_id
        response: WorkflowResponse = EXECUTOR.run_turn(instance_id, work.past, turn.events)
        return instances.end_turn(self.db, work, turn.events, response, self.clock, self.ids)

    def _run_task(self, task_id: instances.TaskId) -> None:
        asked = instances.load_task(self.db, task_id)
        if asked is None:
            result = event("taskCompleted", {"taskScheduledId": 1}, self.clock)
        else:
            result = self._result(asked)
        self._follow(instances.end_task(self.db, task_id, result))

    def _result(self, task: instances.Asked) -> HistoryEvent:
        """The task fails as often as its input says, counted in what its workflow knows."""
        asked = task.scheduled.taskScheduled.input.value
        token, failures = json.loads(asked)
        run = instances.require(self.db, "shop", task.instance_id).run
        attempts = sum(
            happened.taskScheduled.input.value == asked
            for happened in instances.history(self.db, run)
            if happened.HasField("taskScheduled")
        )
        of: dict[str, Any] = {"taskScheduledId": task.scheduled.eventId}
        if attempts <= failures:
            failure = pb.TaskFailureDetails(errorType="Error", errorMessage="as asked")
            return event("taskFailed", {**of, "failureDetails": failure}, self.clock)
        return event(
            "taskCompleted", {**of, "result": text(json.dumps(f"done {token}"))}, self.clock
        )

    def _fire_due(self) -> None:
        due = "SELECT id FROM timers WHERE fire_at <= ? ORDER BY fire_at, id"
        timer_ids = [timer_id for (timer_id,) in self.db.execute(due, (self.clock,))]
        self._follow(instances.fire_timers(self.db, [*timer_ids, *timer_ids], self.clock))


TestAnyOrder = AnyOrder.TestCase
