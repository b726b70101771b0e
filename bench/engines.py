"""The engines that are compared. Each starts its own processes and takes the same cells of load.

To add one: a class with `name`, `start`, `ask` and `processor`.
"""

import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import config_files, worker
from bench.load import Cell, Sample
from bench.processes import Process, Processes, cpu_seconds, descendants

LOCALDAPR_READY = "localdapr: ready"


@dataclass(frozen=True)
class Ports:
    """The ports of one engine: a block of 20 from `base`, all below the ephemeral range."""

    base: int

    def __getattr__(self, name: str) -> int:
        return self.base + _PORTS.index(name)


_PORTS = (
    "grpc", "http", "callee_grpc", "callee_http", "app", "redis", "placement", "placement_health",
    "placement_metrics", "scheduler", "scheduler_health", "scheduler_metrics", "etcd", "etcd_peer",
    "internal", "metrics", "callee_internal", "callee_metrics",
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

    def start(self) -> None:
        folder = self._folder()
        config_files.write_daprd(folder, self.ports)
        self._start_redis(folder)
        self._start_placement()
        self._start_scheduler(folder)
        callee = self._processes.python(f"{self.name}-callee", "bench.callee", str(self.ports.app))
        callee.wait_for_port(self.ports.app)
        self._start_sidecar("callee", folder, app=True)
        self._start_sidecar("bench", folder, app=False)
        self._worker = start_worker(self._processes, self.name, self.ports.grpc)
        self._start_dapr_load()

    def _workers(self) -> list[int]:
        return [self._worker.pid]

    def _start_redis(self, folder: Path) -> None:
        port, server = self.ports.redis, shutil.which("redis-server") or "redis-server"
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", str(folder)]
        self._add("redis", [server, "--port", str(port), *options], port)

    def _start_placement(self) -> None:
        options = {
            "port": self.ports.placement,
            "healthz-port": self.ports.placement_health,
            "metrics-port": self.ports.placement_metrics,
        }
        self._add("placement", [self._binary("placement"), *_flags(options)], options["port"])

    def _start_scheduler(self, folder: Path) -> None:
        peer = f"dapr-scheduler-server-0=http://localhost:{self.ports.etcd_peer}"
        options = {
            "port": self.ports.scheduler,
            "healthz-port": self.ports.scheduler_health,
            "metrics-port": self.ports.scheduler_metrics,
            "etcd-data-dir": folder / "etcd",
            "etcd-client-port": self.ports.etcd,
            "etcd-initial-cluster": peer,
            "override-broadcast-host-port": f"localhost:{self.ports.scheduler}",
        }
        command = [self._binary("scheduler"), *_flags(options)]
        self._add("scheduler", command, self.ports.scheduler)

    def _start_sidecar(self, app_id: str, folder: Path, *, app: bool) -> None:
        own = "callee_" if app else ""
        options = {
            "app-id": app_id,
            "dapr-http-port": getattr(self.ports, f"{own}http"),
            "dapr-grpc-port": getattr(self.ports, f"{own}grpc"),
            "dapr-internal-grpc-port": getattr(self.ports, f"{own}internal"),
            "metrics-port": getattr(self.ports, f"{own}metrics"),
            "dapr-listen-addresses": "127.0.0.1",
            "dapr-internal-grpc-listen-address": "127.0.0.1",
            "metrics-listen-address": "127.0.0.1",
            "resources-path": folder / "resources",
            "config": folder / "config.yaml",
            "placement-host-address": f"127.0.0.1:{self.ports.placement}",
            "scheduler-host-address": f"127.0.0.1:{self.ports.scheduler}",
            "log-level": "warn",
        }
        if app:
            options["app-port"] = self.ports.app
        command = [self._binary("daprd"), *_flags(options)]
        self._add(f"daprd-{app_id}", command, options["dapr-grpc-port"])

    def _add(self, name: str, command: list[str], port: int) -> None:
        env = {"DAPR_HOST_IP": "127.0.0.1"}
        process = self._processes.start(f"{self.name}-{name}", command, env)
        process.wait_for_port(port)
        self.sidecar.append(process)

    def _binary(self, name: str) -> str:
        return str(self._binaries / name)


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


def _flags(options: Mapping[str, object]) -> list[str]:
    return [part for name, value in options.items() for part in (f"--{name}", str(value))]
