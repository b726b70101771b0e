"""The command line of each part of the real runtime, all on loopback. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localdapr.manifest import App

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class RuntimePorts:
    """Where Redis, placement and scheduler listen."""

    redis: int
    placement: int
    placement_health: int
    placement_metrics: int
    placement_raft: int
    scheduler: int
    scheduler_health: int
    scheduler_metrics: int
    etcd: int
    etcd_peer: int


@dataclass(frozen=True)
class Sidecar:
    """One daprd: for which app, where it listens besides, what it reads, further options."""

    app: App
    internal_port: int
    metrics_port: int
    resources: Path
    configs: Sequence[Path]
    options: Mapping[str, object] = field(default_factory=dict)


def redis_command(program: str, ports: RuntimePorts, folder: Path) -> list[str]:
    """Nothing is acknowledged before it is on disk: a Redis that is killed loses nothing."""
    options = {
        "port": ports.redis,
        "bind": LOOPBACK,
        "dir": folder,
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
    }
    return [program, *_flags(options)]


def placement_command(binaries: Path, ports: RuntimePorts) -> list[str]:
    options = {
        "port": ports.placement,
        "listen-address": LOOPBACK,
        "healthz-port": ports.placement_health,
        "healthz-listen-address": LOOPBACK,
        "metrics-port": ports.placement_metrics,
        "metrics-listen-address": LOOPBACK,
        "initial-cluster": f"dapr-placement-0={LOOPBACK}:{ports.placement_raft}",
    }
    return [str(binaries / "placement"), *_flags(options)]


def scheduler_command(binaries: Path, ports: RuntimePorts, folder: Path) -> list[str]:
    options = {
        "port": ports.scheduler,
        "listen-address": LOOPBACK,
        "healthz-port": ports.scheduler_health,
        "healthz-listen-address": LOOPBACK,
        "metrics-port": ports.scheduler_metrics,
        "metrics-listen-address": LOOPBACK,
        "etcd-data-dir": folder / "etcd",
        "etcd-client-port": ports.etcd,
        "etcd-initial-cluster": f"dapr-scheduler-server-0=http://localhost:{ports.etcd_peer}",
        "override-broadcast-host-port": f"localhost:{ports.scheduler}",
    }
    return [str(binaries / "scheduler"), *_flags(options)]


def sidecar_command(binaries: Path, ports: RuntimePorts, sidecar: Sidecar) -> list[str]:
    app = sidecar.app
    options = {
        "app-id": app.app_id,
        "dapr-http-port": app.http_port,
        "dapr-grpc-port": app.grpc_port,
        "dapr-internal-grpc-port": sidecar.internal_port,
        "metrics-port": sidecar.metrics_port,
        "dapr-listen-addresses": LOOPBACK,
        "dapr-internal-grpc-listen-address": LOOPBACK,
        "metrics-listen-address": LOOPBACK,
        "resources-path": sidecar.resources,
        "placement-host-address": f"{LOOPBACK}:{ports.placement}",
        "scheduler-host-address": f"{LOOPBACK}:{ports.scheduler}",
        **({"app-port": app.app_port} if app.app_port is not None else {}),
        **sidecar.options,
    }
    configs = [part for path in sidecar.configs for part in ("--config", str(path))]
    return [str(binaries / "daprd"), *_flags(options), *configs]


def _flags(options: Mapping[str, object]) -> list[str]:
    return [part for name, value in options.items() for part in (f"--{name}", str(value))]
