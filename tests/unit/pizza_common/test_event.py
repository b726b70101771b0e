import pytest
from pydantic import ValidationError

from pizza_common.event import OrderEvent
from pizza_common.order import Order
from pizza_common.status import Status
from tests.unit.services import ORDER


def an_event(**more):
    return OrderEvent.announce(Order.model_validate(ORDER), Status.COOKED, "pizza-kitchen", **more)


def test_the_id_follows_from_order_status_and_round():
    assert an_event().event_id == an_event().event_id == "123:cooked"
    assert an_event(attempt=2).event_id == "123:cooked:2"
    assert an_event(repeat=3).event_id == "123:cooked:1:3"


def test_an_event_survives_the_wire_with_the_order_as_it_was_sent():
    event = an_event(detail="crisp")
    sent = event.model_dump(mode="json", exclude_none=True)
    assert OrderEvent.model_validate(sent) == event
    assert sent["order"] == ORDER


def test_the_timeline_entry_says_what_is_not_usual():
    assert an_event(at="2026-01-01T00:00:00.000Z").entry() == {
        "status": "cooked",
        "at": "2026-01-01T00:00:00.000Z",
        "service": "pizza-kitchen",
    }
    assert (
        an_event(attempt=2, repeat=3, detail="crisp").entry().items()
        >= {
            "attempt": 2,
            "repeat": 3,
            "detail": "crisp",
        }.items()
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_id": "123:delivered"},
        {"order_id": "124", "event_id": "124:cooked"},
        {"status": "burnt"},
        {"at": "yesterday"},
        {"order": {}},
        {"service": ""},
    ],
)
def test_an_event_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(ValidationError):
        OrderEvent.model_validate(an_event().model_dump(mode="json") | wrong)
