import pytest

from saga import dumped
from tests.unit.services import an_order
from ticket import Terms, Ticket
from workflow_client import Instance


@pytest.fixture
def wait(sidecar, workflows, slips, monkeypatch):
    """Lets an order wait for its manager since the first minute of that hour."""
    listed = []

    def invoke(app_id, path, **_):
        assert app_id == "pizza-order"
        assert "status=cooked&status=waiting_for_validation" in path
        return {"orders": listed, "cursor": None}

    def make(order_id="123", *more, minute=0, round_=1, hours=3, reminders=2, placed=0):
        order = an_order(order_id=order_id)
        terms = Terms(validation_seconds=hours * 3600, reminders=reminders, remakes=2)
        given = dumped(Ticket(order=order, terms=terms))
        workflows.instances[order_id] = Instance("RUNNING", "waiting_for_validation", input=given)
        slips.open(order_id, round_)
        times = {"placed_at": at(placed), "updated_at": at(minute)}
        waiting = said("waiting_for_validation", minute, attempt=round_)
        listed[:] = [each for each in listed if each["order_id"] != order_id]
        listed.append({**order, **times, "attempt": round_, "timeline": [waiting, *more]})

    monkeypatch.setattr(sidecar, "invoke", invoke)
    return make


def at(minute):
    return f"2026-11-01T{10 + minute // 60:02}:{minute % 60:02}:00.000Z"


def said(status, minute, **more):
    return {"status": status, "at": at(minute), "service": "pizza-workflow", **more}


@pytest.fixture
def approvals(client):
    return lambda: client.get("/approvals").get_json()["approvals"]


def test_what_waits_is_told_with_the_time_that_is_left(approvals, wait):
    wait(minute=1)
    assert approvals() == [
        {
            "order_id": "123",
            "round": 1,
            "items": [{"pizza_type": "pepperoni", "size": "large", "quantity": 1}],
            "customer": {"name": "John Doe"},
            "waiting_since": at(1),
            "reminders": 0,
            "reminder_at": at(61),
            "cancelled_at": at(181),
            "paused": False,
            "remakes_left": 2,
        }
    ]


def times(approval):
    return approval["reminders"], approval["reminder_at"], approval["cancelled_at"]


def test_each_reminder_that_was_sent_counts_from_when_it_was(approvals, wait):
    first, second = said("validation_reminder", 62), said("validation_reminder", 125, repeat=2)
    wait("none", reminders=0)
    wait("one", first)
    wait("both", first, second)
    told = {each["order_id"]: times(each) for each in approvals()}
    assert told == {
        "none": (0, None, at(180)),
        "one": (1, at(122), at(182)),
        "both": (2, None, at(185)),
    }


def test_a_remake_waits_anew(approvals, wait):
    wait("123", said("validation_reminder", 5), minute=70, round_=2)
    (approval,) = approvals()
    assert (approval["round"], approval["waiting_since"]) == (2, at(70))
    assert approval["remakes_left"] == 1
    assert times(approval) == (0, at(130), at(250))


def test_what_is_cancelled_first_comes_first_and_what_is_paused_last(approvals, wait):
    wait("paused", said("paused", 1), hours=1)
    wait("long", hours=9)
    wait("soon", minute=30, hours=2)
    assert [each["order_id"] for each in approvals()] == ["soon", "long", "paused"]


def test_a_paused_order_waits_for_as_long_as_it_is_paused(approvals, wait):
    wait("123", said("paused", 1))
    (approval,) = approvals()
    assert (approval["paused"], *times(approval)) == (True, 0, None, None)


def test_the_clock_of_an_order_that_was_resumed_goes_on(approvals, wait):
    wait("123", said("paused", 1), said("resumed", 2))
    assert approvals()[0]["cancelled_at"] == at(180)


def test_what_is_decided_does_not_wait_whatever_the_book_says(approvals, wait, post):
    wait()
    assert post("/validate-pizza", approved=True)[0] == 200
    assert approvals() == []


def test_a_decision_that_the_workflow_was_not_told_has_to_be_seen_to(approvals, wait, slips):
    wait()
    slips.decide("123", *slips.read("123"), {"approved": True})
    assert [each["order_id"] for each in approvals()] == ["123"]


def test_what_no_workflow_waits_for_is_left_out(approvals, wait, workflows):
    wait()
    workflows.instances.clear()
    assert approvals() == []


def test_the_engine_is_asked_once_for_each_order(approvals, wait, workflows, monkeypatch):
    asked, find = [], workflows.find
    monkeypatch.setattr(workflows, "find", lambda name: asked.append(name) or find(name))
    for number in range(100):
        wait(str(number))
    assert len(approvals()) == len(approvals()) == 100
    assert len(asked) == 100


def test_an_order_with_the_id_of_a_forgotten_one_has_its_own_terms(approvals, wait):
    wait(hours=3)
    assert approvals()[0]["cancelled_at"] == at(180)
    wait(hours=9, placed=1)
    assert approvals()[0]["cancelled_at"] == at(540)


def test_it_says_when_there_may_be_more(client, wait, workflows):
    wait("first")
    assert client.get("/approvals").get_json()["more"] is False
    for number in range(99):
        wait(str(number))
    workflows.instances.pop("5")
    assert client.get("/approvals").get_json()["more"] is True
