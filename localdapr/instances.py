"""The tables of the workflow instances: functions of a connection that save what the engine says.

Every function here is one part of a transaction that the store runs. The decisions are the
engine's; this module loads what it needs, asks it, and writes the answer. Knows no worker.

An instance is found by app id and instance id; its row number `run` is its name in here, is
never used twice, and so also tells a reused instance id from the one before it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from localdapr import inboxes
from localdapr.engine.child import Message, refused
from localdapr.engine.inbox import first_batch, next_batch, outlives, receive
from localdapr.engine.instance import Instance
from localdapr.engine.rerun import RerunRequest, rerun
from localdapr.engine.turn import Timer, Turn, finish_turn, started
from localdapr.errors import InstanceExistsError, NoSuchInstanceError, RerunRefusedError
from localdapr.rows import INSERT, SELECT, UPDATE, Row, changes, packed, to_row, unpacked, values
from localdapr.wire import HistoryEvent, WorkflowResponse, optional_text


@dataclass(frozen=True, slots=True)
class Work:
    """A turn to run: what the worker has not seen of the history, and the batch of new events."""

    row: Row
    past: list[HistoryEvent]
    batch: list[HistoryEvent]
    last_inbox_id: int


# An activity that is to be run: whose, where in the history of which execution it stands.
TaskId = tuple[int, int, str]

_FIRST = ("executionStarted", "executionTerminated")


@dataclass(frozen=True, slots=True)
class Asked:
    """An activity to run: the instance that scheduled it, and its `taskScheduled` event."""

    instance_id: str
    execution_id: str
    scheduled: HistoryEvent


@dataclass(slots=True)
class Consequences:
    """What the dispatcher has to do after a commit: all of it is durable already."""

    wake: set[tuple[str, int]] = field(default_factory=set)
    tasks: list[tuple[str, TaskId]] = field(default_factory=list)
    timers: list[tuple[int, int]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)  # timers
    changed: set[int] = field(default_factory=set)  # begun, or with another status
    ended: set[int] = field(default_factory=set)
    more: bool = False
    stalled: bool = False


def find(db: sqlite3.Connection, app_id: str, instance_id: str) -> Row | None:
    """The instance of that app and id."""
    where = f"{SELECT} WHERE app_id = ? AND instance_id = ?"
    row = db.execute(where, (app_id, instance_id)).fetchone()
    return None if row is None else to_row(row)


def require(db: sqlite3.Connection, app_id: str, instance_id: str) -> Row:
    """As `find`; raises NoSuchInstanceError."""
    row = find(db, app_id, instance_id)
    if row is None:
        raise NoSuchInstanceError(instance_id)
    return row


def load(db: sqlite3.Connection, run: int) -> Row | None:
    """The instance of that row number."""
    row = db.execute(f"{SELECT} WHERE run = ?", (run,)).fetchone()
    return None if row is None else to_row(row)


def create(db: sqlite3.Connection, instance: Instance, now: int) -> Consequences:
    """Begin an instance, now or at its `scheduled_at`; a finished one of that id makes room.

    Raises InstanceExistsError when an instance of that id is active.
    """
    existing = find(db, instance.app_id, instance.instance_id)
    if existing is not None:
        if not existing.instance.status.is_final:
            raise InstanceExistsError(instance.instance_id)
        delete(db, existing.run)
    run, begin, done = _insert(db, instance), started(instance, now), Consequences()
    done.changed.add(run)
    if instance.scheduled_at is not None and instance.scheduled_at > now:
        _arm(db, run, [Timer(instance.scheduled_at, begin)], done)
    else:
        inboxes.add(db, run, begin)
        done.wake.add((instance.app_id, run))
    return done


def post(db: sqlite3.Connection, row: Row, arrived: HistoryEvent, now: int) -> Consequences:
    """Queue an event for an instance, where the engine does not say to ignore it."""
    done = Consequences()
    after = receive(row.instance, arrived, now)
    if after is None:
        return done
    if after is not row.instance:
        _save(db, row.run, after, row.history_length)
    _queue(db, row, arrived)
    done.wake.add((after.app_id, row.run))
    return done


def next_work(db: sqlite3.Connection, run: int, known: int) -> Work | None:
    """The next turn of an instance, for a worker that holds `known` events of its history."""
    row = load(db, run)
    if row is None or row.instance.status.is_final:
        return None
    waiting = inboxes.waiting(db, run)
    inbox = [arrived for _, arrived in waiting]
    size = next_batch(inbox) if row.history_length else first_batch(row.instance, inbox)
    if not size:
        return None
    return Work(row, history(db, run, known), inbox[:size], waiting[size - 1][0])


def history(db: sqlite3.Connection, run: int, begin: int = 0) -> list[HistoryEvent]:
    """The events of the history from position `begin` on."""
    rows = db.execute(
        "SELECT event FROM history WHERE run = ? AND position >= ? ORDER BY position", (run, begin)
    )
    return [unpacked(db, run, blob) for (blob,) in rows]


def end_turn(
    db: sqlite3.Connection,
    work: Work,
    events: Sequence[HistoryEvent],
    response: WorkflowResponse,
    now: int,
    new_ids: Iterator[str],
) -> Consequences:
    """Save a turn that a worker has run, unless the instance has moved on meanwhile.

    A worker that was lost may still answer after its turn was given to another one: a turn
    counts only on top of the very history that it was run on.
    """
    done, row = Consequences(), load(db, work.row.run)
    if row is None or row.instance.status.is_final:
        return done
    if _position(row) != _position(work.row):
        done.more = inboxes.is_waiting(db, row.run)
        return done
    turn = finish_turn(row.instance, events, response, now, new_ids)
    if not turn.stalled:
        inboxes.clear(db, row.run, work.last_inbox_id)
    _save_turn(db, row, turn, done)
    _act(db, row.run, turn, 0 if turn.restarted else row.history_length, now, done)
    if turn.terminate_children is not None:
        _terminate_children(db, turn, now, done)
    done.more, done.stalled = inboxes.is_waiting(db, row.run), turn.stalled
    return done


def create_rerun(
    db: sqlite3.Connection,
    app_id: str,
    source_id: str,
    asked: RerunRequest,
    now: int,
    new_ids: Iterator[str],
) -> Consequences:
    """Begin a finished instance again from one of its events, under a new id."""
    source, done = find(db, app_id, source_id), Consequences()
    if source is None:
        text = f"workflow instance does not exist with ID '{source_id}'"
        raise RerunRefusedError("NOT_FOUND", text)
    if not source.instance.status.is_final:
        raise RerunRefusedError("INVALID_ARGUMENT", f"'{source_id}' is not in a terminal state")
    if source.instance.parent is not None:
        text = f"'{source_id}': cannot rerun from child-workflows"
        raise RerunRefusedError("INVALID_ARGUMENT", text)
    if find(db, app_id, asked.new_id) is not None:
        text = f"workflow '{asked.new_id}' has already been created"
        raise RerunRefusedError("ALREADY_EXISTS", text)
    turn = rerun(payloads(db, source), history(db, source.run), asked, now, new_ids)
    run = _insert(db, turn.instance)
    done.changed.add(run)
    _save_turn(db, Row(run, 0, turn.instance), turn, done)
    _act(db, run, turn, 0, now, done)
    return done


def _position(row: Row) -> tuple[str, int]:
    return row.instance.execution_id, row.history_length


def end_task(db: sqlite3.Connection, task_id: TaskId, result: HistoryEvent) -> Consequences:
    """Save an activity's result for its workflow; nothing when that task is done or given up.

    No look at the header: an instance that has ended, or begun anew, has none of its tasks left.
    """
    run, position, execution_id = task_id
    of = "SELECT app_id FROM instances WHERE run = ? AND execution_id = ?"
    found = db.execute(of, (run, execution_id)).fetchone()
    task = "DELETE FROM tasks WHERE run = ? AND position = ?"
    if found is None or not db.execute(task, (run, position)).rowcount:
        return Consequences()
    inboxes.add(db, run, result)
    return Consequences(wake={(found[0], run)})


def load_task(db: sqlite3.Connection, task_id: TaskId) -> Asked | None:
    """A task that waits to be run."""
    found = db.execute(
        "SELECT instance_id, event FROM tasks JOIN history USING (run, position) "
        "JOIN instances USING (run) WHERE run = ? AND position = ? AND execution_id = ?",
        task_id,
    ).fetchone()
    return None if found is None else Asked(found[0], task_id[2], HistoryEvent.FromString(found[1]))


def fire_timers(db: sqlite3.Connection, timer_ids: Sequence[int], now: int) -> Consequences:
    """Deliver the events of timers that came due."""
    done = Consequences()
    for timer_id in timer_ids:
        due = db.execute(
            "DELETE FROM timers WHERE id = ? RETURNING run, event", (timer_id,)
        ).fetchone()
        row = load(db, due[0]) if due else None
        if row is not None:
            done.wake |= post(db, row, unpacked(db, row.run, due[1]), now).wake
    return done


def unfinished(db: sqlite3.Connection, app_ids: Sequence[str]) -> Consequences:
    """All that is to be done for these apps, as after a restart. Doing it twice does no harm."""
    marks = ", ".join("?" * len(app_ids))
    done = Consequences()
    done.wake.update(
        db.execute(
            "SELECT DISTINCT app_id, run FROM inbox JOIN instances USING (run) "
            f"WHERE app_id IN ({marks})",
            app_ids,
        )
    )
    tasks = db.execute(
        "SELECT tasks.app_id, run, position, execution_id FROM tasks JOIN instances USING (run) "
        f"WHERE tasks.app_id IN ({marks}) ORDER BY run, position",
        app_ids,
    )
    done.tasks.extend((app_id, (run, position, of)) for app_id, run, position, of in tasks)
    done.timers.extend(
        db.execute(
            f"SELECT fire_at, id FROM timers JOIN instances USING (run) WHERE app_id IN ({marks})",
            app_ids,
        )
    )
    return done


def list_ids(db: sqlite3.Connection, app_id: str, after: int, size: int) -> list[str]:
    """Instance ids of an app in order of creation, leaving out the first `after`."""
    found = db.execute(
        "SELECT instance_id FROM instances WHERE app_id = ? ORDER BY run LIMIT ? OFFSET ?",
        (app_id, size, after),
    )
    return [instance_id for (instance_id,) in found]


def delete(db: sqlite3.Connection, run: int) -> None:
    """Forget an instance with all that belongs to it."""
    db.execute("DELETE FROM instances WHERE run = ?", (run,))


def payloads(db: sqlite3.Connection, row: Row) -> Instance:
    """The instance with its input, output and failure, which the header alone does not carry."""
    (given,) = db.execute("SELECT input FROM inputs WHERE run = ?", (row.run,)).fetchone()
    if not row.instance.status.is_final:
        return replace(row.instance, input=given)
    ended = history(db, row.run, row.history_length - 1)[0].executionCompleted
    failed = ended.HasField("failureDetails")
    failure = ended.failureDetails.SerializeToString() if failed else None
    output = optional_text(ended, "result")
    return replace(row.instance, input=given, output=output, failure=failure)


def _save_turn(db: sqlite3.Connection, row: Row, turn: Turn, done: Consequences) -> None:
    length, after = row.history_length, turn.instance
    if turn.restarted:
        db.execute("DELETE FROM history WHERE run = ?", (row.run,))
        _drop_pending(db, row.run, done)
        kept = (arrived for _, arrived in inboxes.waiting(db, row.run) if outlives(arrived))
        inboxes.replace(db, row.run, [*turn.carried, *kept])
        db.execute("UPDATE inputs SET input = ? WHERE run = ?", (after.input, row.run))
        length = 0
    db.executemany(
        "INSERT INTO history (run, position, event) VALUES (?, ?, ?)",
        [(row.run, length + n, packed(e)) for n, e in enumerate(turn.history)],
    )
    _save(db, row.run, after, length + len(turn.history))
    if after.status is not row.instance.status:
        done.changed.add(row.run)
    if after.status.is_final:
        _drop_pending(db, row.run, done)
        inboxes.clear(db, row.run)
        done.ended.add(row.run)


def _act(
    db: sqlite3.Connection, run: int, turn: Turn, begin: int, now: int, done: Consequences
) -> None:
    """Queue all that a turn asked for, whose history begins at position `begin`."""
    positions = {id(happened): begin + n for n, happened in enumerate(turn.history)}
    tasks = [(run, positions[id(task.scheduled)], task.app_id) for task in turn.tasks]
    db.executemany("INSERT INTO tasks (run, position, app_id) VALUES (?, ?, ?)", tasks)
    for _, position, app_id in tasks:
        done.tasks.append((app_id, (run, position, turn.instance.execution_id)))
    _arm(db, run, turn.timers, done)
    for child in turn.children:
        _start_child(db, child, now, done)
    for message in turn.messages:
        _send(db, message, now, done)


def _insert(db: sqlite3.Connection, instance: Instance) -> int:
    run = _new_id(db.execute(INSERT, values(instance)))
    db.execute("INSERT INTO inputs (run, input) VALUES (?, ?)", (run, instance.input))
    return run


def _new_id(inserted: sqlite3.Cursor) -> int:
    assert inserted.lastrowid is not None
    return inserted.lastrowid


def _drop_pending(db: sqlite3.Connection, run: int, done: Consequences) -> None:
    db.execute("DELETE FROM tasks WHERE run = ?", (run,))
    dropped = db.execute("DELETE FROM timers WHERE run = ? RETURNING id", (run,))
    done.dropped.extend(timer_id for (timer_id,) in dropped)


def _queue(db: sqlite3.Connection, row: Row, arrived: HistoryEvent) -> None:
    """Queue an event: the start of an instance, or its end, before what came for it until then."""
    if not row.history_length and arrived.WhichOneof("eventType") in _FIRST:
        early = [waiting for _, waiting in inboxes.waiting(db, row.run)]
        if not (early and early[0].HasField("executionStarted")):
            inboxes.replace(db, row.run, [arrived, *early])
            return
    inboxes.add(db, row.run, arrived)


def _send(db: sqlite3.Connection, message: Message, now: int, done: Consequences) -> None:
    row = find(db, message.app_id, message.instance_id)
    if row is not None and message.execution_id in ("", row.instance.execution_id):
        done.wake |= post(db, row, message.event, now).wake


def _start_child(db: sqlite3.Connection, child: Instance, now: int, done: Consequences) -> None:
    assert child.parent is not None
    try:
        begun = create(db, child, now)
        done.wake |= begun.wake
        done.changed |= begun.changed
    except InstanceExistsError as cause:
        _send(db, refused(child.parent, str(cause), now), now, done)


def _terminate_children(db: sqlite3.Connection, turn: Turn, now: int, done: Consequences) -> None:
    assert turn.terminate_children is not None
    for row in children(db, turn.instance):
        done.wake |= post(db, row, turn.terminate_children, now).wake


def children(db: sqlite3.Connection, parent: Instance) -> list[Row]:
    """The instances that were begun by this one."""
    where = f"{SELECT} WHERE parent_app = ? AND parent_id = ?"
    return [to_row(found) for found in db.execute(where, (parent.app_id, parent.instance_id))]


def _arm(db: sqlite3.Connection, run: int, timers: Sequence[Timer], done: Consequences) -> None:
    for timer in timers:
        values = (run, timer.fire_at, packed(timer.event))
        row = db.execute("INSERT INTO timers (run, fire_at, event) VALUES (?, ?, ?)", values)
        done.timers.append((timer.fire_at, _new_id(row)))


def _save(db: sqlite3.Connection, run: int, instance: Instance, length: int) -> None:
    db.execute(UPDATE, (*changes(instance, length), run))
