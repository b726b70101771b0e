"""The workflows and activities that the tests of the task hub run. Usage as a process:

    python workflows.py GRPC_PORT NAME CACHE

NAME is what the activity `who` answers, to tell workers of one app apart; CACHE is of how many
instances the worker remembers the history, 0 for as many as the SDK likes.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from dapr.ext.workflow import RetryPolicy, WorkflowRuntime, when_all

Workflow = Iterator[Any]


def echo(ctx: Any, given: Any) -> Any:
    """Ends in its first turn."""
    return given


def chain(ctx: Any, given: int) -> Workflow:
    number = given
    for _ in range(3):
        number = yield ctx.call_activity("add_one", input=number)
    return number


def fan(ctx: Any, width: int) -> Workflow:
    """Asks `width` activities at once and gives the sorted results."""
    results = yield when_all([ctx.call_activity("add_one", input=n) for n in range(width)])
    return sorted(results)


def shared(ctx: Any, given: dict[str, Any]) -> Workflow:
    """Who ran each of `count` activities that take `seconds`."""
    asked = [ctx.call_activity("who", input=given["seconds"]) for _ in range(given["count"])]
    return (yield when_all(asked))


def noted(ctx: Any, given: dict[str, Any]) -> Workflow:
    """`count` activities that each note in a file that they began, and then take `seconds`."""
    asked = [ctx.call_activity("note", input=given) for _ in range(given["count"])]
    return (yield when_all(asked))


def waiter(ctx: Any, names: list[str] | None) -> Workflow:
    """Waits for events in turn, "go" if none is named, and gives what they carried."""
    ctx.set_custom_status("waiting")
    got = []
    for name in names or ["go"]:
        got.append((yield ctx.wait_for_external_event(name)))
    return got


def patient(ctx: Any, seconds: float) -> Workflow:
    try:
        return (yield ctx.wait_for_external_event("go", timeout=timedelta(seconds=seconds)))
    except TimeoutError:
        return "timeout"


def sleeper(ctx: Any, seconds: float) -> Workflow:
    begin = ctx.current_utc_datetime
    yield ctx.create_timer(timedelta(seconds=seconds))
    return (ctx.current_utc_datetime - begin).total_seconds()


def parent(ctx: Any, given: dict[str, Any]) -> Workflow:
    """Calls a child: `workflow`, its `input`, perhaps an `id` and an `app`."""
    return (
        yield ctx.call_child_workflow(
            given["workflow"],
            input=given.get("input"),
            instance_id=given.get("id"),
            app_id=given.get("app"),
        )
    )


def foreign_activity(ctx: Any, app: str) -> Workflow:
    return (yield ctx.call_activity("who", input=0, app_id=app))


def counter(ctx: Any, given: dict[str, Any]) -> Workflow:
    """Takes one event per execution, `rounds` times; `keep` says whether waiting ones go on."""
    got = [*given.get("got", []), (yield ctx.wait_for_external_event("go"))]
    if len(got) < given["rounds"]:
        ctx.continue_as_new({**given, "got": got}, save_events=given["keep"])
        return None
    return got


def failing(ctx: Any, message: str) -> Any:
    raise ValueError(message)


def retried(ctx: Any, given: dict[str, Any]) -> Workflow:
    """An activity that fails `failures` times and is tried `attempts` times."""
    policy = RetryPolicy(
        first_retry_interval=timedelta(milliseconds=50),
        max_number_of_attempts=given["attempts"],
    )
    return (yield ctx.call_activity("fail_at_first", input=given, retry_policy=policy))


def add_one(ctx: Any, number: int) -> int:
    return number + 1


def note(ctx: Any, given: dict[str, Any]) -> str:
    file = Path(given["file"])
    with file.open("a") as notes:
        notes.write(f"{_Name.value}\n")
    slow: str | None = given.get("only_slow_for")
    if slow in (None, _Name.value):
        time.sleep(given["seconds"])
    else:  # so that the slow worker gets one too, however the work is shared
        while slow not in file.read_text():
            time.sleep(0.01)
    return _Name.value


def who(ctx: Any, seconds: float) -> str:
    time.sleep(seconds)
    return _Name.value


_attempts: dict[str, int] = {}


def fail_at_first(ctx: Any, given: dict[str, Any]) -> int:
    tried = _attempts[ctx.workflow_id] = _attempts.get(ctx.workflow_id, 0) + 1
    if tried <= given["failures"]:
        raise RuntimeError(f"attempt {tried}")
    return tried


class _Name:
    value = ""


WORKFLOWS: tuple[Callable[..., Any], ...] = (
    *(echo, chain, fan, shared, noted, waiter, patient, sleeper, parent, foreign_activity),
    *(counter, failing, retried),
)
ACTIVITIES = (add_one, note, who, fail_at_first)


def register(runtime: Any) -> None:
    """Register copies, so that several runtimes of one process can be told of all."""
    for workflow in WORKFLOWS:
        runtime.register_workflow(_copy(workflow), name=workflow.__name__)
    for activity in ACTIVITIES:
        runtime.register_activity(_copy(activity), name=activity.__name__)


def _copy(function: Callable[..., Any]) -> Callable[..., Any]:
    def copy(ctx: Any, given: Any = None) -> Any:
        return function(ctx, given)

    return copy


def main(port: str, name: str, cache: str) -> None:
    _Name.value = name
    runtime = WorkflowRuntime(
        host="127.0.0.1", port=port, history_cache_max_instances=int(cache) or None
    )
    register(runtime)
    runtime.start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
