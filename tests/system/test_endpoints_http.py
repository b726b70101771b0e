"""Endpoints.http, sent request by request to the running shop, keeps what its comments promise."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
import requests

from pizza_common.staff import STAFF
from tests.system.http_file import VARIABLE, Request, Wait, field_of, insert, read_requests
from tests.system.shop import Shop
from tools.shop_client import SAMPLE_ORDER, wait_for
from tools.shop_guide import HOSTS, endpoints_lines
from tools.shop_ports import REPO, AppPorts, read_ports

FILE = REPO / "Endpoints.http"


def test_every_request_in_order_is_answered_as_the_file_says(shop: Shop) -> None:
    lines = "\n".join(endpoints_lines(shop.process.apps))
    for request in read_requests(FILE, dict(VARIABLE.findall(lines))):
        for wait in request.waits:
            wait_until(wait)
        check(request, send(request))


def wait_until(wait: Wait) -> None:
    wait_for(lambda: look(wait), lambda seen: seen == wait.value)


def look(wait: Wait) -> str | None:
    """The awaited field, or None when only an answer is awaited and came."""
    answer = requests.get(wait.url, timeout=30)
    if wait.field is None:
        return None if answer.ok else answer.text
    return field_of(answer.json(), wait.field)


def send(request: Request) -> requests.Response:
    body = request.body.encode() if request.body else None
    return requests.request(
        request.method, request.url, data=body, headers=request.headers, timeout=60
    )


def check(request: Request, answer: requests.Response) -> None:
    assert answer.status_code == request.status, f"{request.title}: {answer.text[:1000]}"
    for field, value in request.sees:
        assert field_of(answer.json(), field) == value, f"{request.title}: {answer.text[:1000]}"


def test_the_addresses_of_the_file_are_those_of_the_manifest() -> None:
    assert addresses({}) == addresses_of(read_ports())


@pytest.mark.parametrize("offset", [10, 100, 23770, 7, 13])
def test_what_make_run_says_of_an_offset_is_all_that_has_to_be_put_into_the_file(
    offset: int,
) -> None:
    apps = read_ports(offset=offset)
    lines = endpoints_lines(apps)
    assert len(lines) == (8 if offset % 10 else 2)
    assert addresses(dict(VARIABLE.findall("\n".join(lines)))) == addresses_of(apps)


def addresses(variables: Mapping[str, str]) -> dict[str, str]:
    """Where each service is for the file, with these variables put in instead of its own."""
    values = {**dict(VARIABLE.findall(FILE.read_text())), **variables}
    return {name: insert(values[name], values) for name in (*HOSTS, "sidecar")}


def addresses_of(apps: Iterable[AppPorts]) -> dict[str, str]:
    at = {app.app_id: app for app in apps}
    urls = {name: at[app_id].url for name, app_id in HOSTS.items()}
    return {**urls, "sidecar": f"http://127.0.0.1:{at['pizza-order'].http}"}


def test_the_first_order_of_the_file_is_the_sample_order() -> None:
    start = next(each for each in read_requests(FILE, {}) if each.name == "startOrder")
    assert json.loads(start.body) == SAMPLE_ORDER


def test_names_of_requests_are_unique() -> None:
    names = [each.name for each in read_requests(FILE, {}) if each.name]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", HOSTS)
def test_every_endpoint_is_in_the_file(shop: Shop, name: str) -> None:
    sent = requests_to(name)
    missing = {each for each in operations(shop, name) if not any(is_of(each, s) for s, _ in sent)}
    assert missing == set()


@pytest.mark.parametrize("name", HOSTS)
def test_a_request_brings_the_token_of_a_role_that_may_ask(shop: Shop, name: str) -> None:
    """Where the shop has tokens, the file goes on working; only steps are refused then."""
    callers = operations(shop, name)
    for sent, token in requests_to(name):
        allowed = [callers[each] for each in callers if is_of(each, sent)]
        needed = set().union(*allowed) if allowed else {"anyone"}
        assert needed & {token.removesuffix("_token"), "anyone", "step", "records", "event"}, sent


def operations(shop: Shop, name: str) -> dict[tuple[str, str], set[str]]:
    """Who may call each operation of a service."""
    paths = shop.get(HOSTS[name], "/openapi/openapi.json")["paths"]
    return {
        (method.upper(), path): set(operation["x-roles"])
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def requests_to(name: str) -> list[tuple[tuple[str, str], str]]:
    """Method and path of what the file sends to a service, with the variable of its token."""
    hosts = {other: f"http://{other}" for other in HOSTS}
    tokens = {f"{role}_token": f"{role}_token" for role in STAFF}
    return [
        (
            (each.method, each.url.partition("?")[0].removeprefix(hosts[name])),
            each.headers.get("Authorization", "").removeprefix("Bearer "),
        )
        for each in read_requests(FILE, {**hosts, **tokens})
        if each.url.startswith(f"{hosts[name]}/")
    ]


def is_of(endpoint: tuple[str, str], sent: tuple[str, str]) -> bool:
    pattern = re.sub(r"\{.*?\}", "[^/]+", endpoint[1])
    return endpoint[0] == sent[0] and re.fullmatch(pattern, sent[1]) is not None


def test_a_time_is_so_many_days_from_now() -> None:
    found = datetime.fromisoformat(insert("{{$datetime iso8601 2 d}}", {}))
    assert timedelta(days=1.9) < found - datetime.now(UTC) < timedelta(days=2.1)


def test_a_variable_may_use_another() -> None:
    assert insert("{{a}}!", {"a": "{{b}}-2", "b": "1"}) == "1-2!"
