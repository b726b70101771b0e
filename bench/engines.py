"""The engines that are compared. Each starts its own processes and takes the same cells of load.

To add one: a class with `name`, `start`, `ask` and `processor`.
"""

import shutil
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from pathlib import Path

from bench import config_files, worker
from bench.load import Cell, Sample
from bench.processes import Process, Processes, cpu_seconds, descendants
from localdapr.manifest import App
from tools.dapr_commands import (
    LOOPBACK,
    RuntimePorts,
    Sidecar,
    placement_command,
    redis_command,
    scheduler_command,
    sidecar_command,
)

LOCALDAPR_READY = "localdapr: ready"


@dataclass(frozen=True)
class Ports:
    """The ports of one engine: a block of 20 from `base`, all below the ephemeral range."""

    base: int

    def __getattr__(self, name: str) -> int:
        return self.base + _PORTS.index(name)


_PORTS = (
    "grpc", "http", "callee_grpc", "callee_http", "app", "redis", "placement", "placement_health",
    "placement_metrics", "placement_raft", "scheduler", "scheduler_health", "scheduler_metrics",
    "etcd", "etcd_peer", "internal", "metrics", "callee_internal", "callee_metrics",
)  # fmt: skip


class Engine(ABC):
    """One engine. `sidecar` are the processes whose processor time is the engine's own."""

    def __init__(self, name: str, processes: Processes, ports: Ports) -> None:
        self.name = name
        self.ports = ports
        self.sidecar: list[Process] = []
        self._processes = processes
        self._load: Process | None = None

    @abstractmethod
    def start(self) -> None:
        """Returns when the engine takes load. Raises BenchError."""

    def ask(self, cell: Cell) -> Sample:
        """Put load on it. Raises BenchError."""
        assert self._load is not None
        return self._load.ask(Cell(cell.shape, cell.clients, cell.seconds, self.ports.grpc))

    def processor(self) -> dict[str, float]:
        """The processor seconds used so far by the engine itself, the worker and the load."""
        assert self._load is not None
        return {
            "engine": sum(cpu_seconds(process.pid) for process in self.sidecar),
            "worker": sum(cpu_seconds(pid) for pid in self._workers()),
            "clients": cpu_seconds(self._load.pid),
        }

    def _workers(self) -> list[int]:
        return []

    def _folder(self) -> Path:
        folder = self._processes.folder / self.name
        folder.mkdir()
        return folder

    def _start_dapr_load(self) -> None:
        self._load = self._processes.python(f"{self.name}-load", "bench.dapr_load", talks=True)


class NullSidecar(Engine):
    """Answers from memory and stores nothing: what the SDK's worker and client allow."""

    def start(self) -> None:
        sidecar = self._processes.python(self.name, "bench.null_sidecar", str(self.ports.grpc))
        sidecar.wait_for_port(self.ports.grpc)
        self.sidecar = [sidecar]
        self._worker = start_worker(self._processes, self.name, self.ports.grpc)
        self._start_dapr_load()

    def _workers(self) -> list[int]:
        return [self._worker.pid]


class LocalDapr(Engine):
    """`localdapr run -f`, which starts the worker and the callee. `source`: another copy of it."""

    def __init__(
        self, name: str, processes: Processes, ports: Ports, source: Path | None = None
    ) -> None:
        super().__init__(name, processes, ports)
        self._env = {"PYTHONPATH": str(source)} if source else {}

    def start(self) -> None:
        template = config_files.write_localdapr(self._folder(), self.ports)
        # -P: the current folder does not come before the source that is asked for.
        command = [sys.executable, "-P", "-m", "localdapr", "run", "-f", str(template)]
        sidecar = self._processes.start(self.name, command, self._env)
        sidecar.wait_for_line(LOCALDAPR_READY)
        sidecar.wait_for_line(worker.READY)
        self.sidecar = [sidecar]
        self._start_dapr_load()

    def _workers(self) -> list[int]:
        return descendants(self.sidecar[0].pid)


class Daprd(Engine):
    """The real runtime: two sidecars, placement, scheduler and Redis, all on loopback."""

    def __init__(self, name: str, processes: Processes, ports: Ports, binaries: Path) -> None:
        super().__init__(name, processes, ports)
        self._binaries = binaries
        self._runtime = RuntimePorts(
            **{each.name: getattr(ports, each.name) for each in fields(RuntimePorts)}
        )

    def start(self) -> None:
        folder = self._folder()
        ports = self.ports
        config_files.write_daprd(folder, ports)
        self._start_core(folder)
        called = self._processes.python(f"{self.name}-callee", "bench.callee", str(ports.app))
        called.wait_for_port(ports.app)
        callee = App("callee", ports.callee_http, ports.callee_grpc, ports.app)
        self._start_sidecar(callee, ports.callee_internal, ports.callee_metrics, folder)
        self._start_sidecar(
            App("bench", ports.http, ports.grpc), ports.internal, ports.metrics, folder
        )
        self._worker = start_worker(self._processes, self.name, ports.grpc)
        self._start_dapr_load()

    def _workers(self) -> list[int]:
        return [self._worker.pid]

    def _start_core(self, folder: Path) -> None:
        ports, redis = self._runtime, shutil.which("redis-server") or "redis-server"
        # A sync a second, as people run it: to sync each write would make daprd slower.
        command = [*redis_command(redis, ports, folder), "--appendfsync", "everysec"]
        self._add("redis", command, ports.redis)
        self._add("placement", placement_command(self._binaries, ports), ports.placement)
        self._add("scheduler", scheduler_command(self._binaries, ports, folder), ports.scheduler)

    def _start_sidecar(self, app: App, internal: int, metrics: int, folder: Path) -> None:
        configs = [folder / "config.yaml"]
        quiet = {"log-level": "warn"}
        sidecar = Sidecar(app, internal, metrics, folder / "resources", configs, quiet)
        command = sidecar_command(self._binaries, self._runtime, sidecar)
        self._add(f"daprd-{app.app_id}", command, app.grpc_port)

    def _add(self, name: str, command: list[str], port: int) -> None:
        env = {"DAPR_HOST_IP": LOOPBACK}
        process = self._processes.start(f"{self.name}-{name}", command, env)
        process.wait_for_port(port)
        self.sidecar.append(process)


class Dbos(Engine):
    """DBOS on SQLite: engine, worker and clients are one process, as its users run it."""

    def __init__(self, name: str, processes: Processes, ports: Ports, python: Path) -> None:
        super().__init__(name, processes, ports)
        self._python = python

    def start(self) -> None:
        command = [str(self._python), "-m", "bench.dbos_load", str(self._folder())]
        self._load = self._processes.start(self.name, command, talks=True)


def start_worker(processes: Processes, name: str, grpc_port: int) -> Process:
    """The Dapr worker, connected."""
    process = processes.python(f"{name}-worker", "bench.worker", str(grpc_port))
    process.wait_for_line(worker.READY)
    return process
