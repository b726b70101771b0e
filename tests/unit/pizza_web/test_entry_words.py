import pytest

from entry_words import doer, happened, said, said_to_customers, without_turning_back

ERROR = "refund_payment: pizza-storefront: An operator asked for this at refund_payment."


def entry(status, detail="", by=None, at="2026-01-01T12:00:00.000Z"):
    return {"status": status, "detail": detail, "by": by, "at": at, "service": "pizza-workflow"}


@pytest.mark.parametrize(
    ("by", "shown"),
    [
        ("Maria", "by Maria"),
        ("manager", "by the manager"),
        ("pizza-workflow", "by the shop"),
        (None, ""),
    ],
)
def test_who_did_it_is_named(by, shown):
    assert doer(entry("validated", by=by)) == shown


@pytest.mark.parametrize(
    ("told", "detail"),
    [
        (entry("validated", "manager", "manager"), ""),
        (entry("rejected", "Maria: burnt", "Maria"), "burnt"),
        (entry("cancelled", "cancelled", "customer"), ""),
        (entry("cancelled", "too late", "customer"), "too late"),
        (entry("escalated", "No manager validated the pizza within 0:01:00"), ""),
        (entry("payment_authorized", "2050 cents"), "$20.50"),
        (entry("validated", "<b>", "Maria"), "&lt;b&gt;"),
    ],
)
def test_a_detail_says_only_what_is_not_said_beside_it(told, detail):
    assert said(told) == said_to_customers(told) == detail


def test_amounts_and_times_are_shown_as_such():
    shown = said(entry("order_confirmed", "2050 cents, estimated at 2026-01-01T10:55:31.353Z"))
    assert shown.startswith("$20.50, estimated at <time")
    assert "2026-01-01 10:55 UTC</time>" in shown


@pytest.mark.parametrize(
    ("told", "detail"),
    [
        (entry("needs_attention", ERROR), ""),
        (entry("failed", "pizza-storefront: no connection"), ""),
        (
            entry("failed", "pizza-kitchen: The kitchen has not enough basil."),
            "The kitchen has not enough basil.",
        ),
        (
            entry("failed", "Pizza validation failed - need to remake"),
            "The manager did not approve it",
        ),
        (entry("failed", "changed my mind", "customer"), "changed my mind"),
    ],
)
def test_customers_see_no_step_and_no_service(told, detail):
    assert said_to_customers(told) == detail


def test_operators_see_what_a_service_said():
    assert said(entry("needs_attention", ERROR)) == ERROR


def test_an_order_that_was_cancelled_is_so_whatever_could_not_be_undone():
    assert happened(entry("failed", "cancelled", "customer")) == "Cancelled"
    assert happened(entry("failed", "pizza-kitchen: no connection")) == "Called off by the shop"


def test_time_does_not_run_backwards():
    told = [entry("cooked", at=at) for at in ("T1", "T5", "T2", "T2", "T5")]
    shown = [each["shown_at"] for each in without_turning_back(told)]
    assert shown == ["T1", None, "T2", "T2", "T5"]
    assert without_turning_back([]) == []
