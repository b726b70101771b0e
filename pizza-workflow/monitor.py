"""The monitor: an eternal workflow that looks after the whole shop, one round after the other.

Each round is an execution of its own (continue-as-new), so that its history never grows. Its
rules travel with it; new ones reach it as an event, which is never lost between two rounds.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, TaskFailedError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from monitor_activities import (
    Forgotten,
    Purchase,
    Restocked,
    Rules,
    StuckOrders,
    find_stuck,
    forget_old,
    restock,
)
from pizza_activities import announce
from pizza_common.status import Status, stuck_at
from saga import POLITENESS, dumped, read
from steps import Announcement, Step

MONITOR_ID = "shop-monitor"
NEW_RULES = "NewRules"
RETENTION = "retention"
"""The patch since which a round forgets orders."""

SWEEPS = 5
"""How often a round asks for orders to forget, each time at most a page of the list of orders."""


class Watch(BaseModel):
    """What a round is begun with, and what the one before it found."""

    model_config = ConfigDict(frozen=True)

    rules: Rules
    round: int = Field(default=1, ge=1)
    report: str = "no round is done yet"


def shop_monitor(ctx: DaprWorkflowContext, watch: Watch) -> Generator[Any, Any, None]:
    """Report orders that are stuck, buy what runs out, forget what is over, and begin anew."""
    ctx.set_custom_status(watch.report)
    stuck = yield from report_stuck_orders(ctx, watch.rules)
    bought = yield from buy_what_is_low(ctx, watch)
    report = f"round {watch.round}: {stuck}; {bought}"
    if ctx.is_patched(RETENTION):
        report += f"; {(yield from forget_what_is_over(ctx, watch.rules))}"
    ctx.set_custom_status(report)
    rules = yield from wait_for_next_round(ctx, watch.rules)
    following = Watch(rules=rules, round=watch.round + 1, report=report)
    ctx.continue_as_new(dumped(following), save_events=True)


def report_stuck_orders(ctx: DaprWorkflowContext, rules: Rules) -> Generator[Any, Any, str]:
    """Each order that stays too long in a status is announced, once for that status.

    The book names those first that were not announced yet, so that all have their turn.
    """
    found: StuckOrders | None = yield from _ask(ctx, find_stuck, rules)
    if found is None:
        return "the order book did not answer"
    for stuck in found.orders:
        said = Announcement(
            order=stuck.order,
            status=Status.NEEDS_ATTENTION,
            repeat=2 + list(Status).index(stuck.status),  # 1 is what the order's workflow says
            detail=stuck_at(stuck.status),
        )
        yield from _ask(ctx, announce, said)
    return f"{len(found.orders)} stuck"


def buy_what_is_low(ctx: DaprWorkflowContext, watch: Watch) -> Generator[Any, Any, str]:
    """Have the kitchen filled up by rule."""
    # A monitor that is started anew counts its rounds anew: the time tells them apart.
    key = f"monitor-{ctx.current_utc_datetime:%Y%m%dT%H%M%S%f}-{watch.round}"
    purchase = Purchase(**dumped(watch.rules), key=key)
    done: Restocked | None = yield from _ask(ctx, restock, purchase)
    if done is None:
        return "the kitchen did not answer"
    return f"bought {', '.join(done.bought) or 'nothing'}"


def forget_what_is_over(ctx: DaprWorkflowContext, rules: Rules) -> Generator[Any, Any, str]:
    """Have those orders forgotten that are over since long ago, so many in a round."""
    orders = 0
    for _ in range(SWEEPS):
        done: Forgotten | None = yield from _ask(ctx, forget_old, rules)
        if done is None:
            return f"forgot {orders}, then no answer"
        orders += done.orders
        if not done.more:
            break
    return f"forgot {orders}"


def wait_for_next_round(ctx: DaprWorkflowContext, rules: Rules) -> Generator[Any, Any, Rules]:
    """The rules of the next round: new ones begin it at once, else these after their time."""
    wait = timedelta(seconds=rules.every_seconds)
    try:
        return Rules.model_validate((yield ctx.wait_for_external_event(NEW_RULES, timeout=wait)))
    except (TimeoutError, ValidationError):
        return rules


def _ask(ctx: DaprWorkflowContext, step: Step, given: BaseModel) -> Generator[Any, Any, Any]:
    """The step's answer; None when it fails: there is another round."""
    try:
        answer = yield ctx.call_activity(
            step.__name__, input=dumped(given), retry_policy=POLITENESS
        )
    except TaskFailedError:
        return None
    return read(step, answer)
