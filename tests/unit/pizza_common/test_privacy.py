"""Where a customer lives is shown to who brings the pizza there, and to nobody else."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from pizza_common.event import OrderEvent, moment
from pizza_common.order import Order
from pizza_common.order_key import order_key
from pizza_common.principal import NOBODY, Role
from pizza_common.privacy import shown_to
from pizza_common.status import Status
from tests.unit.callers import MODES, SECRET, bearer, role_token, service
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.pizza_workflow.fake_workflows import FakeWorkflows
from tests.unit.services import ORDER

Answers = list[tuple[FlaskClient, str]]

ADDRESS = json.dumps(ORDER["customer"]["address"])
PATHS = ["/order/123", "/orders", "/orders?older_than_seconds=0", "/orders?status=cooked"]
RESULT = {"order_id": "123", "status": "completed", "delivery_result": ORDER}


@pytest.fixture
def workflows() -> FakeWorkflows:
    found = FakeWorkflows()
    found.put("COMPLETED", result=RESULT)
    return found


@pytest.fixture
def answers(sidecar: FakeSidecar, workflows: FakeWorkflows) -> Answers:
    """Clients and the paths at which they tell of an order."""
    book = service("pizza-order", sidecar, workflows, **MODES["tokens"])
    lately = moment(datetime.now(UTC) - timedelta(seconds=10))
    order = Order.model_validate(ORDER)
    event = OrderEvent.announce(order, Status.COOKED, "pizza-test", at=lately)
    book.application.extensions["order_book"].note(event)
    desk = service("pizza-workflow", sidecar, workflows, **MODES["tokens"])
    return [*((book, path) for path in PATHS), (desk, "/get-status/123")]


@pytest.mark.parametrize(
    ("role", "sees"), [("kitchen", False), ("manager", False), ("operator", True)]
)
def test_the_kitchen_and_managers_see_a_name_and_operators_the_whole(
    answers: Answers, role: Role, sees: bool
) -> None:
    for client, path in answers:
        answer = client.get(path, headers=role_token(role))
        assert answer.status_code == 200, path
        assert (ADDRESS in answer.text) is sees, path
        assert ("555-0123" in answer.text) is sees, path
        assert "John Doe" in answer.text, path


def test_customers_see_their_own_order_whole(answers: Answers) -> None:
    headers = bearer(order_key(SECRET, "123"))
    for client, path in (answers[0], answers[-1]):
        assert ADDRESS in client.get(path, headers=headers).text


def test_what_has_no_customer_is_shown_as_it_is() -> None:
    told = {"customer": "a key", "orders": [None, {"order_id": "1"}], "cursor": None}
    assert shown_to(NOBODY, told) == told
