"""No page of another origin drives a service, and no other client notices that it is hindered."""

import pytest

ORDER_IT = '{"order_id": "1", "pizza_type": "funghi", "size": "small"}'
FOREIGN = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "another port of localhost": {"Sec-Fetch-Site": "same-site"},
    "nobody knows": {"Sec-Fetch-Site": "new-value"},
    "an old browser": {"Origin": "http://evil.example"},
    "a sandboxed frame": {"Origin": "null"},
    "a file": {"Origin": "file://"},
    "another port, by origin": {"Origin": "http://localhost:3000"},
    "a name that begins alike": {"Origin": "http://localhost.evil.example"},
    "an extension": {"Origin": "chrome-extension://abc", "Sec-Fetch-Site": "none"},
}
OWN = {
    "the documentation's forms": {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
    "the same behind TLS": {"Origin": "https://localhost", "Sec-Fetch-Site": "same-origin"},
    "the user by hand": {"Sec-Fetch-Site": "none"},
    "curl": {},
}
FORMS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None]


def problem_of(answer):
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["X-Request-ID"]
    return answer.get_json()["status"]


@pytest.fixture
def kitchen(client_of):
    return client_of("pizza-kitchen", pizza_faults=True)


def changing(client):
    """Every route of the service that is no plain read, with something for its parameters."""
    for rule in client.application.url_map.iter_rules():
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<order_id:{name}>", "1").replace(f"<int:{name}>", "1")
            path = path.replace(f"<{name}>", "basil")
        for method in rule.methods - {"GET", "HEAD", "OPTIONS"}:
            yield method, path


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_a_page_of_another_origin_changes_nothing(kitchen, sidecar, headers):
    routes = list(changing(kitchen))
    assert ("POST", "/cook") in routes
    assert ("DELETE", "/stock/reservations/1") in routes
    for method, path in routes:
        assert problem_of(kitchen.open(path, method=method, headers=headers)) == 403
    assert not sidecar.calls


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_a_page_of_another_origin_learns_that_there_is_a_service_and_no_more(kitchen, headers):
    answer = kitchen.get("/healthz", headers=headers)
    assert answer.status_code == 200
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]
    preflight = kitchen.options("/cook", headers=headers)
    assert not [name for name, _ in preflight.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize("headers", OWN.values(), ids=OWN)
def test_the_own_pages_and_other_clients_are_let_in(kitchen, headers):
    answer = kitchen.put("/stock/basil", json={"add": 1}, headers=headers)
    assert answer.status_code == 200


def test_an_origin_is_that_of_the_host_that_was_asked_for(kitchen):
    headers = {"Host": "127.0.0.1:8003", "Origin": "http://127.0.0.1:8003"}
    assert kitchen.put("/stock/basil", json={"add": 1}, headers=headers).status_code == 200
    headers["Origin"] = "http://localhost:8003"
    assert problem_of(kitchen.put("/stock/basil", json={"add": 1}, headers=headers)) == 403


@pytest.mark.parametrize("path", ["/", "/healthz", "/stock", "/stock/reservations/1", "/nowhere"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8003", "localhost, a", ""])
def test_a_name_that_is_not_the_service_s_reads_nothing(kitchen, sidecar, path, host):
    assert problem_of(kitchen.get(path, headers={"Host": host})) == 421
    assert not sidecar.calls


def test_a_request_without_a_host_is_malformed_unless_it_is_older_than_the_header(kitchen):
    def status(protocol):
        overrides = {"HTTP_HOST": None, "SERVER_PROTOCOL": protocol}
        return kitchen.get("/healthz", environ_overrides=overrides).status_code

    assert (status("HTTP/1.1"), status("HTTP/1.0")) == (400, 200)


@pytest.mark.parametrize("content_type", FORMS)
@pytest.mark.parametrize("header", ["Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Mode"])
def test_a_browser_has_to_send_json_as_json(kitchen, sidecar, content_type, header):
    value = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}.get(header, "cors")
    sent = {"data": ORDER_IT, "content_type": content_type, "headers": {header: value}}
    assert problem_of(kitchen.post("/cook", **sent)) == 415
    assert not sidecar.calls


@pytest.mark.parametrize("content_type", [*FORMS, "application/json", "application/x+json"])
def test_other_clients_may_name_any_type(kitchen, content_type):
    answer = kitchen.put("/stock/basil", data='{"add": 1}', content_type=content_type)
    assert answer.status_code == 200


def test_no_page_frames_a_service(kitchen):
    headers = kitchen.get("/openapi/swagger").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
