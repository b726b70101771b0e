"""What the tests of the task hub run on: one sidecar for the app `hub` and one for `other`."""

import http.client
import itertools
import json
import sys
from pathlib import Path
from typing import Any

from localdapr.manifest import App
from tests.hub.processes import DEADLINE, Process, wait_until
from tools.dapr_runtime import PLACEMENT, REDIS, SCHEDULER, DaprRuntime

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
metadata: {name: store}
spec:
  type: state.redis
  version: v1
  metadata:
    - {name: redisHost, value: "localhost:6379"}
    - {name: actorStateStore, value: "true"}
"""


class Dapr(Engine):
    """A daprd for each app."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._runtime = DaprRuntime(folder)
        (folder / "components").mkdir()
        (folder / "components" / "store.yaml").write_text(COMPONENT)
        resources = self._runtime.copy_resources(folder / "components")
        for app_id in APPS:
            app = App(app_id, self.http[app_id], self.grpc[app_id])
            options = {"max-body-size": "64Mi"}
            self._runtime.add_sidecar(app_id, app, resources, options=options)

    def start(self) -> None:
        parts = self._runtime.parts
        for names in ((REDIS,), (PLACEMENT, SCHEDULER), APPS):
            parts.start(*names)
            wait_until(lambda names=names: parts.are_there(*names), f"{names} are there", 60)

    def kill(self) -> None:
        self._runtime.parts.kill(*self._runtime.parts.names())

    def stop(self) -> None:
        self._runtime.parts.close()
