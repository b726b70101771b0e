"""The sidecars' policies do not get into the way of the workflow's own."""

from pathlib import Path

import pytest
import yaml

from localdapr.manifest import ResourcesPath
from localdapr.resiliency import Policy
from localdapr.resources import load_resources
from pizza_activities import (
    DELIVERY,
    GRACE_SECONDS,
    KITCHEN,
    LOYALTY,
    POLITE_SECONDS,
    STOREFRONT,
    Shop,
    stage_seconds,
)
from pizza_common.status import DELIVERY_STAGES, KITCHEN_STAGES, STOREFRONT_STAGES
from saga import PATIENCE

REPO = Path(__file__).parents[3]
RESOURCES = load_resources([ResourcesPath(REPO / "resources")], None)
SLOWEST = Shop(None, time_scale=2)
CALLERS_WAIT = {
    STOREFRONT: stage_seconds(SLOWEST, STOREFRONT_STAGES),
    KITCHEN: stage_seconds(SLOWEST, KITCHEN_STAGES),
    DELIVERY: stage_seconds(SLOWEST, DELIVERY_STAGES),
    "pizza-order": GRACE_SECONDS,
    LOYALTY: POLITE_SECONDS,
}


def policy_for(app_id: str) -> Policy:
    return RESOURCES.invocation_policy("pizza-workflow", app_id)


@pytest.mark.parametrize("app_id", CALLERS_WAIT)
def test_it_is_the_caller_who_gives_up_first(app_id: str) -> None:
    timeout = policy_for(app_id).timeout
    assert timeout
    assert timeout > CALLERS_WAIT[app_id]


@pytest.mark.parametrize("app_id", CALLERS_WAIT)
def test_a_refusal_and_a_mistake_are_not_asked_for_again(app_id: str) -> None:
    retry = policy_for(app_id).retry
    assert not any(retry.covers(status) for status in (400, 404, 409, 500) if retry)


@pytest.mark.parametrize("app_id", set(CALLERS_WAIT) - {LOYALTY})
def test_all_tries_of_a_sidecar_come_before_the_next_of_the_activity(app_id: str) -> None:
    retry = policy_for(app_id).retry
    assert retry
    assert retry.covers(503)
    waits = [retry.delay(failure) for failure in range(1, retry.max_retries + 1)]
    assert sum(wait or 0 for wait in waits) < PATIENCE.first_retry_interval.total_seconds()


def test_what_an_order_does_without_is_not_asked_for_again() -> None:
    assert policy_for(LOYALTY).retry is None


@pytest.mark.parametrize("app_id", CALLERS_WAIT)
def test_a_circuit_breaker_stays_closed_while_a_sold_out_kitchen_refuses(app_id: str) -> None:
    breaker = policy_for(app_id).breaker
    assert breaker
    refusals = {"consecutiveFailures": 40, "totalFailures": 40, "requests": 40}
    assert not breaker.trip.is_true(refusals)
    assert breaker.timeout < PATIENCE.max_retry_interval.total_seconds()


@pytest.mark.parametrize("folder", ["resources", "deploy/compose", "deploy/k8s/base"])
def test_an_event_is_taken_from_nobody_who_still_tries_to_deliver_it(folder: str) -> None:
    """Dapr spreads each wait of an exponential policy by half, up and down."""
    retry = RESOURCES.delivery_policy("pizza-order", "pizzapubsub").retry
    assert retry
    waits = [retry.delay(failure) or 0 for failure in range(1, retry.max_retries + 1)]
    component = yaml.safe_load((REPO / folder / "pubsub.yaml").read_text())
    settings = {row["name"]: row.get("value", "") for row in component["spec"]["metadata"]}
    assert float(settings["processingTimeout"].removesuffix("s")) > 1.5 * sum(waits)
