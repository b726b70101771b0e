import re
from datetime import UTC, datetime, timedelta

import pytest

from manager_pages import left_until
from pizza_common.errors import PeerRefused, PeerUnavailable
from pizza_common.event import moment
from tests.unit.pizza_web.fake_shop import FakeShop, browser_of, first_event, text

APPROVE = {"order_id": "123", "round": "1", "verdict": "approve", "reason": ""}
REJECT = {"order_id": "123", "round": "2", "verdict": "reject", "reason": "burnt"}


def after(**time):
    return moment(datetime.now(UTC) + timedelta(seconds=30, **time))


def approval(**fields):
    shown = {
        "order_id": "123",
        "round": 1,
        "items": [{"pizza_type": "funghi", "size": "small", "quantity": 2}],
        "customer": {"name": "Maria <script>"},
        "waiting_since": after(hours=-1),
        "reminders": 1,
        "reminder_at": after(hours=1, minutes=5),
        "cancelled_at": after(days=1, hours=2),
        "paused": False,
        "remakes_left": 1,
    }
    return {**shown, **fields}


def decision(**fields):
    shown = {
        "order_id": "9",
        "round": 1,
        "approved": False,
        "remake": None,
        "by": "Ann",
        "reason": "burnt",
        "at": "2026-11-01T10:05:00.000Z",
    }
    return {**shown, **fields}


@pytest.fixture
def shop():
    shop = FakeShop()
    shop.have("GET", "pizza-workflow/approvals", {"approvals": [approval()], "more": False})
    shop.have("GET", "pizza-order/decisions", {"decisions": [decision()]})
    shop.have("POST", "pizza-workflow/validate-pizza", {"order_id": "123"})
    return shop


@pytest.fixture
def visitor(shop):
    return browser_of(shop, "manager")


def decide(visitor, form, follow_redirects=True):
    return visitor.post("/manager/decisions", data=form, follow_redirects=follow_redirects)


def test_what_waits_is_told_with_the_time_that_is_left(visitor):
    said = text(visitor.get("/manager").text)
    assert "Waiting for approval 1" in said
    assert "Funghi, small for Maria &lt;script&gt; Is cancelled" in said
    assert "Is cancelled in 1 d 2 h order 123" in said
    assert re.search(r"Next reminder in 1 h 5 min, at \d\d:\d\d UTC , 1 sent", said)


def test_a_paused_order_has_no_deadline(visitor, shop):
    paused = approval(paused=True, reminder_at=None, cancelled_at=None)
    shop.have("GET", "pizza-workflow/approvals", {"approvals": [paused], "more": True})
    said = text(visitor.get("/manager").text)
    assert "The time stands still until the order is resumed." in said
    assert "Waiting for approval 1+" in said


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ({"minutes": -5}, "any moment"),
        ({"seconds": 0}, "in less than a minute"),
        ({"minutes": 59}, "in 59 min"),
        ({"hours": 3}, "in 3 h"),
        ({"days": 2, "hours": 1, "minutes": 7}, "in 2 d 1 h"),
    ],
)
def test_the_time_that_is_left_is_told_to_the_minute(time, words):
    seconds = 30 + time.pop("seconds", 0)
    assert left_until(moment(datetime.now(UTC) + timedelta(seconds=seconds, **time))) == words


def test_the_last_decisions_tell_who_and_why(visitor, shop):
    found = [
        decision(approved=True, reason=None),
        decision(remake=True, round=2),
        decision(by="", reason="cold"),
    ]
    shop.have("GET", "pizza-order/decisions", {"decisions": found})
    said = text(visitor.get("/manager").text)
    assert "Approved 10:05 UTC order 9 by Ann Made again" in said
    assert "Made again 10:05 UTC order 9 (round 2) by Ann: burnt" in said
    assert "Rejected 10:05 UTC order 9 cold" in said


def test_what_was_made_again_as_often_as_it_may_be_cannot_be_again(visitor, shop):
    assert 'value="remake"' in visitor.get("/manager").text
    last = {"approvals": [approval(remakes_left=0)], "more": False}
    shop.have("GET", "pizza-workflow/approvals", last)
    html = visitor.get("/manager").text
    assert ('value="remake"' in html, 'value="reject"' in html) == (False, True)


def test_of_many_the_most_urgent_are_shown_and_the_page_stays_small(visitor, shop):
    many = [approval(order_id=f"order-{number}") for number in range(100)]
    shop.have("GET", "pizza-workflow/approvals", {"approvals": many, "more": True})
    html = visitor.get("/manager").text
    assert "Waiting for approval 100+" in text(html)
    assert ('id="approval-order-24-1"' in html, 'id="approval-order-25-1"' in html) == (True, False)
    assert "These are the most urgent ones." in html
    assert len(html) < 70_000


def test_the_live_region_is_the_same_fragment(visitor):
    fragment = text(first_event(visitor, "/live/manager"))
    assert "Funghi, small" in fragment
    assert fragment in text(visitor.get("/manager").text)


def test_an_approval_names_its_round_and_its_approver(visitor, shop):
    answer = decide(visitor, APPROVE)
    sent = {"order_id": "123", "round": 1, "approved": True, "remake": False, "approver": "Maria"}
    assert shop.sent("POST") == [("pizza-workflow/validate-pizza", sent)]
    assert "Order 123 is approved." in answer.text
    assert {who.name for who in shop.identities} == {"Maria"}


@pytest.mark.parametrize(("verdict", "remake"), [("reject", False), ("remake", True)])
def test_a_rejection_says_why(visitor, shop, verdict, remake):
    decide(visitor, {**REJECT, "verdict": verdict})
    ((_, sent),) = shop.sent("POST")
    told = (sent["approved"], sent["remake"], sent["reason"], sent["round"])
    assert told == (False, remake, "burnt", 2)


@pytest.mark.parametrize("verdict", ["reject", "remake"])
def test_a_rejection_without_a_reason_is_asked_for_one(visitor, shop, verdict):
    answer = decide(visitor, {**REJECT, "verdict": verdict, "reason": " "})
    assert (answer.status_code, shop.sent("POST")) == (400, [])
    assert 'aria-invalid="true" aria-describedby="again-problem"' in answer.text
    assert "Say what is wrong with it." in answer.text
    assert 'name="round" value="2"' in answer.text


@pytest.mark.parametrize("number", ["", "1" * 5000, "-1", "1.5", "\u0661"])
def test_a_round_that_is_none_decides_nothing(visitor, shop, number):
    form = {"order_id": "123", "round": number, "verdict": "approve"}
    assert visitor.post("/manager/decisions", data=form).status_code == 400
    assert shop.sent("POST") == []


def test_what_is_refused_about_the_reason_is_told_beside_it_and_nothing_is_lost(visitor, shop):
    refused = PeerRefused("pizza-workflow: Cannot use: reason", 400, (("reason", "is too long"),))
    shop.have("POST", "pizza-workflow/validate-pizza", refused)
    answer = decide(visitor, REJECT)
    assert answer.status_code == 400
    assert '<small id="again-problem">is too long</small>' in answer.text
    assert 'value="burnt"' in answer.text


def test_the_second_of_two_managers_is_told_what_the_first_decided(visitor, shop):
    said = "Order 123 was already decided: approved by Ann."
    refused = PeerRefused(f"pizza-workflow: {said}", 409)
    shop.have("POST", "pizza-workflow/validate-pizza", refused)
    told = text(decide(visitor, REJECT).text)
    assert (told.count(said), "pizza-workflow" in told) == (1, False)


def test_without_an_answer_the_same_decision_is_shown_to_be_sent_again(visitor, shop):
    away = PeerUnavailable("away")
    shop.have("POST", "pizza-workflow/validate-pizza", away)
    shop.have("GET", "pizza-workflow/approvals", away)
    answer = decide(visitor, REJECT)
    assert answer.status_code == 503
    assert 'name="round" value="2"' in answer.text
    assert 'value="burnt"' in answer.text


def test_an_operator_looks_only_and_the_others_do_not(shop):
    operator = browser_of(shop, "operator")
    assert "/manager/decisions" not in operator.get("/manager").text
    assert "/manager/decisions" not in first_event(operator, "/live/manager")
    assert "/manager/decisions" in first_event(browser_of(shop, "manager"), "/live/manager")
    assert decide(operator, APPROVE).status_code == 403
    assert browser_of(shop, "kitchen").get("/manager").status_code == 403
    assert "/sign-in" in browser_of(shop).get("/manager").headers["Location"]
    assert shop.sent("POST") == []


def test_a_form_of_another_site_decides_nothing(shop):
    visitor = browser_of(shop, "manager")
    visitor.application.config["WTF_CSRF_ENABLED"] = True
    assert decide(visitor, APPROVE).status_code == 400
    assert shop.sent("POST") == []
