"""The app that is called and that gets the messages: `callee.py PORT`, the same for all engines.

`/ping` answers at once. `/delivered` notes how long each message was on its way: the message
carries the sender's monotonic clock, which on Linux is the same for all processes.
`/took` gives those milliseconds and forgets them.
"""

import sys
import time

from aiohttp import web

PUBSUB, TOPIC = "pubsub", "bench"


class Callee:
    def __init__(self) -> None:
        self._took: list[float] = []

    async def ping(self, _: web.Request) -> web.Response:
        return web.json_response({"pong": True})

    async def subscribe(self, _: web.Request) -> web.Response:
        return web.json_response([{"pubsubname": PUBSUB, "topic": TOPIC, "route": "/delivered"}])

    async def delivered(self, request: web.Request) -> web.Response:
        now = time.monotonic_ns()
        event = await request.json()
        self._took.append((now - event["data"]["sent"]) / 1e6)
        return web.json_response({"status": "SUCCESS"})

    async def took(self, _: web.Request) -> web.Response:
        took, self._took = self._took, []
        return web.json_response(took)


def main(port: int) -> None:
    callee, app = Callee(), web.Application()
    app.router.add_get("/ping", callee.ping)
    app.router.add_get("/dapr/subscribe", callee.subscribe)
    app.router.add_post("/delivered", callee.delivered)
    app.router.add_get("/took", callee.took)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
