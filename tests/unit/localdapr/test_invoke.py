"""Service invocation: the rules that a request and its answer obey."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from localdapr.app_calls import new_session
from localdapr.breaker import COUNTS, Breaker
from localdapr.errors import ApiError
from localdapr.invoke import Invocation, Invoker, cleaned
from localdapr.manifest import App
from localdapr.resiliency import Policy, Resiliency, Retry
from localdapr.resources import Resources
from localdapr.routing import Condition

AppHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def listening(handler: AppHandler) -> Any:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def invoke(
    handler: AppHandler, policy: Policy | None = None, caller: str = "shop", **call: Any
) -> tuple[int, bytes]:
    """Invoke the app `kitchen` once; answers its status and body."""

    async def run() -> tuple[int, bytes]:
        resources = Resources(
            resiliencies=(Resiliency(apps={"kitchen": policy}),) if policy else ()
        )
        async with listening(handler) as port, new_session() as session:
            apps = {"kitchen": App("kitchen", 0, 0, port), "portless": App("portless", 0, 0)}
            invoker = Invoker(caller, apps.get, resources, session)
            asked = {"app_id": "kitchen", "method": "POST", "path": "/cook", **call}
            answer = await invoker.invoke(Invocation(**asked))
            return answer.status, await answer.read()

    return asyncio.run(run())


def answering(*statuses: int) -> tuple[AppHandler, list[bytes]]:
    """An app that answers these statuses in turn, and the bodies that it got."""
    left, bodies = list(statuses), []

    async def handle(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return web.Response(status=left.pop(0))

    return handle, bodies


def test_an_error_answer_is_passed_on_and_not_tried_again() -> None:
    handler, bodies = answering(503)
    assert invoke(handler)[0] == 503
    assert len(bodies) == 1


def test_a_retry_policy_sends_the_same_body_again() -> None:
    handler, bodies = answering(503, 500, 201)
    policy = Policy(Retry("constant", duration=0.01, max_retries=3))
    assert invoke(handler, policy, body=b"dough")[0] == 201
    assert bodies == [b"dough"] * 3


def test_when_the_retries_are_used_up_the_last_answer_is_passed_on() -> None:
    handler, bodies = answering(503, 502, 500)
    assert invoke(handler, Policy(Retry("constant", duration=0.01, max_retries=2)))[0] == 500
    assert len(bodies) == 3


def test_an_answer_that_the_policy_does_not_name_is_final() -> None:
    handler, bodies = answering(400)
    retry = Retry("constant", duration=0.01, statuses=(range(500, 600),))
    assert invoke(handler, Policy(retry))[0] == 400
    assert len(bodies) == 1


def test_a_circuit_breaker_that_opened_ends_the_retries_without_asking_the_app() -> None:
    handler, bodies = answering(503, 503)
    breaker = Breaker(1, 0.0, 60.0, Condition("consecutiveFailures >= 2", COUNTS))
    with pytest.raises(ApiError, match="circuit breaker is open"):
        invoke(handler, Policy(Retry("constant", duration=0.01, max_retries=9), breaker=breaker))
    assert len(bodies) == 2


def test_a_timeout_of_the_policy_ends_a_call() -> None:
    async def sleep(_request: web.Request) -> web.Response:
        await asyncio.sleep(20)
        return web.Response()

    begun = time.monotonic()
    with pytest.raises(ApiError, match="deadline exceeded"):
        invoke(sleep, Policy(timeout=0.05))
    assert time.monotonic() - begun < 10


def test_who_calls_whom_is_told_to_another_app_but_not_to_oneself() -> None:
    async def names(request: web.Request) -> web.Response:
        return web.Response(text=",".join(request.headers.getall("dapr-caller-app-id", [])))

    forged = [("Dapr-Caller-App-Id", "somebody")]
    assert invoke(names, headers=forged) == (200, b"shop")
    assert invoke(names, headers=forged, caller="kitchen") == (200, b"")


def test_headers_of_the_connection_and_of_the_sidecar_are_not_passed_on() -> None:
    async def names(request: web.Request) -> web.Response:
        return web.Response(text=" ".join(sorted(name.lower() for name in request.headers)))

    sent = ["Dapr-App-Id", "dapr-api-token", "TE", "Proxy-Connection", "X-Mine", "X-Hop", "Host"]
    headers = [("Connection", "close, x-hop"), *((name, "x") for name in sent)]
    seen = set(invoke(names, headers=headers)[1].decode().split())
    assert "x-mine" in seen
    assert seen.isdisjoint(
        name.lower() for name in (*sent, "user-agent") if name not in ("X-Mine", "Host")
    )


def test_the_apps_token_is_sent_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def token(request: web.Request) -> web.Response:
        return web.Response(text=request.headers.get("dapr-api-token", "none"))

    assert invoke(token)[1] == b"none"
    monkeypatch.setenv("APP_API_TOKEN", "secret")
    assert invoke(token)[1] == b"secret"


@pytest.mark.parametrize(
    ("app_id", "reason"),
    [("ghost", "couldn't find service: ghost"), ("portless", "app channel is not initialized")],
)
def test_an_app_that_cannot_be_called_is_named_at_once(app_id: str, reason: str) -> None:
    handler, _ = answering()
    with pytest.raises(ApiError, match=reason) as caught:
        invoke(handler, app_id=app_id)
    assert (caught.value.status, caught.value.code) == (500, "ERR_DIRECT_INVOKE")


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/", "/"),
        ("", "/"),
        ("a/b", "/a/b"),
        ("/a//b/../c", "/a/c"),
        ("/../../etc", "/etc"),
        ("/a%2Fb%20c", "/a/b%20c"),
        ("/a%2f%2e%2e/b", "/b"),
        ("/a%252e%252e/b", "/a%252e%252e/b"),
        ("/a;b/c%5Cd", "/a;b/c%5Cd"),
        ("/caf%C3%A9/%ff", "/caf%C3%A9/%FF"),
        ("/orders/", "/orders"),
    ],
)
def test_the_path_that_the_app_sees_is_clean(path: str, clean: str) -> None:
    assert cleaned(path) == clean


@pytest.mark.parametrize("path", ["/a%3Fb", "/a%23b", "/a%0d%0aX-A: 1", "/%00", "/a/%7F/../b%7f"])
def test_a_path_that_the_runtime_does_not_send_on_reaches_no_app(path: str) -> None:
    handler, _ = answering()
    with pytest.raises(ApiError, match="invalid method: method contains"):
        invoke(handler, path=path)
