"""Fewer drivers than orders: they queue, and none of them fails."""

from pathlib import Path

from tests.system.conftest import OpenShop
from tests.system.shop import an_order
from tests.system.test_many_orders import FEW, all_at_once

ORDERS = 12


def test_with_one_driver_a_dozen_orders_are_all_delivered(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    few = {"PIZZA_DRIVERS": "1", "PIZZA_DRIVER_WAIT_SECONDS": "0"}
    with open_shop(tmp_path, 0.1, **few) as shop:
        ids = all_at_once(shop.place, [an_order() for _ in range(ORDERS)])
        all_at_once(lambda each: shop.wait_for_place(each, "waiting_for_validation"), ids, FEW)
        all_at_once(shop.approve, ids)
        ends = all_at_once(shop.wait_for_end, ids, FEW)
        assert [end["result"]["status"] for end in ends] == ["completed"] * ORDERS
        seen = [{entry["status"] for entry in shop.timeline(each)} for each in ids]
        assert any("waiting_for_driver" in statuses for statuses in seen)
