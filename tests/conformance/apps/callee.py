"""Test app 'callee': answers whatever the path asks for. Usage: callee.py PORT."""

import base64
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

UNSHOWN = ("content-length", "transfer-encoding", "connection", "accept-encoding")
JSON = "application/json"
TRIES, LOCK = {}, threading.Lock()
CUSTOM = [
    ("X-Custom", "one"),
    ("Set-Cookie", "a=1"),
    ("Set-Cookie", "b=2"),
    ("Cache-Control", "no-store"),
    ("ETag", '"q1"'),
]


class Handler(BaseHTTPRequestHandler):
    """Every path not named in ANSWERS is echoed."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write per response

    def log_message(self, *_):
        pass

    def reply(self, code, body=b"", content_type=None, headers=()):
        self.send_response(code)
        for name, value in [("Content-Type", content_type), *headers]:
            if value:
                self.send_header(name, value)
        if code not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and code not in (204, 304):
            self.wfile.write(body)

    def read_body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        whole = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def handle_any(self):
        body = self.read_body()
        kind, _, argument = urlsplit(self.path).path.strip("/").partition("/")
        answer = ANSWERS.get(kind, echo)
        self.reply(*answer(self, argument, body))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = handle_any


def echo(handler, _argument, body):
    """What arrived, as JSON."""
    headers = {}
    for name, value in handler.headers.items():
        if name.lower() not in UNSHOWN:
            headers.setdefault(name.lower(), []).append(value)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = {"base64": base64.b64encode(body).decode()}
    url = urlsplit(handler.path)
    seen = {
        "method": handler.command,
        "path": url.path,
        "rawQuery": url.query,
        "query": parse_qs(url.query, keep_blank_values=True),
        "headers": headers,
        "body": text,
    }
    return 200, json.dumps(seen).encode(), JSON


def status(_handler, argument, _body):
    code = int(argument)
    return code, json.dumps({"code": code, "from": "callee"}).encode(), JSON


def slow(_handler, argument, _body):
    time.sleep(int(argument) / 1000)
    return 200, b'{"slow":true}', JSON


def flaky(_handler, argument, _body):
    """/flaky/STATUS/FAILURES/KEY: so often this status, then 200; says how often it was asked."""
    status, failures, _key = argument.split("/")
    with LOCK:
        TRIES[argument] = tries = TRIES.get(argument, 0) + 1
    body = json.dumps({"tries": tries}).encode()
    return int(status) if tries <= int(failures) else 200, body, JSON


ANSWERS = {
    "healthz": lambda *_: (200, b"ok", "text/plain"),
    "dapr": lambda *_: (404,),  # /dapr/config, /dapr/subscribe
    "status": status,
    "flaky": flaky,
    "empty": lambda _handler, argument, _body: (int(argument),),
    "slow": slow,
    "text": lambda *_: (200, "plain täxt".encode(), "text/plain; charset=utf-8"),
    "json": lambda *_: (200, b'{"b":1, "a":[true,null,"\\u00e9"]}', JSON),
    "notype": lambda *_: (200, b'{"x":1}'),
    "large": lambda _handler, argument, _body: (200, b"x" * int(argument), "text/plain"),
    "count": lambda _handler, _argument, body: (200, json.dumps({"len": len(body)}).encode(), JSON),
    "binary": lambda *_: (200, bytes(range(256)), "application/octet-stream"),
    "headers": lambda *_: (200, b"{}", JSON, CUSTOM),
    "redirect": lambda *_: (302, b"", None, [("Location", "/json")]),
}


if __name__ == "__main__":
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
