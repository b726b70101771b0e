import pytest
from flask import request

from pizza_common.service import service_app
from pizza_common.settings import Settings


@pytest.fixture
def app():
    app = service_app("pizza-test", Settings(), checks={"sidecar": lambda: True})

    @app.post("/echo")
    def echo():
        return request.get_json()

    return app


@pytest.fixture
def client(app):
    return app.test_client()


def problem_of(answer):
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == answer.status_code
    return answer.status_code


def test_a_service_says_that_it_lives_and_can_work(client):
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ok"}


def test_a_service_that_cannot_work_names_what_is_missing():
    checks = {"sidecar": lambda: True, "worker": lambda: False}
    answer = service_app("pizza-test", Settings(), checks).test_client().get("/readyz")
    assert problem_of(answer) == 503
    assert answer.get_json()["detail"] == "Not ready: worker"


def test_a_request_id_is_sent_back(client):
    answer = client.get("/healthz", headers={"X-Request-ID": "my.id-1"})
    assert answer.headers["X-Request-ID"] == "my.id-1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>"])
def test_a_strange_request_id_is_replaced(client, given):
    answer = client.get("/nowhere", headers={"X-Request-ID": given})
    assert len(answer.headers["X-Request-ID"]) == 32


def test_unknown_paths_and_wrong_methods_are_problems(client):
    assert problem_of(client.get("/nowhere")) == 404
    wrong = client.post("/healthz")
    assert problem_of(wrong) == 405
    assert "GET" in wrong.headers["Allow"]


def test_a_json_object_is_read_whatever_its_content_type(client):
    for content_type in ("text/plain", "application/x-www-form-urlencoded", None):
        answer = client.post("/echo", data='{"a": 1}', content_type=content_type)
        assert answer.get_json() == {"a": 1}


@pytest.mark.parametrize(
    "body", ["{", "[1]", '"text"', "null", "[" * 60000, '{"n": ' + "9" * 5000 + "}", b"\xff\xfe"]
)
def test_a_body_that_is_no_json_object_is_a_problem(client, body):
    assert problem_of(client.post("/echo", data=body)) == 400


def test_a_body_over_the_limit_is_a_problem(client):
    assert problem_of(client.post("/echo", data=b"x" * 262_145)) == 413


def test_an_unexpected_error_is_a_problem_that_tells_the_client_nothing(app):
    @app.get("/bug")
    def bug():
        raise ZeroDivisionError("secret")

    answer = app.test_client().get("/bug")
    assert problem_of(answer) == 500
    assert "secret" not in answer.text


def test_the_docs_need_nothing_from_elsewhere(client):
    for page in ("/openapi/", "/openapi/swagger"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert 'src="http' not in answer.text
        assert "//cdn" not in answer.text
    assert client.get("/openapi/openapi.json").get_json()["info"]["title"] == "pizza-test"
