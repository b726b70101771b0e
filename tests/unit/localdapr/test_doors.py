"""The doors of a whole run, as a browser finds them."""

import http.client
import socket
from pathlib import Path

import pytest

from localdapr.ports import pick_port
from tests.unit.localdapr.localdapr_process import DEADLINE, Localdapr

PAGE = "http://localhost:5173"


class Run:
    """A sidecar without an app, its user having allowed a host and a page."""

    def __init__(self, folder: Path, started: list[Localdapr]) -> None:
        self.http, self.grpc = pick_port(21770, ()), pick_port(21800, ())
        ports = ("-H", str(self.http), "-G", str(self.grpc), "--allowed-hosts", "docker, Shop")
        command = ("run", "--app-id", "bare", *ports)
        self.process = Localdapr(folder, *command, LOCALDAPR_ALLOWED_ORIGINS=PAGE)
        started.append(self.process)
        self.process.wait_for("localdapr: ready")

    def status(self, method: str, path: str, **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=DEADLINE)
        try:
            connection.request(method, path, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def run(tmp_path: Path, started: list[Localdapr]) -> Run:
    return Run(tmp_path, started)


def test_what_the_user_allows_is_allowed_and_nothing_else(run: Run) -> None:
    shutdown = ("POST", "/v1.0/shutdown")
    assert run.status("GET", "/v1.0/metadata", Host="evil.example") == 403
    assert run.status("GET", "/v1.0/metadata", Host=f"shop:{run.http}") == 200
    assert run.status(*shutdown, Origin="http://evil.example") == 403
    assert run.process.process.poll() is None
    assert run.status(*shutdown, Origin=PAGE) == 204
    assert run.process.wait() == 0
    assert run.process.errors == ""


def test_the_grpc_port_answers_no_browser(run: Run) -> None:
    sent = b"POST /dapr.proto.runtime.v1.Dapr/Shutdown HTTP/1.1\r\nHost: localhost\r\n"
    sent += b"Content-Type: application/grpc-web+proto\r\nContent-Length: 5\r\n\r\n" + b"\0" * 5
    with socket.create_connection(("127.0.0.1", run.grpc), timeout=DEADLINE) as connection:
        connection.sendall(sent)
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
    assert b"HTTP/1" not in answer
    assert run.status("GET", "/v1.0/metadata") == 200
