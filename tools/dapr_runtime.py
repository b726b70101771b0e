"""The real runtime on this machine: Redis, placement, scheduler and a daprd for each app.

Everything listens on loopback, on free ports, and keeps its data in one folder. Which apps there
are and what they do is not its business.
"""

import http.client
import os
import shutil
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from localdapr.manifest import App
from tools.dapr_binaries import find_binaries, find_redis
from tools.dapr_commands import (
    LOOPBACK,
    RuntimePorts,
    Sidecar,
    placement_command,
    redis_command,
    scheduler_command,
    sidecar_command,
)
from tools.dapr_parts import Part, Parts
from tools.shop_ports import free_ports

REDIS, PLACEMENT, SCHEDULER = "redis", "placement", "scheduler"
CORE = (REDIS, PLACEMENT, SCHEDULER)
REDIS_ADDRESS = ("localhost:6379", "127.0.0.1:6379")  # as resources name it
NAMES = """\
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: {{name: names}}
spec:
  nameResolution:
    component: sqlite
    version: v1
    configuration: {{connectionString: "{file}"}}
"""


class DaprRuntime:
    """The parts `redis`, `placement` and `scheduler`, and one for each sidecar that is added."""

    def __init__(
        self, folder: Path, env: Mapping[str, str] | None = None, taken: Iterable[int] = ()
    ) -> None:
        """`env` marks its processes; ports in `taken` are others'. Raises MissingRuntimeError."""
        self.folder = folder
        self.parts = Parts(folder)
        self._binaries, redis = find_binaries(), find_redis()
        self._env = {**without_dapr(os.environ), **(env or {}), "DAPR_HOST_IP": LOOPBACK}
        self._taken = set(taken)
        self.ports = RuntimePorts(*self.take_ports(len(RuntimePorts.__dataclass_fields__)))
        self._names = folder / "names.yaml"
        self._names.write_text(NAMES.format(file=folder / "names.db"))
        self._add_core(redis)

    def take_ports(self, count: int) -> list[int]:
        """So many free ports, none of them given before, though nobody may listen there yet."""
        ports = free_ports(count, self._taken)
        self._taken.update(ports)
        return ports

    def copy_resources(self, source: Path, name: str = "resources") -> Path:
        """A copy of a folder of resources in which only the port of Redis is another."""
        target = self.folder / name
        shutil.copytree(source, target)
        for file in target.rglob("*.yaml"):
            text = file.read_text()
            for address in REDIS_ADDRESS:
                text = text.replace(address, f"{LOOPBACK}:{self.ports.redis}")
            file.write_text(text)
        return target

    def add_sidecar(
        self,
        name: str,
        app: App,
        resources: Path,
        configs: Sequence[Path] = (),
        options: Mapping[str, object] | None = None,
    ) -> None:
        """A daprd under this name; app ids are resolved with SQLite, whatever `configs` say.

        Its `{podName}` is this name, as each pod of Kubernetes has its own.
        """
        internal, metrics = self.take_ports(2)
        read = (*configs, self._names)
        sidecar = Sidecar(app, internal, metrics, resources, read, options or {})
        command = sidecar_command(self._binaries, self.ports, sidecar)
        self._add(
            name,
            command,
            lambda: status_of(app.http_port, "/v1.0/healthz/outbound") == 204,
            {"POD_NAME": name},
        )

    def _add_core(self, redis: str) -> None:
        ports, folder = self.ports, self.folder
        self._add(REDIS, redis_command(redis, ports, folder), lambda: redis_answers(ports.redis))
        self._add(
            PLACEMENT,
            placement_command(self._binaries, ports),
            lambda: status_of(ports.placement_health, "/healthz") == 200,
        )
        self._add(
            SCHEDULER,
            scheduler_command(self._binaries, ports, folder),
            lambda: status_of(ports.scheduler_health, "/healthz") == 200,
        )

    def _add(
        self,
        name: str,
        command: list[str],
        is_there: Callable[[], bool],
        env: Mapping[str, str] | None = None,
    ) -> None:
        env = {**self._env, **(env or {})}
        self.parts.add(Part(name, command, self.folder, env, is_there))


def without_dapr(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what another app, sidecar or shop has put there."""
    others = ("DAPR_", "APP_", "PIZZA_", "LOCALDAPR_")
    return {name: value for name, value in environ.items() if not name.startswith(others)}


def status_of(port: int, path: str) -> int:
    """The status of a GET on loopback; 0 while nobody answers."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def redis_answers(port: int) -> bool:
    """Whether Redis has read its data and takes commands."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def port_answers(port: int) -> bool:
    """Whether something listens there."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=5).close()
    except OSError:
        return False
    return True
