"""The paths through the story whose histories are golden: each plays one order to where it ends."""

from collections.abc import Callable
from typing import Any

from tests.replay.conftest import Play
from tests.replay.shop_answers import ANSWERS, ORDER, after_waiting, feast, three_pizzas

Path = Callable[[Callable[..., Play], Callable[[Any], Any]], Play]

STEPS = (
    "order_pizza",
    "authorize_payment",
    "reserve_stock",
    "confirm_order",
    "cook_one_pizza",
    "open_validation",
    "validate_pizza",
    "deliver_pizza",
    "capture_payment",
)
UNDOS = ("recall_delivery", "discard_pizza", "release_stock", "refund_payment", "cancel_order")


def happy(play, _refuse):
    return play().decide(approved=True)


def many_pizzas(play, _refuse):
    return play(order=three_pizzas()).decide(approved=True)


def feast_in_batches(play, _refuse):
    return play(order=feast()).decide(approved=True)


def told_by_anyone(play, _refuse):
    return play().say(order_id="123", approved=True)


def remade_by_anyone(play, _refuse):
    return play().say(approved=False, remake=True).say(approved=True)


def rejected(play, _refuse):
    return play().decide(approved=False, reason="burnt")


def remade(play, _refuse):
    return play().decide(approved=False, remake=True).decide(2, approved=True)


def remade_too_often(play, _refuse):
    order = play()
    for round_ in (1, 2, 3):
        order.decide(round_, approved=False, remake=True)
    return order


def cancelled(play, _refuse):
    return play().cancel("other plans")


def reminded(play, _refuse):
    return play(reminders=2).pass_time(300).decide(approved=True)


def timed_out(play, _refuse):
    return play(reminders=2).pass_time(600)


def scheduled(play, _refuse):
    later = {**ORDER, "scheduled_for": "2030-01-01T19:00:00.000Z"}
    return play(order=later, lead_seconds=1800).pass_time(20 * 3600).decide(approved=True)


def cancelled_while_scheduled(play, _refuse):
    return play(order={**ORDER, "scheduled_for": "2030-01-01T19:00:00.000Z"}).cancel()


def without_loyalty(play, refuse):
    return play({"ask_loyalty": refuse}).decide(approved=True)


def delivered_though_its_answer_was_lost(play, refuse):
    told = ANSWERS["deliver_pizza"]
    return play({"deliver_pizza": refuse, "recall_delivery": told}).decide(approved=True)


def queued_for_a_driver(play, _refuse):
    return play({"deliver_pizza": after_waiting(3)}).decide(approved=True).pass_time(60)


def waiting(play, _refuse):
    return play()


def failed_at(step: str) -> Path:
    def path(play, refuse):
        order = play({step: refuse})
        return order if order.result else order.decide(approved=True)

    return path


def not_undone(undo: str) -> Path:
    return lambda play, refuse: play({"deliver_pizza": refuse, undo: refuse}).decide(approved=True)


PATHS: dict[str, Path] = {
    **{
        path.__name__: path
        for path in (
            happy,
            many_pizzas,
            feast_in_batches,
            told_by_anyone,
            remade_by_anyone,
            rejected,
            remade,
            remade_too_often,
            cancelled,
            reminded,
            timed_out,
            scheduled,
            cancelled_while_scheduled,
            without_loyalty,
            delivered_though_its_answer_was_lost,
            queued_for_a_driver,
            waiting,
        )
    },
    **{f"failed_at_{step}": failed_at(step) for step in STEPS},
    **{f"not_undone_{undo}": not_undone(undo) for undo in UNDOS},
}
