"""A sidecar of nothing but state and publishing, behind real sockets, for the real client."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from dapr.proto import api_service_v1, api_v1, common_v1
from google.protobuf.empty_pb2 import Empty


class StubDapr(api_service_v1.DaprServicer):
    """Keeps state as Redis does, including its odd answer to a first write of a known key."""

    def __init__(self):
        self.state, self.writes, self.published = {}, 0, []
        self.ttls = {}
        self.broken = None

    def GetState(self, request, context):
        self._fail_if_broken(context)
        value, number = self.state.get(request.key, (b"", ""))
        return api_v1.GetStateResponse(data=value, etag=str(number))

    def GetBulkState(self, request, context):
        found = [
            api_v1.BulkStateItem(key=key, data=self.state.get(key, (b"",))[0])
            for key in request.keys
        ]
        return api_v1.GetBulkStateResponse(items=found)

    def SaveState(self, request, context):
        for item in request.states:
            self._check(item, context)
            assert item.options.concurrency == common_v1.StateOptions.CONCURRENCY_FIRST_WRITE
            self.writes += 1
            self.state[item.key] = (item.value, self.writes)
            if "ttlInSeconds" in item.metadata:
                self.ttls[item.key] = item.metadata["ttlInSeconds"]
        return Empty()

    def DeleteState(self, request, context):
        number = self.state.get(request.key, (b"", ""))[1]
        if number and request.etag.value != str(number):
            context.abort(grpc.StatusCode.ABORTED, "possible etag mismatch")
        self.state.pop(request.key, None)
        return Empty()

    def PublishEvent(self, request, context):
        self.published.append(request)
        return Empty()

    def _check(self, item, context):
        number = self.state.get(item.key, (b"", ""))[1]
        if number and not item.etag.value:
            context.abort(grpc.StatusCode.INTERNAL, f"failed to set key {item.key}: ERR")
        if number and item.etag.value != str(number):
            context.abort(grpc.StatusCode.ABORTED, "possible etag mismatch")

    def _fail_if_broken(self, context):
        if self.broken:
            context.abort(self.broken, "so it is")


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/v1.0/metadata":
            self.send_response(204)
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.metadata).encode())

    def log_message(self, *args):
        pass


class RunningDapr:
    """The stub's two servers on ports of their own; `with` starts and ends them."""

    def __init__(self, stub, http_port=0, grpc_port=0):
        self.stub = stub
        self._http = ThreadingHTTPServer(("127.0.0.1", http_port), _Healthy)
        self._http.metadata = self.metadata = {"id": "stub"}
        self.http_port = self._http.server_address[1]
        self._grpc = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        api_service_v1.add_DaprServicer_to_server(stub, self._grpc)
        self.grpc_port = self._grpc.add_insecure_port(f"127.0.0.1:{grpc_port}")

    def __enter__(self):
        self._grpc.start()
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._grpc.stop(0).wait()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
