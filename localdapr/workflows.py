"""What clients may ask of one app's workflow instances, whichever front end they come through.

Each call is one write or read of the store, then whatever the dispatcher has to do because of
it. Knows neither gRPC nor HTTP. Errors are ApiErrors that carry the runtime's own words.
"""

import itertools
import re
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from localdapr import instances, purging
from localdapr.dispatcher import ANY_INSTANCE, Dispatcher
from localdapr.engine.inbox import raised
from localdapr.engine.instance import Instance, Status
from localdapr.engine.rerun import RerunRequest
from localdapr.instances import Consequences
from localdapr.names import check_name
from localdapr.wire import HistoryEvent, event, pb, text

# W3C: version, trace id, span id, flags. What is not of this form is no trace.
TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True)
class StartRequest:
    """A new instance. `scheduled_at`, in microseconds, delays its beginning; texts are JSON.

    `trace` is the W3C traceparent that its activities get.
    """

    name: str
    instance_id: str = ""
    input: str | None = None
    version: str | None = None
    scheduled_at: int | None = None
    trace: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class Workflows:
    """The instances of one app."""

    def __init__(self, app_id: str, dispatcher: Dispatcher) -> None:
        self.app_id = app_id
        self.dispatcher = dispatcher
        self._store = dispatcher.store

    async def start(self, asked: StartRequest) -> str:
        """Begin an instance and give its id. Raises InstanceExistsError while one is active."""
        now, instance_id = self.dispatcher.now(), asked.instance_id or uuid.uuid4().hex
        check_name("workflow name", asked.name)
        check_name("instance id", instance_id)
        instance = Instance(
            app_id=self.app_id,
            instance_id=instance_id,
            execution_id=str(uuid.uuid4()),
            name=asked.name,
            status=Status.PENDING,
            created_at=now,
            updated_at=now,
            scheduled_at=asked.scheduled_at,
            version=asked.version,
            input=asked.input,
            trace=asked.trace if asked.trace and TRACEPARENT.fullmatch(asked.trace) else None,
            tags=tuple(asked.tags.items()),
        )
        await self.dispatcher.change(lambda db: instances.create(db, instance, now))
        return instance_id

    async def get(self, instance_id: str) -> Instance | None:
        """An instance with its payloads, or None."""

        def look(db: sqlite3.Connection) -> Instance | None:
            row = instances.find(db, self.app_id, instance_id)
            return None if row is None else instances.payloads(db, row)

        return await self._store.read(look)

    async def wait(self, instance_id: str, enough: Callable[[Instance], bool]) -> Instance:
        """The instance as soon as it is there and `enough`. Ends by cancellation, like the call."""

        def look(db: sqlite3.Connection) -> tuple[int, Instance | None]:
            row = instances.find(db, self.app_id, instance_id)
            if row is None:
                return ANY_INSTANCE, None
            return row.run, instances.payloads(db, row) if enough(row.instance) else None

        run = ANY_INSTANCE
        while True:
            watched, changed = run, self.dispatcher.watch(run)
            try:
                run, found = await self._store.read(look)
                if found is not None:
                    return found
                if run == watched:
                    await changed.wait()
            finally:
                self.dispatcher.unwatch(watched, changed)

    async def raise_event(self, instance_id: str, name: str, payload: str | None) -> None:
        """Give an external event to an instance. Raises NoSuchInstanceError."""
        check_name("event name", name)
        await self._post(instance_id, raised(name, payload, self.dispatcher.now()))

    async def suspend(self, instance_id: str, reason: str | None = None) -> None:
        """Hold back all events of an instance from here on. Raises NoSuchInstanceError."""
        asked = pb.ExecutionSuspendedEvent(input=text(reason))
        await self._post(instance_id, event("executionSuspended", asked, self.dispatcher.now()))

    async def resume(self, instance_id: str, reason: str | None = None) -> None:
        """Let a suspended instance go on. Raises NoSuchInstanceError."""
        asked = pb.ExecutionResumedEvent(input=text(reason))
        await self._post(instance_id, event("executionResumed", asked, self.dispatcher.now()))

    async def terminate(
        self, instance_id: str, output: str | None = None, recursive: bool = True
    ) -> None:
        """End an instance, and its children when `recursive`. Raises NoSuchInstanceError."""
        asked = pb.ExecutionTerminatedEvent(input=text(output), recurse=recursive)
        await self._post(instance_id, event("executionTerminated", asked, self.dispatcher.now()))

    async def purge(self, instance_id: str, recursive: bool, force: bool = False) -> int:
        """Forget a finished instance; gives how many were forgotten.

        Raises NoSuchInstanceError, and NotCompletedError unless it is finished or `force`.
        """
        return await self._store.write(
            lambda db: purging.purge(db, self.app_id, instance_id, recursive, force)
        )

    async def purge_where(self, chosen: purging.Filter) -> int:
        """Forget all finished instances that a filter chooses; gives how many."""
        return await self._store.write(lambda db: purging.purge_where(db, self.app_id, chosen))

    async def list_ids(self, after: int, size: int) -> tuple[list[str], int | None]:
        """A page of instance ids in order of creation, and where the next page begins."""
        found = await self._store.read(
            lambda db: instances.list_ids(db, self.app_id, after, size + 1)
        )
        return found[:size], after + size if len(found) > size else None

    async def history(self, instance_id: str) -> list[HistoryEvent]:
        """All events of an instance that were acted upon. Raises NoSuchInstanceError.

        Asked in the writers' line: a worker may ask for the past of a turn that it got early.
        """

        def look(db: sqlite3.Connection) -> list[HistoryEvent]:
            return instances.history(db, instances.require(db, self.app_id, instance_id).run)

        return await self._store.write(look)

    async def rerun(self, source_id: str, asked: RerunRequest) -> str:
        """Run a finished instance again from an event; gives the new id."""
        for new_id in (asked.new_id, asked.new_child_id):
            if new_id is not None:
                check_name("instance id", new_id)
        now, ids = self.dispatcher.now(), (str(uuid.uuid4()) for _ in itertools.count())
        await self.dispatcher.change(
            lambda db: instances.create_rerun(db, self.app_id, source_id, asked, now, ids)
        )
        return asked.new_id

    async def _post(self, instance_id: str, arrived: HistoryEvent) -> None:
        now = self.dispatcher.now()

        def save(db: sqlite3.Connection) -> Consequences:
            row = instances.require(db, self.app_id, instance_id)
            return instances.post(db, row, arrived, now)

        await self.dispatcher.change(save)
