"""Who may have a service forget what it keeps of an order."""

import pytest

TOKEN = "t0ken"
PATH = "/records/123?customer=john-doe.5550123"


@pytest.mark.parametrize(
    "service",
    ["pizza-order", "pizza-storefront", "pizza-kitchen", "pizza-delivery", "pizza-loyalty"],
)
def test_only_what_comes_by_the_own_sidecar_forgets(client_of, sidecar, service):
    client = client_of(service, app_api_token=TOKEN)
    assert client.delete(PATH).status_code == 401
    assert not sidecar.calls
    invoked = {"dapr-api-token": TOKEN, "dapr-caller-app-id": "pizza-workflow"}
    assert client.delete(PATH, headers=invoked).status_code == 200
