"""Publishing over HTTP, one message or several."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from localdapr.cloudevent import Publication, from_json, to_json
from localdapr.errors import ApiError
from localdapr.http_request import TRACE, malformed, query_metadata
from localdapr.pubsub import PubSub
from localdapr.tracing import Trace

PLACE = "{pubsub:[^/]+}/{topic:.+}"


def routes(pubsub: PubSub, app_id: str) -> list[web.RouteDef]:
    """The routes by which one app publishes."""
    http = PublishHttp(pubsub, app_id)
    bulk = [
        route
        for version in ("v1.0", "v1.0-alpha1")
        for route in (
            web.post(f"/{version}/publish/bulk/{PLACE}", http.publish_bulk),
            web.put(f"/{version}/publish/bulk/{PLACE}", http.publish_bulk),
        )
    ]
    single = f"/v1.0/publish/{PLACE}"
    return [*bulk, web.post(single, http.publish), web.put(single, http.publish)]


class PublishHttp:
    """The handlers."""

    def __init__(self, pubsub: PubSub, app_id: str) -> None:
        self._pubsub = pubsub
        self._app_id = app_id

    async def publish(self, request: web.Request) -> web.Response:
        publication = Publication(
            self._app_id,
            request.match_info["pubsub"],
            request.match_info["topic"],
            await request.read(),
            request.headers.get("Content-Type", ""),
            query_metadata(request),
            request[TRACE],
        )
        await self._pubsub.publish([publication])
        return web.Response(status=204)

    async def publish_bulk(self, request: web.Request) -> web.Response:
        pubsub, topic = request.match_info["pubsub"], request.match_info["topic"]
        self._pubsub.require(pubsub, self._app_id)
        entries = _entries(await request.read(), pubsub, topic, self._app_id)
        metadata, trace = query_metadata(request), request[TRACE]
        await self._pubsub.publish(
            [_publication(self._app_id, pubsub, topic, entry, metadata, trace) for entry in entries]
        )
        return web.Response(status=204)


def _entries(body: bytes, pubsub: str, topic: str, app_id: str) -> list[dict[str, Any]]:
    """The list of a bulk request, checked. Raises ApiError 400."""
    place = f"for topic {topic} pubsub {pubsub}"
    try:
        entries = from_json(body)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ValueError("the body must be a list of {entryId, event, contentType}")
    except ValueError as cause:
        message = f"error when unmarshaling the request {place}: {cause}"
        raise _unreadable(message, pubsub, {"appID": app_id}, "UNMARSHAL_EVENTS") from cause
    ids = [str(entry.get("entryId") or "") for entry in entries]
    if "" in ids or len(set(ids)) < len(ids):
        error = "entryId is duplicated or not present for entry"
        message = f"error marshaling events to bytes {place}. error: {error}"
        details = {"appID": app_id, "error": error}
        raise _unreadable(message, pubsub, details, "MARSHAL_EVENTS")
    return entries


def _publication(
    app_id: str,
    pubsub: str,
    topic: str,
    entry: Mapping[str, Any],
    metadata: Mapping[str, str],
    trace: Trace,
) -> Publication:
    own = entry.get("metadata") or {}
    if not isinstance(own, dict):
        raise malformed("metadata must be an object")
    content_type = str(entry.get("contentType") or "")
    return Publication(
        app_id,
        pubsub,
        topic,
        _payload(entry.get("event"), content_type, pubsub, app_id),
        content_type,
        {**metadata, **{str(k): str(v) for k, v in own.items()}},
        trace,
    )


def _payload(event: Any, content_type: str, pubsub: str, app_id: str) -> bytes:
    """The bytes of an entry: text as it is, base64 of binary decoded, else JSON."""
    try:
        if not isinstance(event, str) or content_type.partition(";")[0].endswith("json"):
            return to_json(event)
        if content_type == "application/octet-stream":
            return base64.b64decode(event, validate=True)
        return event.encode("utf-8")
    except (ValueError, binascii.Error) as cause:
        message = f"error marshaling events to bytes: {cause}"
        details = {"appID": app_id, "error": str(cause)}
        raise _unreadable(message, pubsub, details, "MARSHAL_EVENTS") from cause


def _unreadable(message: str, pubsub: str, metadata: Mapping[str, str], reason: str) -> ApiError:
    details: list[dict[str, Any]] = [
        {
            "@type": "type.googleapis.com/google.rpc.ResourceInfo",
            "description": message,
            "owner": "",
            "resource_name": pubsub,
            "resource_type": "pubsub",
        },
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "domain": "dapr.io",
            "metadata": dict(metadata),
            "reason": f"DAPR_PUBSUB_{reason}",
        },
    ]
    return ApiError(400, "ERR_PUBSUB_EVENTS_SER", message, details)
