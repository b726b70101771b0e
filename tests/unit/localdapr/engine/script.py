"""A workflow that does what its input says, and what it must have said when it ends.

A script is a list of steps, each a list that begins with its kind. Every step says one thing;
a continue-as-new goes on with the steps that are left. `nonce` is unique to a start, so that
the result of a task can be told from the result of every other task.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import RetryPolicy, WorkflowRuntime, when_all
from hypothesis import strategies as st

from localdapr.wire import Executor

Step = list[Any]
NAMES = ("Alpha", "Beta")
PLAIN = st.sampled_from(
    [
        ["task"],
        ["fan", 3],
        ["flaky", 2],
        ["fails"],
        ["sleep", 60],
        ["event", "Alpha"],
        ["event", "Beta"],
        ["event_or_timeout", "Alpha", 30],
        ["again"],
    ]
)
CHILDREN = st.lists(PLAIN, max_size=3).map(lambda steps: ["child", steps])
SCRIPTS = st.lists(st.one_of(PLAIN, PLAIN, CHILDREN), max_size=5)


def scripted(ctx: Any, given: dict[str, Any]) -> Iterator[Any]:
    """The workflow: does the steps and gives all that they said."""
    said, nonce = list(given["said"]), given["nonce"]
    for done, step in enumerate(given["steps"]):
        kind, *rest = step
        if kind == "again":
            left = given["steps"][done + 1 :]
            again = {"nonce": nonce, "said": [*said, "again"], "steps": left}
            ctx.continue_as_new(again, save_events=True)
            return None
        said.append((yield from DO[kind](ctx, f"{nonce}/{len(said)}", *rest)))
    return said


def _task(ctx: Any, token: str) -> Iterator[Any]:
    return (yield ctx.call_activity("work", input=[token, 0]))


def _fan(ctx: Any, token: str, width: int) -> Iterator[Any]:
    asked = [ctx.call_activity("work", input=[f"{token}.{n}", 0]) for n in range(width)]
    return (yield when_all(asked))


def _flaky(ctx: Any, token: str, failures: int) -> Iterator[Any]:
    patient = RetryPolicy(
        first_retry_interval=timedelta(seconds=5), max_number_of_attempts=failures + 1
    )
    return (yield ctx.call_activity("work", input=[token, failures], retry_policy=patient))


def _fails(ctx: Any, token: str) -> Iterator[Any]:
    try:
        return (yield ctx.call_activity("work", input=[token, 1]))
    except Exception:  # noqa: BLE001 - whatever the SDK makes of a failed task
        return "failed"


def _sleep(ctx: Any, token: str, seconds: int) -> Iterator[Any]:
    yield ctx.create_timer(timedelta(seconds=seconds))
    return "slept"


def _event(ctx: Any, token: str, name: str) -> Iterator[Any]:
    return (yield ctx.wait_for_external_event(name.upper()))


def _event_or_timeout(ctx: Any, token: str, name: str, seconds: int) -> Iterator[Any]:
    try:
        return (yield ctx.wait_for_external_event(name, timeout=timedelta(seconds=seconds)))
    except TimeoutError:
        return "timeout"


def _child(ctx: Any, token: str, steps: list[Step]) -> Iterator[Any]:
    given = {"nonce": child_id(token), "said": [], "steps": steps}
    try:
        return (yield ctx.call_child_workflow(scripted, input=given, instance_id=child_id(token)))
    except Exception:  # noqa: BLE001 - whatever the SDK makes of a failed child
        return "child failed"


DO: dict[str, Callable[..., Iterator[Any]]] = {
    "task": _task,
    "fan": _fan,
    "flaky": _flaky,
    "fails": _fails,
    "sleep": _sleep,
    "event": _event,
    "event_or_timeout": _event_or_timeout,
    "child": _child,
}


def child_id(token: str) -> str:
    return token.replace("/", "-")


def new_executor() -> Executor:
    runtime = WorkflowRuntime()

    def copy(ctx: Any, given: dict[str, Any]) -> Iterator[Any]:
        return (yield from scripted(ctx, given))

    def work(ctx: Any, given: list[Any]) -> str:
        return f"done {given[0]}"

    runtime.register_workflow(copy, name="scripted")
    runtime.register_activity(work)
    return Executor(runtime)


def events_needed(steps: list[Step]) -> Counter[str]:
    """How many events of each name a script takes at most."""
    return Counter(step[1] for step in steps if step[0].startswith("event"))


def check_said(nonce: str, steps: list[Step], said: list[Any], may_fail: set[str]) -> None:
    """Every step said what it must: its own result, and events in their order, none left out."""
    assert len(said) == len(steps)
    taken: Counter[str] = Counter()
    for position, (step, result) in enumerate(zip(steps, said, strict=True)):
        kind, token = step[0], f"{nonce}/{position}"
        if kind in ("task", "flaky"):
            assert result == f"done {token}"
        elif kind == "fan":
            assert result == [f"done {token}.{n}" for n in range(step[1])]
        elif kind == "child" and result == "child failed":
            assert child_id(token) in may_fail
        elif kind == "child":
            check_said(child_id(token), step[1], result, may_fail)
        elif kind.startswith("event") and result != "timeout":
            assert result == {"name": step[1], "number": taken[step[1]]}
            taken[step[1]] += 1
        else:
            assert (kind, result) in EXPECTED


EXPECTED = {
    ("fails", "failed"),
    ("sleep", "slept"),
    ("again", "again"),
    ("event_or_timeout", "timeout"),
}
