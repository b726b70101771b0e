"""The engine answers the SDK's DaprClient over gRPC as the real runtime was seen to."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from dapr.clients import DaprClient
from dapr.clients.exceptions import DaprGrpcError
from dapr.clients.grpc._request import TransactionalStateOperation, TransactionOperationType
from dapr.clients.grpc._state import Concurrency, StateOptions
from dapr.clients.http.client import DaprHttpError
from dapr.conf import settings
from dapr.proto.common.v1 import common_pb2
from dapr.proto.runtime.v1 import dapr_pb2_grpc, invoke_pb2, metadata_pb2, pubsub_pb2, state_pb2
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from localdapr.manifest import App
from localdapr.wire import TASK_HUB, TaskHubStub, pb
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


def call(app: App, method: str, request: Message) -> Any:
    """One call of a stub on a channel of its own."""
    with grpc.insecure_channel(f"127.0.0.1:{app.grpc_port}") as channel:
        hub = method in TASK_HUB.methods_by_name
        stub = TaskHubStub(channel) if hub else dapr_pb2_grpc.DaprStub(channel)
        return getattr(stub, method)(request)


def invocation(path: str, verb: int = 1, **message: Any) -> Message:
    extension = common_pb2.HTTPExtension(verb=verb, querystring=message.pop("query", ""))
    asked = common_pb2.InvokeRequest(method=path, http_extension=extension, **message)
    return invoke_pb2.InvokeServiceRequest(id="callee", message=asked)


def test_an_error_of_an_invoked_app_is_a_status(sidecars: dict[str, App]) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        call(sidecars["subscriber"], "InvokeService", invocation("status/404"))
    assert caught.value.code() == Code.NOT_FOUND


@pytest.mark.localdapr_only("the runtime parses a query and writes it anew")
def test_a_query_does_not_end_the_line_it_stands_in(sidecars: dict[str, App]) -> None:
    smuggled = invocation("echo/q", query="a=b HTTP/1.1\r\nX-Evil: 1\r\n\r\n#ü%20")
    answer = json.loads(call(sidecars["subscriber"], "InvokeService", smuggled).data.value)
    assert answer["rawQuery"] == "a=b%20HTTP/1.1%0D%0AX-Evil:%201%0D%0A%0D%0A%23%C3%BC%20"
    assert "x-evil" not in answer["headers"]


FAR = Timestamp(seconds=2**63 - 1)
ODD = "a\n\x1b[2J"
REFUSED = {
    "a page": ("ListInstanceIDs", pb.ListInstanceIDsRequest(continuationToken="9" * 30)),
    "a digit that is none": ("ListInstanceIDs", pb.ListInstanceIDsRequest(continuationToken="²")),
    "a start": (
        "StartInstance",
        pb.CreateInstanceRequest(name="echo", scheduledStartTimestamp=FAR),
    ),
    "a purge": (
        "PurgeInstances",
        pb.PurgeInstancesRequest(purgeInstanceFilter=pb.PurgeInstanceFilter(createdTimeTo=FAR)),
    ),
    "a name": ("StartInstance", pb.CreateInstanceRequest(name=ODD)),
    "an id": ("StartInstance", pb.CreateInstanceRequest(name="echo", instanceId=ODD)),
    "an event": ("RaiseEvent", pb.RaiseEventRequest(instanceId="one", name=ODD)),
    "a long event": ("RaiseEvent", pb.RaiseEventRequest(instanceId="one", name="x" * 10_000)),
    "a path": ("InvokeService", invocation("echo/" + ODD)),
    "a content type": ("InvokeService", invocation("echo", content_type="text/plain\r\nX: 1")),
    "a verb": ("InvokeService", invocation("echo", verb=99)),
    "a topic": ("PublishEvent", pubsub_pb2.PublishEventRequest(pubsub_name=PUBSUB, topic=ODD)),
    "a key": (
        "SaveState",
        state_pb2.SaveStateRequest(
            store_name=STORE, states=[common_pb2.StateItem(key=ODD, value=b"1")]
        ),
    ),
    "metadata": ("SetMetadata", metadata_pb2.SetMetadataRequest(key=ODD)),
}


@pytest.mark.localdapr_only("the runtime takes most of it")
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_meant_is_an_invalid_argument(sidecars: dict[str, App], what: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        call(sidecars["subscriber"], *REFUSED[what])
    assert caught.value.code() == Code.INVALID_ARGUMENT


@pytest.mark.localdapr_only("the runtime has that method")
def test_a_method_that_localdapr_has_not_is_refused_by_name(sidecars: dict[str, App]) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{sidecars['callee'].grpc_port}") as channel:
        stub = dapr_pb2_grpc.DaprStub(channel)
        with pytest.raises(grpc.RpcError, match="QueryStateAlpha1 is not supported") as caught:
            stub.QueryStateAlpha1(state_pb2.QueryStateRequest(store_name=STORE))
    assert caught.value.code() == Code.UNIMPLEMENTED
