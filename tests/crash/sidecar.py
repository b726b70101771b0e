"""A sidecar in a process of its own, to be killed and started again."""

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from dapr.ext.workflow._durabletask.internal import orchestrator_service_pb2_grpc

from tests.hub.processes import Process, wait_until
from tests.hub.raw import LIMITS

SCRIPT = Path(__file__).with_name("host_process.py")
# Below the ephemeral range, and not where other tests listen.
_ports = itertools.count(25800, 2)


class Sidecar:
    """Keeps its ports and its data over all its processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "sidecar.log"
        self.http_port = next(_ports)
        self.grpc_port = self.http_port + 1
        self.process: Process | None = None

    def start(self) -> Process:
        """Start it and wait until it serves."""
        self.log.write_bytes(b"")
        command = [sys.executable, str(SCRIPT), str(self.data)]
        ports = [str(self.http_port), str(self.grpc_port)]
        self.process = process = Process([*command, *ports], self.log)
        wait_until(
            lambda: process.ended() is not None or "ready" in process.output().splitlines(),
            "ready",
            60,
        )
        assert process.ended() is None, process.output()
        return process

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process = None

    @contextlib.contextmanager
    def stub(self) -> Iterator[Any]:
        """A connection that comes back by itself."""
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}", options=LIMITS) as channel:
            yield orchestrator_service_pb2_grpc.TaskHubSidecarServiceStub(channel)

    def processor_seconds(self) -> float:
        """What the process has used so far."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """VmRSS of the process, in bytes."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024
