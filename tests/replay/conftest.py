"""One order's workflow on the embedded engine, in the test's own process and on its own clock.

The real story, its children and its undo stack run; only the steps are fakes, so that a test
says what the shop does. Each turn is replayed by the SDK's own executor, so a story that is not
deterministic fails its test.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Self

import pytest

from localdapr.testing import Outcome, WorkflowEnvironment
from pizza_activities import Shop
from steps import NonRetryableError
from tests.replay.shop_answers import ANSWERS, ORDER
from worker import register

INSTANCE = "pizza-order-123"

Answer = Callable[[dict[str, Any]], Any]


class Play:
    """An order on its way. `answers` replaces what steps answer, by name."""

    def __init__(self, env: WorkflowEnvironment, answers: dict[str, Answer]) -> None:
        self.env = env
        for name, answer in {**ANSWERS, **answers}.items():
            env.fake(name, answer)

    def start(self, order: dict[str, Any] | None = None, **terms: Any) -> Self:
        """Begin, and go on until there is nothing to do but wait."""
        terms = {"validation_seconds": 600, **terms}
        self.env.start("pizza_workflow", {"order": order or ORDER, "terms": terms}, INSTANCE)
        return self

    @property
    def state(self) -> Outcome:
        return self.env.state(INSTANCE)

    @property
    def place(self) -> str | None:
        return self.state.custom_status

    @property
    def done(self) -> list[str]:
        """The steps so far, as `label` names them."""
        return [label(name, given) for name, given in self.env.calls]

    @property
    def result(self) -> Any:
        return self.state.output

    def end(self) -> Any:
        """Let the time pass until the order's workflow ends; its result."""
        return self.env.wait(INSTANCE).output

    def tell(self, event: str, data: Any = None) -> Self:
        self.env.raise_event(INSTANCE, event, data)
        return self

    def decide(self, round_: int = 1, **decision: Any) -> Self:
        """As the front desk does, which has written the decision on the slip."""
        return self.tell("ValidationComplete", {"round": round_, "on_slip": True, **decision})

    def say(self, **decision: Any) -> Self:
        """As anyone may, below HTTP."""
        return self.tell("ValidationComplete", decision)

    def cancel(self, reason: str | None = None) -> Self:
        return self.tell("CancelOrder", {"reason": reason})

    def pass_time(self, seconds: float) -> Self:
        self.env.advance(timedelta(seconds=seconds))
        return self


def label(name: str, given: dict[str, Any]) -> str:
    """`announce` by what it says, a pizza by its number, further attempts and repeats by theirs."""
    words = [name]
    if name == "announce":
        words.append(given["status"])
    if given.get("pizza", 1) > 1:
        words.append(f"#{given['pizza']}")
    return " ".join(words + [str(given[n]) for n in ("attempt", "repeat") if given.get(n, 1) > 1])


@pytest.fixture
def env() -> Iterator[WorkflowEnvironment]:
    shop = Shop(sidecar=None)  # type: ignore[arg-type]
    with WorkflowEnvironment(register=lambda runtime: register(runtime, shop)) as env:
        yield env


@pytest.fixture
def play(env: WorkflowEnvironment) -> Callable[..., Play]:
    """A new order that is begun: `play(answers, order, **terms)`."""

    def begin(
        answers: dict[str, Answer] | None = None, order: dict[str, Any] | None = None, **terms: Any
    ) -> Play:
        return Play(env, answers or {}).start(order, **terms)

    return begin


@pytest.fixture
def refuse() -> Answer:
    def answer(_given: dict[str, Any]) -> Any:
        raise NonRetryableError("no")

    return answer


@pytest.fixture
def fail() -> Answer:
    def answer(_given: dict[str, Any]) -> Any:
        raise RuntimeError("not now")

    return answer
