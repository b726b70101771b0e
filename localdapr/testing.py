"""Test a workflow in the test's own process: no sidecar, no socket, no waiting.

The engine and its tables are those of the sidecar, the workflow code is run by the SDK's own
executor, and the clock is virtual: it stands still until a test moves it or waits for an end.

    with WorkflowEnvironment(workflows=[story], activities=[cook]) as env:
        order = env.start(story, {"size": "large"})
        env.raise_event(order, "ValidationComplete", {"approved": True})
        assert env.wait(order).output == "delivered"
"""

import inspect
import itertools
import sqlite3
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from localdapr import instances, rows
from localdapr.engine.inbox import begin_turn, raised
from localdapr.engine.instance import Instance, Status
from localdapr.errors import LocalDaprError, UsageError
from localdapr.instances import Consequences, TaskId
from localdapr.registrations import Registrations, name_of
from localdapr.replaying import replay_history
from localdapr.waking import next_of_family, next_timer
from localdapr.wire import Executor, HistoryEvent, decode_json, encode_json, event, pb, text
from localdapr.work_items import task_item, task_result

APP_ID = "test"
START = datetime(2030, 1, 1, tzinfo=UTC)
TURNS = 10_000  # who takes more without the clock moving, or to an end, runs in a circle
TIMERS = 10 * TURNS  # those of others count too, while an instance that is waited for sleeps


class StuckError(LocalDaprError):
    """A workflow cannot end by waiting: it needs an event, or runs in a circle."""


@dataclass(frozen=True)
class Outcome:
    """An instance as a test sees it. `input` and `output` are values, not JSON."""

    instance_id: str
    status: str  # as Dapr names it: RUNNING, COMPLETED, FAILED, SUSPENDED, ...
    input: Any
    output: Any
    custom_status: str | None
    error_type: str | None
    error: str | None


class WorkflowEnvironment:
    """One task hub on a virtual clock. Functions may be registered elsewhere too.

    `register` is for code that registers all in one function, `register(runtime)`.
    """

    def __init__(
        self,
        workflows: Sequence[Callable[..., Any]] = (),
        activities: Sequence[Callable[..., Any]] = (),
        *,
        register: Callable[[Any], None] | None = None,
        now: datetime = START,
    ) -> None:
        self._clock = int(now.timestamp() * 1_000_000)
        self._registry = registry = Registrations(APP_ID, self._activity)
        if register is not None:
            register(registry)
        for workflow in workflows:
            registry.register_workflow(workflow)
        for activity in activities:
            registry.register_activity(activity)
        self._executor = Executor(registry.runtime)
        self._fakes: dict[str, Callable[..., Any]] = {}
        self._failures: dict[str, tuple[int, BaseException]] = {}
        self._opened: sqlite3.Connection | None = None
        self._fired_now = 0
        self._runs: deque[int] = deque()
        self._tasks: deque[TaskId] = deque()
        self.calls: list[tuple[str, Any]] = []

    def __enter__(self) -> Self:
        # A coroutine's fake may be run on another thread; this one waits for it meanwhile.
        self._opened = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(rows.SCHEMA)
        return self

    def __exit__(self, *_error: object) -> None:
        self._db.close()
        self._opened = None

    @property
    def _db(self) -> sqlite3.Connection:
        if self._opened is None:
            raise UsageError("a WorkflowEnvironment is used inside: with WorkflowEnvironment(...)")
        return self._opened

    @property
    def now(self) -> datetime:
        """The virtual time, UTC."""
        return datetime.fromtimestamp(self._clock / 1_000_000, UTC)

    def fake(
        self,
        activity: Callable[..., Any] | str,
        replacement: Callable[..., Any],
        *,
        app_id: str = APP_ID,
    ) -> None:
        """Run `replacement(input)` wherever the activity is called.

        `app_id` is for an activity that workflows call in another app: it is not registered here.
        Raises UsageError when the activity is unknown.
        """
        self._fakes[self._registry.known(activity, app_id)] = replacement

    def fail(
        self,
        activity: Callable[..., Any] | str,
        times: int,
        error: BaseException | None = None,
        *,
        app_id: str = APP_ID,
    ) -> None:
        """Make the next `times` calls of an activity raise; `app_id` and errors as in `fake`."""
        key = self._registry.known(activity, app_id)
        self._failures[key] = (times, error or RuntimeError("made to fail"))

    def start(
        self, workflow: Callable[..., Any] | str, input: Any = None, instance_id: str = ""
    ) -> str:
        """Begin an instance, run what can be run now, and give its id."""
        instance_id = instance_id or uuid.uuid4().hex
        instance = Instance(
            APP_ID,
            instance_id,
            uuid.uuid4().hex,
            name_of(workflow),
            Status.PENDING,
            self._clock,
            self._clock,
            input=None if input is None else encode_json(input),
        )
        self._follow(instances.create(self._db, instance, self._clock))
        return instance_id

    def raise_event(self, instance_id: str, name: str, data: Any = None) -> None:
        """Give an external event to an instance and run what it sets off."""
        payload = None if data is None else encode_json(data)
        self._post(instance_id, raised(name, payload, self._clock))

    def suspend(self, instance_id: str) -> None:
        """Hold back all events of an instance."""
        self._post(instance_id, event("executionSuspended", {}, self._clock))

    def resume(self, instance_id: str) -> None:
        """Let a suspended instance go on."""
        self._post(instance_id, event("executionResumed", {}, self._clock))

    def terminate(self, instance_id: str, output: Any = None) -> None:
        """End an instance and its children."""
        encoded = None if output is None else encode_json(output)
        asked = pb.ExecutionTerminatedEvent(input=text(encoded), recurse=True)
        self._post(instance_id, event("executionTerminated", asked, self._clock))

    def advance(self, by: timedelta) -> None:
        """Move the clock, firing every timer on the way at its own time. Not back: UsageError."""
        if by < timedelta(0):
            raise UsageError(f"the clock cannot be moved back, by {by}")
        until = self._clock + int(by.total_seconds() * 1_000_000)
        while self._fire_next(until) is not None:
            pass
        self._clock = until

    def wait(self, instance_id: str) -> Outcome:
        """Move the clock from timer to timer until the instance ends. Raises StuckError.

        It is stuck when no timer is left, and when so many fire that it will hardly end: its own
        and its children's, or those of others while it has none.
        """
        turns = 0
        for _ in range(TIMERS):
            if self._row(instance_id).instance.status.is_final:
                return self.state(instance_id)
            own = next_of_family(self._db, APP_ID, instance_id)
            fired = self._fire_next(None)
            if fired is None:
                raise self._stuck(instance_id, "waits for an event, not for time")
            turns += own in (None, fired)
            if turns > TURNS:
                break
        raise self._stuck(
            instance_id,
            f"has not ended by {self.now:%Y-%m-%d}, however many timers fired: "
            "it waits for an event, or runs in a circle",
        )

    def state(self, instance_id: str) -> Outcome:
        """An instance as it is now. Raises NoSuchInstanceError."""
        row = self._row(instance_id)
        instance = instances.payloads(self._db, row)
        failure = pb.TaskFailureDetails.FromString(instance.failure or b"")
        return Outcome(
            instance_id,
            instance.shown_status.name,
            _decoded(instance.input),
            _decoded(instance.output),
            instance.custom_status,
            failure.errorType or None,
            failure.errorMessage or None,
        )

    def history(self, instance_id: str) -> list[HistoryEvent]:
        """All that has happened to an instance, as the task hub records it."""
        return instances.history(self._db, self._row(instance_id).run)

    def called(self) -> Counter[str]:
        """How often each activity was called, failed calls included."""
        return Counter(name for name, _ in self.calls)

    def replay(self, history: Sequence[HistoryEvent]) -> None:
        """Run today's code over a recorded history. Raises IncompatibleCodeError."""
        replay_history(self._executor, history)

    def _stuck(self, instance_id: str, why: str) -> StuckError:
        outcome = self.state(instance_id)
        return StuckError(f"{instance_id} is {outcome.status} ({outcome.custom_status}) and {why}")

    def _row(self, instance_id: str) -> rows.Row:
        return instances.require(self._db, APP_ID, instance_id)

    def _post(self, instance_id: str, arrived: HistoryEvent) -> None:
        row = self._row(instance_id)
        self._follow(instances.post(self._db, row, arrived, self._clock))

    def _follow(self, done: Consequences) -> None:
        self._note(done)
        for _ in range(TURNS):
            if self._tasks:
                self._run_task(self._tasks.popleft())
            elif self._runs:
                self._run_turn(self._runs.popleft())
            else:
                return
        raise StuckError(f"more than {TURNS} turns without the clock moving: an endless loop?")

    def _note(self, done: Consequences) -> None:
        self._runs.extend(run for _, run in sorted(done.wake, key=lambda wake: wake[1]))
        self._tasks.extend(task_id for _, task_id in done.tasks)

    def _run_turn(self, run: int) -> None:
        work = instances.next_work(self._db, run, 0)
        if work is None:
            return
        events = begin_turn(work.batch, self._clock)
        response = self._executor.run_turn(work.row.instance.instance_id, work.past, events)
        done = instances.end_turn(self._db, work, events, response, self._clock, _ids())
        if done.more and not done.stalled:
            self._runs.append(run)
        self._note(done)

    def _run_task(self, task_id: TaskId) -> None:
        found = instances.load_task(self._db, task_id)
        if found is None:
            return
        item = task_item(found, task_id).activityRequest
        item.name = self._standing_for(item.name, found.scheduled.router.targetAppID or APP_ID)
        result = task_result(self._executor.run_activity(item), self._clock)
        self._note(instances.end_task(self._db, task_id, result))

    def _fire_next(self, until: int | None) -> int | None:
        """Move the clock to the next timer and fire it; its id, or None when there is none."""
        timer = next_timer(self._db, until)
        if timer is None:
            return None
        fire_at, timer_id = timer
        self._fired_now = self._fired_now + 1 if fire_at <= self._clock else 0
        if self._fired_now > TURNS:
            raise StuckError(f"more than {TURNS} timers without the clock moving: an endless loop?")
        self._clock = max(self._clock, fire_at)
        self._follow(instances.fire_timers(self._db, [timer_id], self._clock))
        return timer_id

    def _standing_for(self, name: str, app_id: str) -> str:
        """What to run for a call: what is registered here may stand for another app's activity."""
        key = self._registry.key(name, app_id)
        if key in self._fakes or self._failures.get(key, (0, None))[0]:
            return key
        if app_id == APP_ID or name in self._registry.activities:
            return name
        raise UsageError(
            f"a workflow called the activity {name!r} of the app {app_id!r}, which is not here: "
            f"env.fake({name!r}, ..., app_id={app_id!r}) says what it answers"
        )

    def _activity(
        self, key: str, name: str, real: Callable[..., Any], context: Any, *given: Any
    ) -> Any:
        """What every activity goes through: failures and fakes first, then the real one."""
        data = given[0] if given else None  # an activity need not take its input
        self.calls.append((name, data))
        left, error = self._failures.get(key, (0, None))
        if left and error is not None:
            self._failures[key] = (left - 1, error)
            raise error
        if key not in self._fakes:
            return real(context, *given)
        outcome = self._fakes[key](data)
        return _awaitable(outcome) if inspect.iscoroutinefunction(real) else outcome


async def _awaitable(outcome: Any) -> Any:
    return await outcome if inspect.isawaitable(outcome) else outcome


def _decoded(encoded: str | None) -> Any:
    return None if not encoded else decode_json(encoded)


def _ids() -> Iterator[str]:
    return (uuid.uuid4().hex for _ in itertools.count())
