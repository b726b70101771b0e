"""Who may call a sidecar over HTTP, told by the headers that a browser sends."""

import pytest

from localdapr.callers import Callers
from localdapr.errors import ApiError

SHOP = {"Host": "127.0.0.1:3501"}
DEFAULT = Callers()


def refusal(callers: Callers, method: str, headers: dict[str, str]) -> str:
    """The error code, empty when the request is let through."""
    try:
        callers.check(method, headers)
    except ApiError as refused:
        return refused.code
    return ""


@pytest.mark.parametrize(
    "host", ["127.0.0.1:3501", "localhost", "LOCALHOST:3501", "shop.localhost:3501", "[::1]:3501"]
)
def test_a_sidecar_is_called_by_the_names_of_its_machine(host: str) -> None:
    assert refusal(DEFAULT, "GET", {"Host": host}) == ""


@pytest.mark.parametrize(
    "host",
    ["", "evil.example:3501", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0:3501",
     "10.0.0.1", "127.0.0.1@evil.example", "evil.example#127.0.0.1", "[::2]", "localhost:x"],
)  # fmt: skip
def test_under_another_name_it_does_not_even_read(host: str) -> None:
    assert refusal(DEFAULT, "GET", {"Host": host}) == "ERR_HOST_NOT_ALLOWED"


def test_a_name_that_is_allowed_is_allowed_on_any_port() -> None:
    docker = Callers(hosts=("host.docker.internal",))
    assert refusal(docker, "POST", {"Host": "Host.docker.internal:3501"}) == ""
    assert refusal(docker, "GET", {"Host": "docker.internal"}) == "ERR_HOST_NOT_ALLOWED"


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "https://127.0.0.1:3501"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:3501"},
    ],
)
def test_a_page_of_another_origin_reads_at_most(sent: dict[str, str]) -> None:
    assert refusal(DEFAULT, "GET", SHOP | sent) == ""
    for method in ("POST", "PUT", "DELETE", "PATCH", "PURGE"):
        assert refusal(DEFAULT, method, SHOP | sent) == "ERR_ORIGIN_NOT_ALLOWED"


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:3501"},
        {"Origin": "http://127.0.0.1:3501"},
    ],
)
def test_programs_and_the_sidecars_own_pages_do_everything(sent: dict[str, str]) -> None:
    assert refusal(DEFAULT, "POST", SHOP | sent) == ""


def test_pages_of_an_allowed_origin_do_everything() -> None:
    page = SHOP | {"Origin": "http://localhost:5173", "Sec-Fetch-Site": "same-site"}
    assert refusal(Callers(origins=("http://localhost:5173",)), "POST", page) == ""
    assert refusal(Callers(origins=("*",)), "POST", page) == ""
    assert refusal(Callers(origins=("http://localhost",)), "POST", page)
