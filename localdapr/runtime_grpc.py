"""The Dapr gRPC API of one app's sidecar: what the SDK's DaprClient uses.

Translates messages and errors; the building blocks decide. Every method that is not written here
answers UNIMPLEMENTED with its name and the way out.
"""

import hmac
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

import grpc
from dapr.proto.common.v1 import common_pb2
from dapr.proto.runtime.v1 import invoke_pb2, metadata_pb2, pubsub_pb2, secret_pb2, state_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import ParseDict

from localdapr.cloudevent import Publication
from localdapr.errors import ApiError
from localdapr.invoke import Invocation
from localdapr.metadata import describe, extend
from localdapr.names import check_name
from localdapr.state import Change, Entry, operation
from localdapr.tracing import Trace, next_trace

if TYPE_CHECKING:
    from localdapr.sidecar import Sidecar

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
TOKEN_KEY = "dapr-api-token"  # noqa: S105  the metadata's name, not a secret
CONCURRENCY = {0: "", 1: "first-write", 2: "last-write"}  # by the number of the enum
CONSISTENCY = {0: "", 1: "eventual", 2: "strong"}
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
NOT_IN_QUERY = re.compile("[^!-~]|#")  # would end the query, or the line that it stands in
Method = Callable[[Any, Context], Awaitable[Any]]


class DaprServicer:
    """The service `dapr.proto.runtime.v1.Dapr` of one app."""

    def __init__(self, sidecar: "Sidecar") -> None:
        calls = _Calls(sidecar)
        for name in vars(_Calls):
            if not name.startswith("_"):
                setattr(self, name, _translated(getattr(calls, name)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _refusing(name)


class _Calls:
    """What is served: each takes a request and its context. Raises ApiError."""

    def __init__(self, sidecar: "Sidecar") -> None:
        self._sidecar = sidecar
        self._state = sidecar.state
        self._secrets = sidecar.secrets

    async def GetState(self, request: Any, _context: Context) -> Any:
        entry = await self._state.get(request.store_name, request.key)
        return state_pb2.GetStateResponse(**_entry(entry))

    async def GetBulkState(self, request: Any, _context: Context) -> Any:
        entries = await self._state.get_many(request.store_name, request.keys)
        shown = zip(request.keys, entries, strict=True)
        items = [state_pb2.BulkStateItem(key=key, **_entry(entry)) for key, entry in shown]
        return state_pb2.GetBulkStateResponse(items=items)

    async def SaveState(self, request: Any, _context: Context) -> Any:
        changes = [_change(item, item.value) for item in request.states]
        await self._state.save(request.store_name, changes)
        return Empty()

    async def DeleteState(self, request: Any, _context: Context) -> Any:
        await self._state.delete(request.store_name, [_change(request, None)])
        return Empty()

    async def DeleteBulkState(self, request: Any, _context: Context) -> Any:
        changes = [_change(item, None) for item in request.states]
        await self._state.delete(request.store_name, changes)
        return Empty()

    async def ExecuteStateTransaction(self, request: Any, _context: Context) -> Any:
        changes = [
            operation(step.operationType, _change(step.request, step.request.value, request))
            for step in request.operations
        ]
        await self._state.transact(request.storeName, changes)
        return Empty()

    async def PublishEvent(self, request: Any, context: Context) -> Any:
        message = self._publication(request, request.data, request.data_content_type, {}, context)
        await self._sidecar.pubsub.publish([message])
        return Empty()

    async def BulkPublishEvent(self, request: Any, context: Context) -> Any:
        messages = [
            self._publication(request, entry.event, entry.content_type, entry.metadata, context)
            for entry in request.entries
        ]
        await self._sidecar.pubsub.publish(messages)
        return pubsub_pb2.BulkPublishResponse()

    BulkPublishEventAlpha1 = BulkPublishEvent

    async def GetSecret(self, request: Any, _context: Context) -> Any:
        secret = self._secrets.get(request.store_name, request.key)
        return secret_pb2.GetSecretResponse(data=secret)

    async def GetBulkSecret(self, request: Any, _context: Context) -> Any:
        secrets = self._secrets.get_all(request.store_name)
        data = {name: secret_pb2.SecretResponse(secrets=pair) for name, pair in secrets.items()}
        return secret_pb2.GetBulkSecretResponse(data=data)

    async def GetMetadata(self, _request: Any, _context: Context) -> Any:
        return _metadata(self._sidecar)

    async def SetMetadata(self, request: Any, _context: Context) -> Any:
        extend(self._sidecar, request.key, request.value)
        return Empty()

    async def Shutdown(self, _request: Any, _context: Context) -> Any:
        self._sidecar.request_shutdown()
        return Empty()

    async def InvokeService(self, request: Any, context: Context) -> Any:
        answer = await self._sidecar.invoker.invoke(_invocation(request, self._trace(context)))
        try:
            body = await answer.read()
        finally:
            answer.release()
        status = (("dapr-http-status", str(answer.status)),)
        context.set_trailing_metadata(status)
        if answer.status >= 400:
            await context.abort(_code(answer.status), body.decode("utf-8", "replace"), status)
        content_type = answer.headers.get("Content-Type", "")
        return common_pb2.InvokeResponse(data=AnyMessage(value=body), content_type=content_type)

    def _publication(
        self, request: Any, data: bytes, kind: str, metadata: Mapping[str, str], context: Context
    ) -> Publication:
        both = {**request.metadata, **metadata}
        pubsub, topic, trace = request.pubsub_name, request.topic, self._trace(context)
        return Publication(self._sidecar.app.app_id, pubsub, topic, data, kind, both, trace)

    def _trace(self, context: Context) -> Trace:
        sent = {key: str(value) for key, value in context.invocation_metadata() or ()}
        rate = self._sidecar.resources.configuration.sampling_rate
        names = ("traceparent", "tracestate", "baggage")
        traceparent, tracestate, baggage = (sent.get(name, "") for name in names)
        return next_trace(traceparent, tracestate, baggage, rate)


def _translated(method: Method) -> Method:
    """Turn a building block's error into the gRPC status that Dapr gives."""

    async def call(request: Any, context: Context) -> Any:
        try:
            return await method(request, context)
        except ApiError as error:
            code = grpc.StatusCode[error.grpc] if error.grpc else _code(error.status)
            await context.abort(code, error.message)
        except sqlite3.Error as cause:
            message = f"localdapr cannot use its data file: {cause}"
            await context.abort(grpc.StatusCode.INTERNAL, message)

    return call


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

    return refuse


def _code(status: int) -> grpc.StatusCode:
    return CODES.get(status, grpc.StatusCode.INTERNAL)


def _entry(entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {}
    return {"data": entry.value, "etag": entry.etag, "metadata": entry.metadata}


def _change(item: Any, value: bytes | None, around: Any = None) -> Change:
    """`around` is the request whose metadata hold where the item has none of its own."""
    return Change(
        item.key,
        value,
        item.etag.value,
        CONCURRENCY.get(item.options.concurrency, str(item.options.concurrency)),
        CONSISTENCY.get(item.options.consistency, str(item.options.consistency)),
        {**(around.metadata if around else {}), **item.metadata},
    )


def _invocation(request: invoke_pb2.InvokeServiceRequest, trace: Trace) -> Invocation:
    message = request.message
    verbs = common_pb2.HTTPExtension.Verb.DESCRIPTOR.values_by_number
    if message.http_extension.verb not in verbs:
        raise ApiError(400, "ERR_DIRECT_INVOKE", "the HTTP verb is unknown")
    verb = verbs[message.http_extension.verb].name
    path, _, query = message.method.partition("?")
    sent = message.http_extension.querystring
    content_type = [("Content-Type", message.content_type)] if message.content_type else []
    for _, value in content_type:
        check_name("content type", value)
    return Invocation(
        app_id=request.id,
        method="POST" if verb == "NONE" else verb,
        path=path,
        query=NOT_IN_QUERY.sub(lambda sign: quote(sign[0]), sent or query),
        headers=content_type,
        body=message.data.value,
        trace=trace,
    )


def _metadata(sidecar: "Sidecar") -> Any:
    """The document of the HTTP API, whose names are those of the message."""
    shown = describe(sidecar)
    wishes = [wish | {"rules": {"rules": wish["rules"]}} for wish in shown["subscriptions"]]
    workers = {"connectedWorkers": sidecar.connected_workers}
    return ParseDict(
        shown | {"subscriptions": wishes, "workflows": workers}, metadata_pb2.GetMetadataResponse()
    )
