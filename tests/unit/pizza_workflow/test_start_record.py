"""Orders whose workflows the engine was given under ids of their own."""

import pytest

from pizza_common.errors import Conflict
from pizza_common.order import Order
from start_record import StartRecords
from tests.unit.services import ORDER

MINE = "my-first-one"


@pytest.fixture
def records(sidecar):
    return StartRecords(sidecar)


def test_a_claim_may_be_repeated_but_not_by_another_workflow(records):
    order = Order.model_validate(ORDER)
    records.claim_for(order, MINE)
    records.claim_for(order, MINE)
    with pytest.raises(Conflict):
        records.claim_for(order, "another")


def test_an_order_that_was_started_is_not_claimed(records, post):
    post("/start-order", ORDER)
    with pytest.raises(Conflict):
        records.claim_for(Order.model_validate(ORDER), MINE)


def test_a_claimed_order_is_forgotten_once_its_own_workflow_is_over(records, post, workflows):
    records.claim_for(Order.model_validate(ORDER), MINE)
    workflows.put_as(MINE, "RUNNING")
    assert post("/forget-order")[0] == 409
    assert post("/start-order", ORDER)[0] == 200
    assert workflows.names() == []
    workflows.put_as(MINE, "COMPLETED")
    assert post("/start-order", ORDER)[1]["runtime_status"] == "COMPLETED"
    post("/forget-order")
    assert ("purge", MINE) in workflows.calls
