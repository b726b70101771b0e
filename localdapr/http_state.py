"""The state API over HTTP: reads requests, calls StateStores, answers as Dapr does."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from localdapr.cloudevent import from_json, to_json
from localdapr.errors import ApiError
from localdapr.http_request import json_answer, malformed, query_metadata, read_json
from localdapr.state import Change, Entry, StateStores

Routes = list[web.RouteDef]


def routes(state: StateStores) -> Routes:
    """The routes of one app's state stores."""
    http = StateHttp(state)
    store, key = "/v1.0/state/{store:[^/]+}", "{key:[^/]+}"
    return [
        web.post(store, http.save),
        web.put(store, http.save),
        web.post(f"{store}/bulk", http.get_bulk),
        web.put(f"{store}/bulk", http.get_bulk),
        web.post(f"{store}/transaction", http.transact),
        web.put(f"{store}/transaction", http.transact),
        web.get(f"{store}/{key}", http.get, allow_head=False),
        web.delete(f"{store}/{key}", http.delete),
    ]


class StateHttp:
    """The handlers."""

    def __init__(self, state: StateStores) -> None:
        self._state = state

    async def get(self, request: web.Request) -> web.Response:
        entry = await self._state.get(*_place(request))
        if entry is None:
            return web.Response(status=204)
        metadata = {f"metadata.{name}": value for name, value in entry.metadata.items()}
        headers = {"ETag": entry.etag, "Content-Type": "application/json", **metadata}
        return web.Response(body=entry.value, headers=headers)

    async def save(self, request: web.Request) -> web.Response:
        store = request.match_info["store"]
        self._state.require(store)
        items = await read_json(request)
        if not isinstance(items, list):
            raise malformed("the body must be a list of {key, value}")
        metadata = query_metadata(request)
        await self._state.save(store, [_change(item, metadata) for item in items])
        return web.Response(status=204)

    async def delete(self, request: web.Request) -> web.Response:
        store, key = _place(request)
        change = Change(
            key,
            None,
            request.headers.get("If-Match", ""),
            request.query.get("concurrency", ""),
            request.query.get("consistency", ""),
        )
        await self._state.delete(store, [change])
        return web.Response(status=204)

    async def get_bulk(self, request: web.Request) -> web.Response:
        store = request.match_info["store"]
        self._state.require(store)
        body = await read_json(request)
        keys = body.get("keys") if isinstance(body, dict) else None
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise malformed("failed deserializing HTTP body: keys must be a list of texts")
        entries = await self._state.get_many(store, keys)
        shown = [_shown(key, entry) for key, entry in zip(keys, entries, strict=True)]
        return json_answer(shown)

    async def transact(self, request: web.Request) -> web.Response:
        store = request.match_info["store"]
        self._state.require(store)
        body = await read_json(request)
        if not isinstance(body, dict) or not isinstance(body.get("operations") or [], list):
            raise malformed("failed deserializing HTTP body: operations must be a list")
        metadata, operations = _texts(body.get("metadata")), body.get("operations") or []
        await self._state.transact(store, [_operation(entry, metadata) for entry in operations])
        return web.Response(status=204)


def _place(request: web.Request) -> tuple[str, str]:
    return request.match_info["store"], request.match_info["key"]


def _operation(entry: Any, metadata: Mapping[str, str]) -> Change:
    kind = entry.get("operation") if isinstance(entry, dict) else None
    if kind not in ("upsert", "delete"):
        message = f"operation type {kind} not supported"
        raise ApiError(400, "ERR_NOT_SUPPORTED_STATE_OPERATION", message)
    return _change(entry.get("request"), metadata, deletes=kind == "delete")


def _change(item: Any, metadata: Mapping[str, str], *, deletes: bool = False) -> Change:
    """One item of a save or transaction; its own metadata win over those of the request."""
    if not isinstance(item, dict) or not isinstance(item.get("key", ""), str):
        raise malformed("each item must be an object with a key")
    options = _texts(item.get("options"))
    return Change(
        key=item.get("key", ""),
        value=None if deletes else _encoded(item.get("value")),
        etag=str(item.get("etag") or ""),
        concurrency=options.get("concurrency", ""),
        consistency=options.get("consistency", ""),
        metadata={**metadata, **_texts(item.get("metadata"))},
    )


def _texts(value: Any) -> dict[str, str]:
    """Options or metadata: an object whose values are read as texts."""
    if not isinstance(value or {}, dict):
        raise malformed("options and metadata must be objects")
    return {name: str(part) for name, part in (value or {}).items() if part is not None}


def _encoded(value: Any) -> bytes:
    try:
        return to_json(value)
    except ValueError as cause:
        raise malformed(f"a value cannot be stored as UTF-8: {cause.args[-1]}") from cause


def _shown(key: str, entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {"key": key}
    try:
        data = from_json(entry.value)
    except ValueError:
        data = entry.value.decode("utf-8", "replace")  # saved over gRPC as bytes
    shown = {"key": key, "data": data, "etag": entry.etag}
    return shown | ({"metadata": entry.metadata} if entry.metadata else {})
