"""The gRPC front end's own rules; what it answers is held by the conformance tests."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from dapr.proto.runtime.v1 import dapr_pb2_grpc, secret_pb2
from dapr.proto.runtime.v1.configuration_pb2 import SubscribeConfigurationRequest

from localdapr.components import Component
from localdapr.runtime_grpc import DaprServicer, TokenGuard
from localdapr.secret_stores import SecretStores

Call = Callable[[Any], Any]
ENVIRONMENT = Component("env", "secretstores.local.env", metadata={"prefix": "PIZZA_TEST_"})


def ask(call: Call, token: str = "") -> Any:
    """Make one call of a stub against a sidecar that asks for `token` when one is given."""

    async def run() -> Any:
        guards = [TokenGuard(token)] if token else []
        server = grpc.aio.server(interceptors=guards)
        sidecar = SimpleNamespace(secrets=SecretStores([ENVIRONMENT]), state=None)
        dapr_pb2_grpc.add_DaprServicer_to_server(DaprServicer(sidecar), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                return await call(dapr_pb2_grpc.DaprStub(channel))
        finally:
            await server.stop(None)

    return asyncio.run(run())


def secret(key: str, store: str = "env", **options: Any) -> Call:
    return lambda stub: stub.GetSecret(
        secret_pb2.GetSecretRequest(store_name=store, key=key), **options
    )


def code_of(call: Call, token: str = "") -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        ask(call, token)
    return caught.value.code()


def test_a_secret_is_answered_and_a_missing_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIZZA_TEST_PIN", "1234")
    assert dict(ask(secret("PIN")).data) == {"PIN": "1234"}
    assert code_of(secret("NONE")) == grpc.StatusCode.INTERNAL
    assert code_of(secret("PIN", "nowhere")) == grpc.StatusCode.INVALID_ARGUMENT


def test_only_callers_with_the_api_token_are_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIZZA_TEST_PIN", "1234")
    sent = (("dapr-api-token", "sesame"),)
    assert ask(secret("PIN", metadata=sent), "sesame").data["PIN"] == "1234"
    assert code_of(secret("PIN"), "sesame") == grpc.StatusCode.UNAUTHENTICATED
    wrong = secret("PIN", metadata=(("dapr-api-token", "x"),))
    assert code_of(wrong, "sesame") == grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("token", ["", "sesame"])
def test_a_stream_that_is_not_served_is_ended_with_a_reason(token: str) -> None:
    async def call(stub: Any) -> None:
        async for _ in stub.SubscribeConfiguration(SubscribeConfigurationRequest()):
            pytest.fail("nothing is served")

    wanted = grpc.StatusCode.UNAUTHENTICATED if token else grpc.StatusCode.UNIMPLEMENTED
    assert code_of(call, token) == wanted
