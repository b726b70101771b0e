import pytest

from pizza_common.settings import PORTS
from tests.unit.services import app_module

SERVICES = sorted(set(PORTS) - {"pizza-workflow"})  # whose parts need a sidecar


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"pizza-web"}))  # which has a page there
def test_a_service_says_what_it_is_and_where_to_read_on(client_of, service):
    client = client_of(service)
    page = client.get("/").get_json()
    assert page["service"] == service
    assert page["description"].endswith(".")
    assert {"documentation", "openapi", "health"} <= set(page["links"])
    for path in page["links"].values():
        assert client.get(path, follow_redirects=True).status_code == 200, path


@pytest.mark.parametrize("service", SERVICES)
def test_docs_lead_to_the_documentation(client_of, service):
    client = client_of(service)
    answer = client.get("/docs", follow_redirects=True)
    assert answer.request.path.rstrip("/") == "/openapi"
    assert answer.mimetype == "text/html"


def test_every_service_describes_itself_in_its_own_words():
    assert len({app_module(service).ABOUT for service in SERVICES}) == len(SERVICES)
