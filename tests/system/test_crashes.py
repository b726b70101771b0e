"""kill -9 of anything, at any time: every order that was started finishes, no stage shown twice."""

from collections.abc import Iterator

import pytest

from tests.system.conftest import OpenShop
from tests.system.runtime_cure import curing
from tests.system.shop import TIMELINE, Shop, an_order, wait_until_gone
from tools.dapr_shop import sidecar_of


def test_an_order_survives_the_death_of_the_kitchen_while_it_is_in_the_oven(
    slow_shop: Shop,
) -> None:
    order_id = slow_shop.place(an_order())
    slow_shop.wait_for_status(order_id, "cooking_baking")
    slow_shop.kill("pizza-kitchen")
    assert_all_are_delivered(slow_shop, [order_id])


def test_an_order_survives_the_death_of_every_service_in_turn(slow_shop: Shop) -> None:
    order_id = slow_shop.place(an_order())
    for app_id, status in [
        ("pizza-storefront", "processing"),
        ("pizza-workflow", "cooking_making_dough"),
        ("pizza-order", "cooking_baking"),
    ]:
        slow_shop.wait_for_status(order_id, status)
        slow_shop.kill(app_id)
    with curing(slow_shop, lambda: slow_shop.statuses(order_id)):
        slow_shop.wait_for_place(order_id, "waiting_for_validation")
        slow_shop.approve(order_id)
        slow_shop.wait_for_status(order_id, "delivery_on_the_way")
        slow_shop.kill("pizza-delivery")
        assert slow_shop.wait_for_end(order_id)["result"]["status"] == "completed"
        assert slow_shop.wait_for_statuses(order_id, TIMELINE) == TIMELINE


def test_waiting_orders_survive_the_death_of_the_engine_which_leaves_no_process(
    own_shop: Shop,
) -> None:
    waiting = [own_shop.place(an_order()) for _ in range(3)]
    for order_id in waiting:
        own_shop.wait_for_place(order_id, "waiting_for_validation")
    own_shop.kill_engine()
    wait_until_gone(own_shop.process.folder)
    own_shop.start_again()
    assert_all_are_delivered(own_shop, waiting)


def test_orders_at_work_survive_the_death_of_the_engine(own_shop: Shop) -> None:
    orders = [an_order() for _ in range(10)]
    ids = [own_shop.place(order) for order in orders]
    own_shop.wait_for_status(ids[0], "cooking_adding_toppings")
    own_shop.kill_engine()
    own_shop.start_again()
    known = [own_shop.place(order) for order in orders]
    assert known == ids  # and not begun anew
    assert_all_are_delivered(own_shop, ids)


@pytest.mark.dapr_only("localdapr has one process for all sidecars")
def test_an_order_survives_the_death_of_every_sidecar_in_turn(slow_shop: Shop) -> None:
    order_id = slow_shop.place(an_order())
    for app_id, status in [
        ("pizza-storefront", "processing"),
        ("pizza-workflow", "cooking_making_dough"),
        ("pizza-kitchen", "cooking_adding_toppings"),
        ("pizza-order", "cooking_baking"),
    ]:
        slow_shop.wait_for_status(order_id, status)
        slow_shop.process.kill_parts(sidecar_of(app_id))
        slow_shop.process.start_parts(sidecar_of(app_id))
        slow_shop.wait_until_ready()
    assert_all_are_delivered(slow_shop, [order_id])


def assert_all_are_delivered(shop: Shop, ids: list[str]) -> None:
    with curing(shop, lambda: [shop.statuses(order_id) for order_id in ids]):
        ends = [shop.deliver(order_id) for order_id in ids]
        assert [end["result"]["status"] for end in ends] == ["completed"] * len(ids)
        timelines = [shop.wait_for_statuses(order_id, TIMELINE) for order_id in ids]
        assert timelines == [TIMELINE] * len(ids)


def test_orders_survive_closing_and_opening_the_shop(own_shop: Shop) -> None:
    order_id = own_shop.place(an_order())
    own_shop.wait_for_status(order_id, "cooking_making_dough")
    own_shop.process.stop()
    wait_until_gone(own_shop.process.folder)
    own_shop.start_again()
    assert_all_are_delivered(own_shop, [order_id])


@pytest.fixture(scope="module")
def the_own_shop(open_shop: OpenShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("own"), 0.1) as shop:
        yield shop


@pytest.fixture
def own_shop(the_own_shop: Shop) -> Shop:
    """A shop that no other file's tests use: it is brought down and up again."""
    the_own_shop.process.check_alive()
    return the_own_shop
