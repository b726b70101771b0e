"""Mends how the SDK 1.19 replays a workflow that was paused while one of its steps completed.

The SDK holds all events back while a workflow is suspended, also those which confirm what the
workflow had scheduled before. So each turn of the pause schedules the same step again, and when
the workflow is resumed the second confirmation fails it as not deterministic, with nothing undone.
A confirmation moves no code, so it need not be held back.
"""

from typing import Any

from dapr.ext.workflow._durabletask import worker as _sdk

_CONFIRMATIONS = ("timerCreated", "taskScheduled", "childWorkflowInstanceCreated", "eventSent")


def confirm_while_suspended() -> None:
    """Mend it for this process; may be called twice."""
    held_back = _sdk._is_suspendable
    if getattr(held_back, "confirms", False):
        return

    def is_suspendable(event: Any) -> bool:
        return event.WhichOneof("eventType") not in _CONFIRMATIONS and held_back(event)

    is_suspendable.confirms = True  # type: ignore[attr-defined]
    _sdk._is_suspendable = is_suspendable
