"""One order is one trace, from its start through every step to every service."""

from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from tests.system.conftest import OpenShop
from tests.system.otlp_collector import Collector, Span, collecting
from tests.system.shop import TIMELINE, Shop, an_order
from tools.shop_client import wait_for

STEPS = [
    "order_pizza",
    "ask_loyalty",
    "authorize_payment",
    "reserve_stock",
    "confirm_order",
    "cook_one_pizza",
    "announce",  # cooked
    "open_validation",
    "validate_pizza",
    "announce",  # validated
    "deliver_pizza",
    "capture_payment",
]

LISTENERS = 3  # the order book, loyalty, the pages

# Each line leads from the start of the order to a service; sidecars may put spans in between.
WAYS = [
    ["activity: order_pizza", "invoke pizza-storefront", "POST /order"],
    ["activity: ask_loyalty", "invoke pizza-loyalty", "POST /loyalty/<customer>/gifts"],
    [
        "activity: cook_one_pizza",
        "invoke pizza-kitchen",
        "POST /cook/<order_id:order_id>/pizzas/<int:number>",
        "PublishEvent",
        "POST /orders-sub",
    ],
    ["activity: deliver_pizza", "invoke pizza-delivery", "POST /deliver", "PublishEvent"],
    ["activity: announce", "PublishEvent", "POST /orders-sub"],
]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def shop(
    open_shop: OpenShop, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    # In this process's environment, which sidecars inherit, too: daprd reads the same variables.
    with pytest.MonkeyPatch.context() as patch:
        for name, value in collector.environment.items():
            patch.setenv(name, value)
        with open_shop(tmp_path_factory.mktemp("traced"), 0.05) as shop:
            yield shop


def steps_of(collector: Collector, order_id: str, count: int) -> list[str]:
    """The names of the order's steps, once that many have come."""
    wait_for(lambda: len(collector.steps(order_id)), lambda seen: seen >= count)
    return [span.name.removeprefix("activity: ") for span in collector.steps(order_id)]


def whole_trace(collector: Collector, order_id: str) -> dict[str, Span]:
    """The order's trace, once all who listen to its events have told of all of them."""

    def told() -> int:
        return sum(span.name == "POST /orders-sub" for span in collector.trace(order_id).values())

    wait_for(told, lambda seen: seen >= LISTENERS * len(TIMELINE))
    return wait_for(
        lambda: collector.trace(order_id),
        lambda trace: all(span.parent in {*trace, ""} for span in trace.values()),
    )


def ancestors(trace: dict[str, Span], span: Span) -> list[str]:
    """The names from the root to this span."""
    way = [span.name]
    while span.parent:
        span = trace[span.parent]
        way.insert(0, span.name)
    return way


def leads(way: list[str], names: list[str]) -> bool:
    """Whether the names are met on the way, in this order."""
    rest = iter(way)
    return all(name in rest for name in names)


def test_every_span_of_an_order_leads_to_the_request_that_started_it(
    collector: Collector, shop: Shop
) -> None:
    order_id = shop.place(an_order())
    shop.deliver(order_id)
    assert sorted(steps_of(collector, order_id, len(STEPS))) == sorted(STEPS)
    trace = whole_trace(collector, order_id)
    assert [span.name for span in trace.values() if not span.parent] == ["POST /start-order"]
    assert {span.service for span in trace.values()} == {app.app_id for app in shop.process.apps}
    ways = [ancestors(trace, span) for span in trace.values()]
    for way in WAYS:
        assert any(leads(each, ["POST /start-order", "StartInstance", *way]) for each in ways), way


def test_a_replay_after_a_crash_tells_no_step_again_and_goes_on_with_the_trace(
    collector: Collector, shop: Shop
) -> None:
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    until_validation = STEPS.index("validate_pizza") + 1
    steps_of(collector, order_id, until_validation)
    shop.kill("pizza-workflow")
    shop.deliver(order_id)
    told = Counter(steps_of(collector, order_id, len(STEPS)))
    # The last step may not have been on disk yet, and then it was run once more.
    assert told - Counter(STEPS) <= Counter(["validate_pizza"])
    assert told >= Counter(STEPS)
    trace = collector.trace(order_id)  # one, or it raises
    (request,) = [span for span in trace.values() if span.name == "POST /start-order"]
    assert not request.parent


def test_orders_of_a_batch_are_in_the_trace_of_its_request(
    collector: Collector, shop: Shop
) -> None:
    orders = [an_order(), an_order()]
    shop.post("/start-orders", {"orders": orders})
    for order in orders:
        steps_of(collector, order["order_id"], 1)
    spans = [span for order in orders for span in collector.steps(order["order_id"])]
    assert len({span.trace for span in spans}) == 1
    for order in orders:
        shop.wait_for_place(order["order_id"], "waiting_for_validation")


def test_a_page_is_one_trace_with_what_it_asks_of_the_services(
    collector: Collector, shop: Shop
) -> None:
    assert requests.get(shop.process.urls["pizza-web"], timeout=30).ok
    way = ["GET /", "invoke pizza-storefront", "GET /menu"]

    def ways() -> list[list[str]]:
        spans = list(collector.spans)
        pages = {span.trace for span in spans if (span.service, span.name) == ("pizza-web", way[0])}
        trace = {span.id: span for span in spans if span.trace in pages}
        whole = all(span.parent in {*trace, ""} for span in trace.values())
        return [ancestors(trace, span) for span in trace.values()] if whole else []

    wait_for(ways, lambda found: any(leads(each, way) for each in found))


def test_probes_make_no_traces(collector: Collector, shop: Shop) -> None:
    for app in shop.process.apps:
        shop.ask("GET", app.app_id, "/readyz")  # asks the sidecar, too
    order_id = shop.place(an_order())
    shop.deliver(order_id)
    whole_trace(collector, order_id)  # so that every service has told what it had to tell
    names = {span.name for span in collector.spans}
    assert not {name for name in names if "readyz" in name or "healthz" in name or name == "GET"}
