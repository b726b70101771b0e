"""What the tests of the task hub run on: one sidecar for the app `hub` and one for `other`."""

import http.client
import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.hub.processes import DEADLINE, Process, wait_until

APPS = ("hub", "other")
# Below the ephemeral range, and not where other tests listen.
_bases = itertools.count(25200, 20)
MANIFEST = """\
version: 1
apps:
  - appID: hub
    appDirPath: .
    daprHTTPPort: {hub_http}
    daprGRPCPort: {hub_grpc}
    command: [sleep, infinity]
  - appID: other
    appDirPath: .
    daprHTTPPort: {other_http}
    daprGRPCPort: {other_grpc}
    command: [sleep, infinity]
"""


def get_json(port: int, path: str) -> tuple[int, Any]:
    """Status and JSON body of a path; (0, None) while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        return response.status, json.loads(body) if body else None
    except OSError:
        return 0, None
    finally:
        connection.close()


class Engine:
    """The ports of both sidecars, and what can be asked of any engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        base = next(_bases)
        self.http = {app: base + 2 * n for n, app in enumerate(APPS)}
        self.grpc = {app: base + 2 * n + 1 for n, app in enumerate(APPS)}
        self.base = base

    def is_ready(self) -> bool:
        return all(
            get_json(port, "/v1.0/healthz/outbound")[0] == 204 for port in self.http.values()
        )

    def wait_for_workers(self, app: str, count: int) -> None:
        """Wait until exactly so many workers of an app are connected."""

        def connected() -> bool:
            _, metadata = get_json(self.http[app], "/v1.0/metadata")
            return ((metadata or {}).get("workflows") or {}).get("connectedWorkers", 0) == count

        wait_until(connected, f"{count} workers of {app}")

    def start(self) -> None:
        raise NotImplementedError

    def kill(self) -> None:
        """As `kill -9`."""
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError


class Localdapr(Engine):
    """`localdapr run -f` of two apps that their tests start."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "dapr.yaml").write_text(
            MANIFEST.format(
                **{f"{app}_http": port for app, port in self.http.items()},
                **{f"{app}_grpc": port for app, port in self.grpc.items()},
            )
        )
        self.process: Process | None = None

    def start(self, seconds: float = DEADLINE) -> None:
        command = [sys.executable, "-m", "localdapr", "run", "-f", str(self.folder)]
        self.process = Process(command, self.folder / "localdapr.log")
        wait_until(lambda: self.process_ended() or self.is_ready(), "localdapr is ready", seconds)
        assert not self.process_ended(), self.process.output()

    def process_ended(self) -> bool:
        return self.process is not None and self.process.ended() is not None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()


COMPONENT = """\
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {{name: store}}
spec:
  type: state.sqlite
  version: v1
  metadata:
    - {{name: connectionString, value: "{folder}/state-{app}.db"}}
    - {{name: actorStateStore, value: "true"}}
"""
CONFIGURATION = """\
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: {{name: config}}
spec:
  nameResolution:
    component: sqlite
    version: v1
    configuration: {{connectionString: "{folder}/names.db"}}
"""


class Dapr(Engine):
    """daprd for each app, with placement and scheduler. DAPR_BIN is where the binaries are."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._bin = Path(os.environ["DAPR_BIN"])
        self._processes: list[Process] = []
        (folder / "config.yaml").write_text(CONFIGURATION.format(folder=folder))
        for app in APPS:
            (folder / app).mkdir()
            (folder / app / "store.yaml").write_text(COMPONENT.format(folder=folder, app=app))

    def start(self) -> None:
        p = self.base + 4
        self._run(
            *("placement", "--port", p, "--healthz-port", p + 1, "--metrics-port", p + 2),
            *("--initial-cluster", f"dapr-placement-0=127.0.0.1:{p + 12}"),
        )
        self._run(
            *("scheduler", "--port", p + 3, "--healthz-port", p + 4, "--metrics-port", p + 5),
            *("--etcd-data-dir", self.folder / "etcd", "--etcd-client-port", p + 6),
            "--etcd-initial-cluster",
            f"dapr-scheduler-server-0=http://localhost:{p + 7}",
            *("--override-broadcast-host-port", f"localhost:{p + 3}"),
        )
        for number, app in enumerate(APPS):
            self._run(
                *("daprd", "--app-id", app, "--dapr-http-port", self.http[app]),
                *("--dapr-grpc-port", self.grpc[app]),
                *("--dapr-internal-grpc-port", p + 8 + 2 * number),
                *("--metrics-port", p + 9 + 2 * number, "--resources-path", self.folder / app),
                *("--config", self.folder / "config.yaml"),
                *("--placement-host-address", f"127.0.0.1:{p}"),
                *("--scheduler-host-address", f"127.0.0.1:{p + 3}"),
                *("--dapr-listen-addresses", "127.0.0.1", "--max-body-size", "64Mi"),
            )
        wait_until(self.is_ready, "daprd is ready", 60)

    def _run(self, name: str, *arguments: object) -> None:
        command = [str(self._bin / name), *map(str, arguments)]
        log = self.folder / f"{name}.log"
        self._processes.append(Process(command, log, env={"DAPR_HOST_IP": "127.0.0.1"}))

    def kill(self) -> None:
        for process in reversed(self._processes):
            process.kill()
        self._processes.clear()

    stop = kill
