"""What docs/workflow.md says about shipping a change while orders are in flight, done."""

import pytest

import pizza_workflow
from first_form import first_form
from localdapr.replaying import IncompatibleCodeError, load_history
from localdapr.testing import WorkflowEnvironment
from pizza_activities import Shop, announce
from place import Place
from tests.replay.conftest import INSTANCE, Play
from tests.replay.golden_histories import golden
from tests.replay.shop_answers import ORDER
from tests.replay.story_steps import CONFIRMED, DELIVERED, WAITING
from worker import register, workflow_of

OLD_WAY = pizza_workflow.promise_to_customer
TEXTED = "announce confirmed"


def text_too(saga, terms, payment):
    """The changed phase: the customer gets a second message."""
    yield from OLD_WAY(saga, terms, payment)
    yield from saga.step(announce, Place.CONFIRMING, status="confirmed")


def text_too_if_patched(saga, terms, payment):
    if saga.ctx.is_patched("text-too"):
        yield from text_too(saga, terms, payment)
    else:
        yield from OLD_WAY(saga, terms, payment)


def ship(monkeypatch, changed_phase):
    monkeypatch.setattr(pizza_workflow, "promise_to_customer", changed_phase)


def test_a_patched_change_is_shipped_while_an_order_is_in_flight(play, monkeypatch):
    order = play()
    assert order.done == WAITING
    ship(monkeypatch, text_too_if_patched)
    order.decide(approved=True)
    assert order.done == DELIVERED, "begun on the old code, it keeps the old way to its end"
    assert order.result["status"] == "completed"


def test_an_order_in_flight_that_has_not_come_to_the_change_takes_the_new_way(env, monkeypatch):
    later = {**ORDER, "scheduled_for": "2030-01-01T19:00:00.000Z"}
    order = Play(env, {}).start(later)
    ship(monkeypatch, text_too_if_patched)
    order.pass_time(19 * 3600).decide(approved=True)
    assert TEXTED in order.done
    assert order.result["status"] == "completed"


def test_a_new_order_takes_the_new_way(play, monkeypatch):
    ship(monkeypatch, text_too_if_patched)
    assert play().done == [*CONFIRMED, TEXTED, *WAITING[len(CONFIRMED) :]]


def test_a_patched_change_breaks_no_golden_history(env, monkeypatch):
    ship(monkeypatch, text_too_if_patched)
    for path in golden():
        env.replay(load_history(path))


def test_an_incompatible_change_is_caught_and_the_way_out_named(env, monkeypatch):
    ship(monkeypatch, text_too)
    happy = next(path for path in golden() if path.stem == "happy" and path.parent.name == "golden")
    with pytest.raises(IncompatibleCodeError, match=r"ctx\.is_patched\("):
        env.replay(load_history(happy))


def test_an_incompatible_change_would_break_the_orders_in_flight(play, monkeypatch):
    order = play()
    ship(monkeypatch, text_too)
    order.decide(approved=True)
    assert (order.state.status, order.state.error_type) == ("FAILED", "NonDeterminismError")


class Release:
    """A runtime's registrations, with the code of `pizza_workflow` that is deployed just now."""

    def __init__(self, runtime, code):
        self.runtime, self.code = runtime, code

    def register_workflow(self, workflow, *, name):
        def deployed(ctx, given):
            return (yield from workflow_of(self.code[-1])(ctx, given))

        chosen = deployed if name == "pizza_workflow" else workflow
        self.runtime.register_workflow(chosen, name=name)

    def register_activity(self, activity, *, name):
        self.runtime.register_activity(activity, name=name)


@pytest.fixture
def first_shop():
    """A play on the first form's code; `code.append(...)` deploys another."""
    code = [first_form]
    shop = Shop(sidecar=None)
    with WorkflowEnvironment(
        register=lambda runtime: register(Release(runtime, code), shop)
    ) as env:
        yield env, code


FIRST_WAITING = ["order_pizza", "cook_pizza", "validate_pizza"]


def in_flight(first_shop):
    """An order that the first form brought to its manager, then the deployment of today's code."""
    env, code = first_shop
    order = Play(env, {})
    env.start("pizza_workflow", {"order": ORDER, "validation_seconds": 600}, INSTANCE)
    assert order.done == FIRST_WAITING
    code.append(pizza_workflow.pizza_workflow)
    return order


def test_an_order_of_the_first_form_is_delivered_by_todays_code(first_shop):
    order = in_flight(first_shop).decide(approved=True)
    assert order.done == [*FIRST_WAITING, "announce validated", "deliver_pizza"]
    assert order.result["status"] == "completed"


def test_an_order_of_the_first_form_is_remade_and_cancelled_by_todays_code(first_shop):
    order = in_flight(first_shop).decide(approved=False, remake=True).cancel("slow")
    undone = ["discard_pizza 2", "discard_pizza", "refund_order", "announce cancelled"]
    assert order.done[-4:] == undone
    assert order.result["reason"] == "slow"


def test_an_order_of_the_first_form_times_out_as_it_was_promised(first_shop):
    order = in_flight(first_shop).pass_time(600)
    assert order.done[3:] == [
        "close_validation",
        "discard_pizza",
        "refund_order",
        "announce failed",
    ]
    assert order.result["status"] == "failed"


def test_the_next_order_takes_todays_way(first_shop):
    env, code = first_shop
    code.append(pizza_workflow.pizza_workflow)
    assert Play(env, {}).start().done == WAITING
