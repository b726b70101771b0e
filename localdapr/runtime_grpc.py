"""The Dapr gRPC API of one app's sidecar: what the SDK's DaprClient uses.

Translates messages and errors; the building blocks decide. Every method that is not written here
answers UNIMPLEMENTED with its name and the way out.
"""

import functools
import hmac
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias

import grpc
from dapr.proto.common.v1 import common_pb2
from dapr.proto.runtime.v1 import invoke_pb2, metadata_pb2, pubsub_pb2, secret_pb2, state_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty

from localdapr.cloudevent import Publication
from localdapr.errors import ApiError
from localdapr.front import Front
from localdapr.invoke import Invocation
from localdapr.metadata import RUNTIME_VERSION, describe, extended
from localdapr.state import Change, Entry
from localdapr.tracing import Trace, next_trace

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
TOKEN_KEY = "dapr-api-token"  # noqa: S105  the metadata's name, not a secret
CONCURRENCY = ("", "first-write", "last-write")  # by the number of the enum
CONSISTENCY = ("", "eventual", "strong")
CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
Method = Callable[[Any, Any, Context], Awaitable[Any]]


def _translated(method: Method) -> Method:
    """Turn a building block's error into the gRPC status that Dapr gives."""

    @functools.wraps(method)
    async def call(self: Any, request: Any, context: Context) -> Any:
        try:
            return await method(self, request, context)
        except ApiError as error:
            code = grpc.StatusCode[error.grpc] if error.grpc else _code(error.status)
            await context.abort(code, error.message)
        except sqlite3.Error as cause:
            message = f"localdapr cannot use its data file: {cause}"
            await context.abort(grpc.StatusCode.INTERNAL, message)

    return call


class DaprServicer:
    """The service `dapr.proto.runtime.v1.Dapr` of one app."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _refusing(name)

    @_translated
    async def GetState(self, request: Any, _context: Context) -> Any:
        entry = await self._front.state.get(request.store_name, request.key)
        if entry is None:
            return state_pb2.GetStateResponse()
        return state_pb2.GetStateResponse(
            data=entry.value, etag=entry.etag, metadata=entry.metadata
        )

    @_translated
    async def GetBulkState(self, request: Any, _context: Context) -> Any:
        entries = await self._front.state.get_many(request.store_name, list(request.keys))
        items = [_item(key, entry) for key, entry in zip(request.keys, entries, strict=True)]
        return state_pb2.GetBulkStateResponse(items=items)

    @_translated
    async def SaveState(self, request: Any, _context: Context) -> Any:
        await self._front.state.save(request.store_name, _changes(request.states))
        return Empty()

    @_translated
    async def DeleteState(self, request: Any, _context: Context) -> Any:
        await self._front.state.delete(request.store_name, [_deletion(request)])
        return Empty()

    @_translated
    async def DeleteBulkState(self, request: Any, _context: Context) -> Any:
        changes = [_deletion(item) for item in request.states]
        await self._front.state.delete(request.store_name, changes)
        return Empty()

    @_translated
    async def ExecuteStateTransaction(self, request: Any, _context: Context) -> Any:
        metadata = dict(request.metadata)
        changes = [_operation(operation, metadata) for operation in request.operations]
        await self._front.state.transact(request.storeName, changes)
        return Empty()

    @_translated
    async def PublishEvent(self, request: Any, context: Context) -> Any:
        publication = Publication(
            self._front.app.app_id,
            request.pubsub_name,
            request.topic,
            request.data,
            request.data_content_type,
            dict(request.metadata),
            self._trace(context),
        )
        await self._front.pubsub.publish([publication])
        return Empty()

    @_translated
    async def BulkPublishEvent(self, request: Any, context: Context) -> Any:
        trace = self._trace(context)
        publications = [
            Publication(
                self._front.app.app_id,
                request.pubsub_name,
                request.topic,
                entry.event,
                entry.content_type,
                {**request.metadata, **entry.metadata},
                trace,
            )
            for entry in request.entries
        ]
        await self._front.pubsub.publish(publications)
        return pubsub_pb2.BulkPublishResponse()

    BulkPublishEventAlpha1 = BulkPublishEvent

    @_translated
    async def GetSecret(self, request: Any, _context: Context) -> Any:
        secret = self._front.secrets.get(request.store_name, request.key)
        return secret_pb2.GetSecretResponse(data=secret)

    @_translated
    async def GetBulkSecret(self, request: Any, _context: Context) -> Any:
        secrets = self._front.secrets.get_all(request.store_name)
        data = {name: secret_pb2.SecretResponse(secrets=pair) for name, pair in secrets.items()}
        return secret_pb2.GetBulkSecretResponse(data=data)

    @_translated
    async def GetMetadata(self, _request: Any, _context: Context) -> Any:
        return _metadata(self._front)

    @_translated
    async def SetMetadata(self, request: Any, _context: Context) -> Any:
        self._front.extended[request.key] = request.value
        return Empty()

    @_translated
    async def Shutdown(self, _request: Any, _context: Context) -> Any:
        self._front.request_shutdown()
        return Empty()

    @_translated
    async def InvokeService(self, request: Any, context: Context) -> Any:
        answer = await self._front.invoker.invoke(_invocation(request, self._trace(context)))
        try:
            body = await answer.read()
        finally:
            answer.release()
        status = [("dapr-http-status", str(answer.status))]
        context.set_trailing_metadata(status)
        if answer.status >= 400:
            await context.abort(_code(answer.status), body.decode("utf-8", "replace"), status)
        content_type = answer.headers.get("Content-Type", "")
        return common_pb2.InvokeResponse(data=AnyMessage(value=body), content_type=content_type)

    def _trace(self, context: Context) -> Trace:
        sent = {key: str(value) for key, value in context.invocation_metadata() or ()}
        rate = self._front.resources.configuration.sampling_rate
        names = ("traceparent", "tracestate", "baggage")
        traceparent, tracestate, baggage = (sent.get(name, "") for name in names)
        return next_trace(traceparent, tracestate, baggage, rate)


class TokenGuard(grpc.aio.ServerInterceptor):
    """Lets only callers through that send the API token (DAPR_API_TOKEN)."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        sent = dict(details.invocation_metadata or ())
        if hmac.compare_digest(str(sent.get(TOKEN_KEY, "")).encode(), self._token):
            return await continuation(details)
        return grpc.unary_unary_rpc_method_handler(_unauthenticated)


async def _unauthenticated(_request: Any, context: Context) -> None:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "invalid api token")


def _refusing(name: str) -> Method:
    async def refuse(_request: Any, context: Context) -> None:
        message = f"{name} is not supported by localdapr; run the app with the real Dapr (dapr run)"
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, message)

    return refuse  # type: ignore[return-value]


def _code(status: int) -> grpc.StatusCode:
    return CODES.get(status, grpc.StatusCode.INTERNAL)


def _item(key: str, entry: Entry | None) -> Any:
    if entry is None:
        return state_pb2.BulkStateItem(key=key)
    return state_pb2.BulkStateItem(
        key=key, data=entry.value, etag=entry.etag, metadata=entry.metadata
    )


def _changes(items: Iterable[Any]) -> list[Change]:
    return [_change(item, item.value, dict(item.metadata)) for item in items]


def _deletion(item: Any) -> Change:
    return _change(item, None, dict(item.metadata))


def _change(item: Any, value: bytes | None, metadata: dict[str, str]) -> Change:
    return Change(
        item.key,
        value,
        item.etag.value,
        CONCURRENCY[item.options.concurrency],
        CONSISTENCY[item.options.consistency],
        metadata,
    )


def _operation(operation: Any, metadata: dict[str, str]) -> Change:
    item, kind = operation.request, operation.operationType
    if kind not in ("upsert", "delete"):
        message = f"operation type {kind} not supported"
        raise ApiError(400, "ERR_NOT_SUPPORTED_STATE_OPERATION", message, grpc="UNIMPLEMENTED")
    value = item.value if kind == "upsert" else None
    return _change(item, value, {**metadata, **item.metadata})


def _invocation(request: invoke_pb2.InvokeServiceRequest, trace: Trace) -> Invocation:
    message = request.message
    verb = common_pb2.HTTPExtension.Verb.Name(message.http_extension.verb)
    path, _, query = message.method.partition("?")
    content_type = [("Content-Type", message.content_type)] if message.content_type else []
    return Invocation(
        app_id=request.id,
        method="POST" if verb == "NONE" else verb,
        path=path,
        query=message.http_extension.querystring or query,
        headers=content_type,
        body=message.data.value,
        trace=trace,
    )


def _metadata(front: Front) -> Any:
    shown = describe(front)
    connection = shown["appConnectionProperties"]
    actors = [
        metadata_pb2.ActiveActorsCount(type=actor["type"]) for actor in shown.get("actors", [])
    ]
    return metadata_pb2.GetMetadataResponse(
        id=shown["id"],
        active_actors_count=actors,
        registered_components=[
            metadata_pb2.RegisteredComponents(**component) for component in shown["components"]
        ],
        extended_metadata=extended(front),
        subscriptions=[_subscription(wish) for wish in shown["subscriptions"]],
        app_connection_properties=metadata_pb2.AppConnectionProperties(
            port=connection.get("port", 0),
            protocol=connection["protocol"],
            channel_address=connection["channelAddress"],
        ),
        runtime_version=RUNTIME_VERSION,
        workflows=metadata_pb2.MetadataWorkflows(connected_workers=front.connected_workers),
    )


def _subscription(wish: dict[str, Any]) -> Any:
    rules = [metadata_pb2.PubsubSubscriptionRule(**rule) for rule in wish["rules"]]
    return metadata_pb2.PubsubSubscription(
        pubsub_name=wish["pubsubname"],
        topic=wish["topic"],
        metadata=wish.get("metadata", {}),
        rules=metadata_pb2.PubsubSubscriptionRules(rules=rules),
        dead_letter_topic=wish["deadLetterTopic"],
        type=metadata_pb2.PubsubSubscriptionType.Value(wish["type"]),
    )
