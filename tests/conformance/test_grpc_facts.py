"""The engine answers the SDK's DaprClient over gRPC as the real runtime was seen to."""

import asyncio
import json
from collections.abc import Iterator

import grpc
import pytest
from dapr.clients import DaprClient
from dapr.clients.exceptions import DaprGrpcError
from dapr.clients.grpc._request import TransactionalStateOperation, TransactionOperationType
from dapr.clients.grpc._state import Concurrency, StateOptions
from dapr.clients.http.client import DaprHttpError
from dapr.conf import settings
from dapr.proto.runtime.v1 import dapr_pb2_grpc, state_pb2

from localdapr.manifest import App
from tests.conformance.test_http_vectors import ask
from tests.hub.processes import wait_until

STORE, PUBSUB = "statestore", "pubsub"
FIRST_WRITE = StateOptions(concurrency=Concurrency.first_write)
Code = grpc.StatusCode


@pytest.fixture
def client(sidecars: dict[str, App], monkeypatch: pytest.MonkeyPatch) -> Iterator[DaprClient]:
    callee = sidecars["callee"]
    monkeypatch.setattr(settings, "DAPR_HTTP_PORT", callee.http_port)
    with DaprClient(f"127.0.0.1:{callee.grpc_port}") as opened:
        yield opened


@pytest.fixture
def closed_loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The SDK opens an event loop for each invocation and leaves it open."""
    made: list[asyncio.AbstractEventLoop] = []
    new_event_loop = asyncio.new_event_loop

    def remember() -> asyncio.AbstractEventLoop:
        made.append(new_event_loop())
        return made[-1]

    monkeypatch.setattr(asyncio, "new_event_loop", remember)
    yield
    asyncio.set_event_loop(None)
    for loop in made:
        loop.close()


def code_of(error: pytest.ExceptionInfo[DaprGrpcError]) -> grpc.StatusCode:
    code: grpc.StatusCode = error.value.code()
    return code


def test_state_is_saved_read_and_deleted_with_etags(client: DaprClient) -> None:
    client.save_state(STORE, "g1", b"\x00bytes", options=FIRST_WRITE)
    first = client.get_state(STORE, "g1")
    assert first.data == b"\x00bytes"
    client.save_state(STORE, "g1", "text", etag=first.etag, options=FIRST_WRITE)
    with pytest.raises(DaprGrpcError) as caught:
        client.save_state(STORE, "g1", "late", etag=first.etag, options=FIRST_WRITE)
    assert code_of(caught) == Code.ABORTED
    with pytest.raises(DaprGrpcError) as caught:
        client.delete_state(STORE, "g1", etag=first.etag)
    assert code_of(caught) == Code.ABORTED
    client.delete_state(STORE, "g1", etag=client.get_state(STORE, "g1").etag)
    missing = client.get_state(STORE, "g1")
    assert (missing.data, missing.etag) == (b"", "")


def test_creating_twice_with_first_write_is_refused(client: DaprClient) -> None:
    client.save_state(STORE, "g2", "1", options=FIRST_WRITE)
    with pytest.raises(DaprGrpcError) as caught:
        client.save_state(STORE, "g2", "2", options=FIRST_WRITE)
    assert code_of(caught) == Code.INTERNAL


@pytest.mark.parametrize(
    ("store", "key", "etag"),
    [("nostore", "k", None), (STORE, "a||b", None), (STORE, "", None), (STORE, "g3", "bad")],
)
def test_a_malformed_save_is_an_invalid_argument(
    client: DaprClient, store: str, key: str, etag: str | None
) -> None:
    client.save_state(STORE, "g3", "1")
    with pytest.raises(DaprGrpcError) as caught:
        client.save_state(store, key, "2", etag=etag)
    assert code_of(caught) == Code.INVALID_ARGUMENT


def test_an_unknown_store_is_named(client: DaprClient) -> None:
    with pytest.raises(DaprGrpcError) as caught:
        client.get_state("nostore", "k")
    assert caught.value.details() == "state store nostore is not found"


def test_many_keys_are_read_at_once(client: DaprClient) -> None:
    client.save_state(STORE, "g4", "4")
    items = client.get_bulk_state(STORE, ["g4", "g5"]).items
    assert [(item.key, item.data) for item in items] == [("g4", b"4"), ("g5", b"")]


@pytest.mark.localdapr_only("Redis keeps the first half of a failed transaction")
def test_a_transaction_is_made_wholly_or_not_at_all(client: DaprClient) -> None:
    kept = TransactionalStateOperation("g6", "6", operation_type=TransactionOperationType.upsert)
    client.save_state(STORE, "g7", "7")
    failing = TransactionalStateOperation("g7", "x", "1", TransactionOperationType.upsert)
    with pytest.raises(DaprGrpcError):
        client.execute_state_transaction(STORE, [kept, failing])
    assert client.get_state(STORE, "g6").data == b""
    gone = TransactionalStateOperation("g7", operation_type=TransactionOperationType.delete)
    client.execute_state_transaction(STORE, [kept, gone])
    assert client.get_state(STORE, "g6").data == b"6"
    assert client.get_state(STORE, "g7").data == b""


def test_an_event_is_published_with_its_own_id(client: DaprClient) -> None:
    ask(24102, "DELETE", "/_events")
    client.publish_event(
        PUBSUB,
        "plain",
        json.dumps({"n": 1}),
        data_content_type="application/json",
        publish_metadata={"cloudevent.id": "my-1"},
    )
    wait_until(lambda: ask(24102, "GET", "/_events").json, "the event arrives")
    (event,) = ask(24102, "GET", "/_events").json
    assert (event["body"]["id"], event["body"]["data"]) == ("my-1", {"n": 1})


@pytest.mark.parametrize(
    ("pubsub", "topic", "message"),
    [
        ("nopub", "plain", "pubsub nopub is not found"),
        (PUBSUB, "", "topic is empty in pubsub pubsub"),
    ],
)
def test_a_publish_to_nowhere_is_an_invalid_argument(
    client: DaprClient, pubsub: str, topic: str, message: str
) -> None:
    with pytest.raises(DaprGrpcError) as caught:
        client.publish_event(pubsub, topic, "x")
    assert code_of(caught) == Code.INVALID_ARGUMENT
    assert caught.value.details() == message


def test_metadata_are_read_and_set(client: DaprClient) -> None:
    client.set_metadata("colour", "red")
    metadata = client.get_metadata()
    assert metadata.application_id == "callee"
    assert metadata.extended_metadata["colour"] == "red"
    assert [part.name for part in metadata.registered_components][:1] == ["statestore"]


@pytest.mark.usefixtures("closed_loops")
def test_invoke_method_goes_over_http(client: DaprClient) -> None:
    assert client.invoke_method("subscriber", "_events", http_verb="GET").status_code == 200
    with pytest.raises(DaprHttpError):
        client.invoke_method("ghost", "x", http_verb="GET")


@pytest.mark.localdapr_only("the runtime has that method")
def test_a_method_that_localdapr_has_not_is_refused_by_name(sidecars: dict[str, App]) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{sidecars['callee'].grpc_port}") as channel:
        stub = dapr_pb2_grpc.DaprStub(channel)
        with pytest.raises(grpc.RpcError, match="QueryStateAlpha1 is not supported") as caught:
            stub.QueryStateAlpha1(state_pb2.QueryStateRequest(store_name=STORE))
    assert caught.value.code() == Code.UNIMPLEMENTED
