from pizza_common import status
from pizza_common.status import Status, rank


def test_a_happy_order_passes_its_statuses_in_order():
    stages = status.STOREFRONT_STAGES + status.KITCHEN_STAGES + status.DELIVERY_STAGES
    taken, cooked, delivered = stages[:3], stages[3:8], stages[8:]
    happy = [
        *(stage.status for stage in taken),
        *(Status.PAYMENT_AUTHORIZED, Status.STOCK_RESERVED, Status.ORDER_CONFIRMED),
        *(stage.status for stage in cooked),
        *(Status.COOKED, Status.WAITING_FOR_VALIDATION, Status.VALIDATED),
        Status.WAITING_FOR_DRIVER,
        *(stage.status for stage in delivered),
        *(Status.DELIVERED, Status.PAYMENT_CAPTURED),
    ]
    assert sorted(happy, key=rank) == happy


def test_a_second_round_ranks_above_the_first_and_below_the_delivery():
    first, again = rank(Status.REJECTED), rank(Status.COOKING_PREPARING_INGREDIENTS, 2)
    assert first < again < rank(Status.DELIVERY_FINDING_DRIVER)


def test_the_undoing_and_the_ending_rank_above_everything():
    endings = (Status.CANCELLED, Status.FAILED, Status.TERMINATED)
    undoing = (
        *(Status.DELIVERY_RECALLED, Status.PIZZA_DISCARDED, Status.STOCK_RELEASED),
        *(Status.PAYMENT_VOIDED, Status.PAYMENT_REFUNDED, Status.ORDER_CANCELLED),
    )
    assert rank(Status.DELIVERED) < min(map(rank, undoing))
    assert max(map(rank, undoing)) < min(map(rank, endings))


def test_the_stages_last_as_long_as_promised():
    assert [stage.seconds for stage in status.STOREFRONT_STAGES] == [1, 2, 1]
    assert [stage.seconds for stage in status.KITCHEN_STAGES] == [2, 3, 2, 5, 1]
    assert [stage.seconds for stage in status.DELIVERY_STAGES] == [2, 1, 2, 5, 2, 1]


def test_a_status_may_last_as_long_as_its_stage_and_some_patience():
    patience = status.PATIENCE_SECONDS
    assert status.allowed_seconds(Status.COOKING_BAKING, 2) == patience + 10
    assert status.allowed_seconds(Status.COOKED, 2) == patience
    assert status.allowed_seconds(Status.COOKING_BAKING, 2, pizzas=20) == patience + 10
    assert status.allowed_seconds(Status.COOKING_BAKING, 2, pizzas=41) == patience + 10 + 2 * 26
    assert status.allowed_seconds(Status.COOKED, 2, pizzas=41) == patience
    for unhurried in (*status.FINAL, Status.SCHEDULED, Status.WAITING_FOR_VALIDATION):
        assert status.allowed_seconds(unhurried, 1) is None
