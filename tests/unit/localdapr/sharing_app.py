"""An app with all that runs share: it serves, subscribes, and works on workflows with the SDK."""

import http.server
import json
import os

from dapr.ext.workflow import WorkflowRuntime

TOPIC = {"pubsubname": "pubsub", "topic": "news", "route": "/news"}
runtime = WorkflowRuntime()


@runtime.workflow(name="story")
def story(ctx, _):
    ctx.set_custom_status("hungry")
    pizza = yield ctx.wait_for_external_event("order")
    return (yield ctx.call_activity(cook, input=pizza))


@runtime.workflow(name="broken")
def broken(_ctx, _):
    raise ValueError("no oven")


@runtime.activity(name="cook")
def cook(_, pizza):
    return f"cooked {pizza}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer(
            json.dumps([TOPIC] if self.path == "/dapr/subscribe" else os.environ["APP_ID"])
        )

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        if self.path == "/news":
            print("got", json.loads(body)["data"], flush=True)
        self._answer("{}" if self.path == "/news" else body, 418 if self.path == "/burn" else 200)

    def log_message(self, *_):
        pass

    def _answer(self, text, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


runtime.start()
address = ("127.0.0.1", int(os.environ["APP_PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
