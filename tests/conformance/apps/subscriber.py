"""Test app 'subscriber': records every event it gets. Usage: subscriber.py PORT.

GET /_events lists what arrived, DELETE /_events forgets it and all behaviour.
POST /_behave {"<path>": [step, ...]} sets the answers: one step per delivery, the last repeats.
A step is {"code": 200, "body": <JSON or null>}; without one the answer is a success, and for a
bulk request a success of each entry.
"""

import base64
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EVENTS, BEHAVIOUR, LOCK = [], {}, threading.Lock()
RULES = [
    {"match": 'event.type == "order.new"', "path": "/progrules/new"},
    {"match": "event.data.total > 100", "path": "/progrules/big"},
]
BULK = {"enabled": True, "maxMessagesCount": 10, "maxAwaitDurationMs": 300}
SUBSCRIPTIONS = [
    {"pubsubname": "pubsub", "topic": "prog", "route": "/prog"},
    {
        "pubsubname": "pubsub",
        "topic": "prograw",
        "route": "/prograw",
        "metadata": {"rawPayload": "true"},
    },
    {
        "pubsubname": "pubsub",
        "topic": "progrules",
        "routes": {"rules": RULES, "default": "/progrules/default"},
    },
    {"pubsubname": "pubsub", "topic": "progbulk", "route": "/progbulk", "bulkSubscribe": BULK},
]


class Handler(BaseHTTPRequestHandler):
    """Every POST outside /_* is an event."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write per response

    def log_message(self, *_):
        pass

    def reply(self, code, answer=None):
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(code)
        if answer is not None:
            self.send_header("Content-Type", "application/json")
        if code != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if code != 204:
            self.wfile.write(body)

    def do_GET(self):
        with LOCK:
            answers = {"/dapr/subscribe": SUBSCRIPTIONS, "/_events": list(EVENTS)}
        self.reply(*((200, answers[self.path]) if self.path in answers else (404,)))

    def do_DELETE(self):
        with LOCK:
            EVENTS.clear()
            BEHAVIOUR.clear()
        self.reply(200, {})

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_behave":
            with LOCK:
                BEHAVIOUR.update(json.loads(raw))
            return self.reply(200, {})
        body = readable(raw)
        event = {"path": self.path, "headers": list(self.headers.items()), "body": body}
        with LOCK:
            EVENTS.append({**event, "t": time.time()})
            steps = BEHAVIOUR.get(self.path) or [{}]
            step = steps.pop(0) if len(steps) > 1 else steps[0]
        return self.reply(step.get("code", 200), step.get("body", success(body)))

    do_PUT = do_POST

    def do_OPTIONS(self):
        self.reply(405)


def readable(raw):
    try:
        return json.loads(raw)
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}
    except ValueError:
        return {"text": raw.decode()}


def success(body):
    entries = body.get("entries") if isinstance(body, dict) else None
    if entries is None:
        return {"status": "SUCCESS"}
    return {"statuses": [{"entryId": e["entryId"], "status": "SUCCESS"} for e in entries]}


if __name__ == "__main__":
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
