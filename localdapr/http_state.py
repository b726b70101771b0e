"""The state API over HTTP: reads requests, calls StateStores, answers as Dapr does."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import Field, TypeAdapter

from localdapr.cloudevent import from_json, to_json
from localdapr.http_request import Body, json_answer, query_metadata, read_body
from localdapr.state import Change, Entry, StateStores, operation
from localdapr.yaml_file import Text

STORE = "/v1.0/state/{store:[^/]+}"


class Options(Body):
    """How a change is made."""

    concurrency: Text = ""
    consistency: Text = ""


class Item(Body):
    """One item of a save or of a transaction."""

    key: str = ""
    value: Any = None
    etag: Text = ""
    options: Options = Options()
    metadata: dict[str, Text] = Field(default_factory=dict)

    def change(self, metadata: Mapping[str, str]) -> Change:
        """With the metadata of the request, its own winning."""
        options = self.options
        both = {**metadata, **self.metadata}
        return Change(
            self.key, to_json(self.value), self.etag, options.concurrency, options.consistency, both
        )


class Operation(Body):
    """One step of a transaction."""

    operation: Text = ""
    request: Item


class Transaction(Body):
    """Steps that are taken together."""

    operations: tuple[Operation, ...] = ()
    metadata: dict[str, Text] = Field(default_factory=dict)


class Bulk(Body):
    """Keys to be read together."""

    keys: tuple[str, ...]


ITEMS, TRANSACTION, BULK = TypeAdapter(list[Item]), TypeAdapter(Transaction), TypeAdapter(Bulk)


def routes(state: StateStores) -> list[web.RouteDef]:
    """The routes of one app's state stores."""
    http = StateHttp(state)
    writing = [("", http.save), ("/bulk", http.get_bulk), ("/transaction", http.transact)]
    return [
        *(web.post(STORE + path, handler) for path, handler in writing),
        *(web.put(STORE + path, handler) for path, handler in writing),
        web.get(STORE + "/{key:[^/]+}", http.get, allow_head=False),
        web.delete(STORE + "/{key:[^/]+}", http.delete),
    ]


class StateHttp:
    """The handlers."""

    def __init__(self, state: StateStores) -> None:
        self._state = state

    async def get(self, request: web.Request) -> web.Response:
        entry = await self._state.get(request.match_info["store"], request.match_info["key"])
        if entry is None:
            return web.Response(status=204)
        metadata = {f"metadata.{name}": value for name, value in entry.metadata.items()}
        headers = {"ETag": entry.etag, "Content-Type": "application/json", **metadata}
        return web.Response(body=entry.value, headers=headers)

    async def save(self, request: web.Request) -> web.Response:
        store, metadata = self._store(request), query_metadata(request)
        items = await read_body(request, ITEMS)
        await self._state.save(store, [item.change(metadata) for item in items])
        return web.Response(status=204)

    async def delete(self, request: web.Request) -> web.Response:
        change = Change(
            request.match_info["key"],
            None,
            request.headers.get("If-Match", ""),
            request.query.get("concurrency", ""),
            request.query.get("consistency", ""),
        )
        await self._state.delete(request.match_info["store"], [change])
        return web.Response(status=204)

    async def get_bulk(self, request: web.Request) -> web.Response:
        store = self._store(request)
        keys = (await read_body(request, BULK)).keys
        entries = await self._state.get_many(store, keys)
        return json_answer([_shown(*pair) for pair in zip(keys, entries, strict=True)])

    async def transact(self, request: web.Request) -> web.Response:
        store = self._store(request)
        asked = await read_body(request, TRANSACTION)
        changes = [
            operation(step.operation, step.request.change(asked.metadata))
            for step in asked.operations
        ]
        await self._state.transact(store, changes)
        return web.Response(status=204)

    def _store(self, request: web.Request) -> str:
        """The store, refused before the body is looked at."""
        self._state.require(request.match_info["store"])
        return request.match_info["store"]


def _shown(key: str, entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {"key": key}
    try:
        data = from_json(entry.value)
    except ValueError:
        data = entry.value.decode("utf-8", "replace")  # saved over gRPC as bytes
    shown = {"key": key, "data": data, "etag": entry.etag}
    return shown | ({"metadata": entry.metadata} if entry.metadata else {})
