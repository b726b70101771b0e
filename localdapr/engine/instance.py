"""What is known of one workflow instance besides its history. Plain data, no behaviour but its own.

An instance is a header (this) plus its history (events that happened and were acted upon) plus
its inbox (events that arrived and wait for the next turn). The header says what a client may ask.
"""

from dataclasses import dataclass
from enum import IntEnum


class Status(IntEnum):
    """The runtime status, with the numbers of the wire's OrchestrationStatus."""

    RUNNING = 0
    COMPLETED = 1
    CONTINUED_AS_NEW = 2
    FAILED = 3
    CANCELED = 4
    TERMINATED = 5
    PENDING = 6
    SUSPENDED = 7
    STALLED = 8

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to the instance any more."""
        return self in _FINAL


_FINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELED, Status.TERMINATED})


@dataclass(frozen=True, slots=True)
class Parent:
    """The workflow that waits for this one: `task_id` is the id of its scheduling action."""

    app_id: str
    instance_id: str
    execution_id: str
    name: str
    task_id: int


@dataclass(frozen=True, slots=True)
class Instance:
    """The header of an instance. Times are microseconds since the epoch; texts are JSON."""

    app_id: str
    instance_id: str
    execution_id: str
    name: str
    status: Status
    created_at: int
    updated_at: int
    suspended: bool = False
    started_at: int | None = None
    completed_at: int | None = None
    scheduled_at: int | None = None
    version: str | None = None
    custom_status: str | None = None
    trace: str | None = None  # the W3C traceparent under which it was started
    patches: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    parent: Parent | None = None
    input: str | None = None
    output: str | None = None
    failure: bytes | None = None

    @property
    def shown_status(self) -> Status:
        """What a client sees: a suspended instance still runs, but is shown as SUSPENDED."""
        if self.suspended and not self.status.is_final:
            return Status.SUSPENDED
        return self.status
