"""Each step takes what the step before it answered, and refuses what nobody answers."""

import pytest

from pizza_common.answers import OrderAnswer
from pizza_common.order import SHOP_FIELDS, Order
from tests.unit.services import ORDER, an_order, app_module

STEPS = {"pizza-storefront": "/order", "pizza-kitchen": "/cook", "pizza-delivery": "/deliver"}
TAKERS = {**STEPS, "pizza-order": "/order"}


def all_below(model):
    return {model}.union(*map(all_below, model.__subclasses__()))


def test_an_order_may_be_handed_from_step_to_step_as_it_was_answered(client_of):
    answer = ORDER
    for service, path in STEPS.items():
        given = client_of(service).post(path, json=answer)
        assert given.status_code == 200, given.json
        answer = given.json
        assert ORDER.items() <= answer.items()
    assert answer["status"] == "delivered"


@pytest.mark.parametrize("service", TAKERS)
def test_a_step_takes_an_order_as_the_order_book_shows_it(client_of, service):
    book = client_of("pizza-order")
    book.post("/order", json=ORDER)
    found = book.get("/order/123").json
    shown = {**found, "needs_attention": ["stuck at cooking"]}
    first, again = (client_of(service).post(TAKERS[service], json=sent) for sent in (shown, ORDER))
    assert (first.status_code, first.json) == (200, again.json)


def test_every_answer_with_an_order_can_be_handed_on():
    for service in TAKERS:
        app_module(service)
    answers = all_below(OrderAnswer)
    assert len(answers) >= 5
    added = set().union(*(model.model_fields for model in answers)) - set(Order.model_fields)
    assert added == SHOP_FIELDS


@pytest.mark.parametrize("service", TAKERS)
def test_a_step_refuses_other_fields_by_name_and_documents_those_that_it_ignores(
    client_of, service
):
    client, path = client_of(service), TAKERS[service]
    refused = client.post(path, json=an_order(tip=5, status="cooked"))
    assert refused.status_code == 400
    assert refused.json["errors"] == [{"field": "tip", "message": "unknown field"}]
    api = client.get("/openapi/openapi.json").json
    body = api["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    properties = api["components"]["schemas"][body["$ref"].rpartition("/")[2]]["properties"]
    assert set(properties) >= SHOP_FIELDS
