import re

import pytest

SERVICES = ["pizza-order", "pizza-storefront", "pizza-kitchen", "pizza-delivery", "pizza-loyalty"]


def documented(client):
    paths = client.get("/openapi/openapi.json").get_json()["paths"]
    return {(path, method.upper()) for path, methods in paths.items() for method in methods}


def served(client):
    rules = client.application.url_map.iter_rules()
    return {
        (openapi_path(rule), method)
        for rule in rules
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith(("/openapi", "/static"))
    }


def openapi_path(rule):
    """`/cook/{order_id}` for `/cook/<order_id:order_id>`."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_of_a_service_is_in_its_openapi(client_of, service):
    client = client_of(service, pizza_faults=True)
    assert served(client) == documented(client)
    assert ("/faults", "POST") in served(client)
    assert ("/healthz", "GET") in served(client)
