"""What a Resiliency says of calls to an app holds alike on both engines."""

from typing import Any

import pytest

from localdapr.manifest import App
from tests.conformance.test_http_vectors import Answer, ask
from tests.hub.processes import wait_until


@pytest.fixture
def fragile(sidecars: dict[str, App]) -> Any:
    """GETs a path of the app `fragile`, through the sidecar of another."""
    port = sidecars["noapp"].http_port

    def get(path: str) -> Answer:
        return ask(port, "GET", f"/v1.0/invoke/fragile/method{path}")

    return get


def test_an_answer_that_the_policy_names_is_asked_for_again(fragile: Any) -> None:
    answer = fragile("/flaky/503/2/again")
    assert (answer.status, answer.json) == (200, {"tries": 3})


def test_when_the_tries_are_used_up_the_last_answer_is_passed_on(fragile: Any) -> None:
    answer = fragile("/flaky/503/9/in-vain")
    assert (answer.status, answer.json) == (503, {"tries": 3})


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_an_answer_that_the_policy_does_not_name_is_final(fragile: Any, status: int) -> None:
    answer = fragile(f"/flaky/{status}/9/final")
    assert (answer.status, answer.json) == (status, {"tries": 1})


def test_an_app_that_takes_longer_than_the_timeout_is_an_error(fragile: Any) -> None:
    assert fragile("/slow/1").status == 200
    answer = fragile("/slow/5000")
    assert (answer.status, answer.json["errorCode"]) == (500, "ERR_DIRECT_INVOKE")
    assert "context deadline exceeded" in answer.json["message"]


@pytest.mark.parametrize("status", [409, 500])
def test_a_path_that_only_fails_is_refused_for_a_while_without_asking_the_app(
    fragile: Any, status: int
) -> None:
    path = f"/flaky/{status}/4/opens"
    assert [fragile(path).json for _ in range(4)] == [{"tries": n} for n in (1, 2, 3, 4)]
    refused = fragile(path)
    assert (refused.status, refused.json["errorCode"]) == (500, "ERR_DIRECT_INVOKE")
    assert refused.json["message"].endswith("circuit breaker is open")
    assert fragile("/flaky/500/0/another-path").status == 200
    wait_until(lambda: fragile(path).json == {"tries": 5}, "it is closed again", 60)
    assert fragile(path).status == 200
