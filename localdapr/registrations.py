"""The workflows and activities of a test, registered as a WorkflowRuntime takes them.

They leave no mark on the functions, so that several environments may share them.
"""

import functools
from collections.abc import Callable
from typing import Any

from dapr.ext.workflow import WorkflowRuntime

from localdapr.errors import UsageError

_MARKS = ("_workflow_registered", "_activity_registered")


class Registrations:
    """`runtime`, which is never started, gets a copy of each function.

    Activities are run by `call(key, name, real, context, input)`; `key` names the app too where
    that is not `app_id`, and only a stand-in is `real` then.
    """

    def __init__(self, app_id: str, call: Callable[..., Any]) -> None:
        self.runtime = WorkflowRuntime()
        self.activities: set[str] = set()
        self._app_id, self._call = app_id, call
        self._stand_ins: set[str] = set()

    def register_workflow(self, fn: Callable[..., Any], *, name: str | None = None) -> None:
        self.runtime.register_workflow(_copy(fn, fn), name=name)

    def register_versioned_workflow(self, fn: Callable[..., Any], **options: Any) -> None:
        self.runtime.register_versioned_workflow(_copy(fn, fn), **options)

    def register_activity(self, fn: Callable[..., Any], *, name: str | None = None) -> None:
        own = name or name_of(fn)
        runs = functools.partial(self._call, own, own, fn)
        self.runtime.register_activity(_copy(fn, runs), name=name)
        self.activities.add(own)

    def key(self, name: str, app_id: str) -> str:
        """Under what an activity of an app is registered here, if it is."""
        return name if app_id == self._app_id else f"{app_id}/{name}"

    def known(self, activity: Callable[..., Any] | str, app_id: str) -> str:
        """The key of an activity. One of another app gets a stand-in; others must be here.

        Raises UsageError.
        """
        name = name_of(activity)
        if app_id != self._app_id:
            return self._stand_in(name, app_id)
        if name not in self.activities:
            raise UsageError(
                f"no activity {name!r} is registered; there are "
                f"{', '.join(sorted(self.activities)) or 'none'}. "
                "For an activity of another app give its app_id"
            )
        return name

    def _stand_in(self, name: str, app_id: str) -> str:
        key = self.key(name, app_id)
        if key not in self._stand_ins:
            runs = functools.partial(self._call, key, name, _elsewhere)
            self.runtime.register_activity(_copy(_elsewhere, runs), name=key)
            self._stand_ins.add(key)
        return key


def name_of(function: Callable[..., Any] | str) -> str:
    """The name that a workflow or an activity has for the SDK."""
    if isinstance(function, str):
        return function
    return str(getattr(function, "_dapr_alternate_name", function.__name__))


async def _elsewhere(_context: Any, _input: Any) -> None:
    """An activity that another app has: it is only ever faked or made to fail."""


def _copy(fn: Callable[..., Any], runs: Callable[..., Any]) -> Callable[..., Any]:
    """`runs` with the signature of `fn`, and unmarked: a second runtime takes it too."""

    @functools.wraps(fn)
    def copy(*given: Any) -> Any:
        return runs(*given)

    for mark in _MARKS:
        copy.__dict__.pop(mark, None)
    return copy
