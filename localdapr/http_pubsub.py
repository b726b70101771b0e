"""Publishing over HTTP, one message or several."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from pydantic import Field, TypeAdapter

from localdapr.cloudevent import Publication, from_json_text, to_json
from localdapr.errors import ApiError, error_info, resource_info
from localdapr.http_request import TRACE, Body, query_metadata
from localdapr.pubsub import PubSub
from localdapr.yaml_file import Text, said

PLACE = "{pubsub:[^/]+}/{topic:(?s:.+)}"
BULK = ("/v1.0/publish/bulk/", "/v1.0-alpha1/publish/bulk/")


class Entry(Body):
    """One message of a bulk request."""

    entry_id: Text = ""
    event: Any = None
    content_type: Text = ""
    metadata: dict[str, Text] = Field(default_factory=dict)

    def payload(self) -> bytes:
        """The bytes: text as it is, base64 of binary decoded, else JSON. Raises ValueError."""
        if not isinstance(self.event, str) or self.content_type.partition(";")[0].endswith("json"):
            return to_json(self.event)
        if self.content_type == "application/octet-stream":
            return base64.b64decode(self.event, validate=True)
        return self.event.encode("utf-8")


NOTHING: Mapping[str, str] = {}
ENTRIES = TypeAdapter(list[Entry])


def routes(pubsub: PubSub, app_id: str) -> list[web.RouteDef]:
    """The routes by which one app publishes."""
    http = PublishHttp(pubsub, app_id)
    handlers = {path: http.publish_bulk for path in BULK} | {"/v1.0/publish/": http.publish}
    return [
        route(path + PLACE, handler)
        for path, handler in handlers.items()
        for route in (web.post, web.put)
    ]


class PublishHttp:
    """The handlers."""

    def __init__(self, pubsub: PubSub, app_id: str) -> None:
        self._pubsub = pubsub
        self._app_id = app_id

    async def publish(self, request: web.Request) -> web.Response:
        content_type = request.headers.get("Content-Type", "")
        message = self._publication(request, await request.read(), content_type, {})
        await self._pubsub.publish([message])
        return web.Response(status=204)

    async def publish_bulk(self, request: web.Request) -> web.Response:
        self._pubsub.require(request.match_info["pubsub"], self._app_id)
        place = "for topic {topic} pubsub {pubsub}".format(**request.match_info)
        try:
            entries = ENTRIES.validate_python(from_json_text(await request.read()))
        except ValueError as cause:
            message = f"error when unmarshaling the request {place}: {said(cause)}"
            raise self._unreadable(request, message, "PUBSUB_UNMARSHAL_EVENTS") from cause
        try:
            _check_ids([entry.entry_id for entry in entries])
            messages = [
                self._publication(request, entry.payload(), entry.content_type, entry.metadata)
                for entry in entries
            ]
        except ValueError as cause:
            message = f"error marshaling events to bytes {place}. error: {cause}"
            about = {"error": str(cause)}
            raise self._unreadable(request, message, "PUBSUB_MARSHAL_EVENTS", about) from cause
        await self._pubsub.publish(messages)
        return web.Response(status=204)

    def _publication(
        self, request: web.Request, data: bytes, content_type: str, metadata: Mapping[str, str]
    ) -> Publication:
        return Publication(
            self._app_id,
            request.match_info["pubsub"],
            request.match_info["topic"],
            data,
            content_type,
            {**query_metadata(request), **metadata},
            request[TRACE],
        )

    def _unreadable(
        self, request: web.Request, message: str, reason: str, about: Mapping[str, str] = NOTHING
    ) -> ApiError:
        details = [
            resource_info("pubsub", request.match_info["pubsub"], message),
            error_info(reason, {"appID": self._app_id, **about}),
        ]
        return ApiError(400, "ERR_PUBSUB_EVENTS_SER", message, details)


def _check_ids(ids: Sequence[str]) -> None:
    if "" in ids or len(set(ids)) < len(ids):
        raise ValueError("entryId is duplicated or not present for entry")
