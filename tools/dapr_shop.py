"""The shop on the real runtime: each service, each sidecar and the runtime itself a part by name.

The parts are `redis`, `placement`, `scheduler`, each app by its id, and its sidecar as
`<app id>-daprd`. A further replica of an app has `-2`, `-3`, ... after its id.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from localdapr.app_process import environment
from localdapr.manifest import App, read_manifest
from tools.app_token import APP_TOKEN, new_app_token
from tools.dapr_commands import RuntimePorts
from tools.dapr_parts import Part, Parts
from tools.dapr_runtime import CORE, REDIS, DaprRuntime, port_answers, without_dapr
from tools.own_python import with_own_python
from tools.shop_engine import MARK, READY_SECONDS, ShopEngine, ShopError
from tools.shop_ports import REPO, AppPorts, free_offset
from tools.shop_secret import PIZZA_SECRET, new_secret

TEMPLATE = REPO / "dapr.yaml"
# A sidecar of Dapr 1.18 whose last worker goes while a turn waits for it takes no worker again.
WORKERS = ("pizza-workflow",)
_TAIL_LINES = 12


def sidecar_of(name: str) -> str:
    """The name of the part that is the sidecar of an app or replica."""
    return f"{name}-daprd"


class DaprShop(ShopEngine):
    """Parts may be killed and started again alone, and so may the whole; ports and data stay.

    Only its owner does so: a part that ended by itself is an error.
    """

    def __init__(
        self, folder: Path, *, time_scale: float, offset: int | None = None, **settings: str
    ) -> None:
        """Raises MissingRuntimeError."""
        manifest = read_manifest(TEMPLATE, free_offset() if offset is None else offset)
        self.folder = folder
        self.apps = tuple(ports_of(app) for app in manifest.apps)
        folder.mkdir(parents=True, exist_ok=True)
        self._config = manifest.config_path
        self.app_token = settings.setdefault(APP_TOKEN, new_app_token())
        self.secret = settings.setdefault(PIZZA_SECRET, new_secret())
        self._env = {"PIZZA_TIME_SCALE": str(time_scale), **settings, MARK: str(folder)}
        taken = [port for ports in self.apps for port in ports.all()]
        marked = {MARK: str(folder), APP_TOKEN: self.app_token}
        self._runtime = DaprRuntime(folder, marked, taken)
        self._resources = self._runtime.copy_resources(manifest.resources_paths[0].path)
        self._members: dict[str, App] = {}
        for app in manifest.apps:
            self._add(app.app_id, app)

    @property
    def parts(self) -> Parts:
        return self._runtime.parts

    @property
    def runtime_ports(self) -> RuntimePorts:
        """Where Redis, placement and scheduler listen."""
        return self._runtime.ports

    def start(self) -> None:
        """Also after `stop` or `kill`, and with the replicas that were added."""
        self.start_parts(REDIS)
        self.start_parts(*CORE[1:])
        self.start_parts(*self.members(), *map(sidecar_of, self.members()))

    def members(self) -> list[str]:
        """The apps and their further replicas, by the names of their parts."""
        return list(self._members)

    def port_of(self, name: str) -> AppPorts:
        """The ports of an app or a further replica."""
        return ports_of(self._members[name])

    def add_replica(self, app_id: str) -> str:
        """Start a further replica of an app with its sidecar; the name of its part."""
        number = 2 + sum(name.startswith(f"{app_id}-") for name in self._members)
        name = f"{app_id}-{number}"
        app_port, http_port, grpc_port = self._runtime.take_ports(3)
        app = self._members[app_id]
        self._add(name, replace(app, app_port=app_port, http_port=http_port, grpc_port=grpc_port))
        self.start_parts(name, sidecar_of(name))
        return name

    def start_parts(self, *names: str) -> None:
        """Start these and wait until they are there. Raises ShopError."""
        self.parts.start(*names)
        what = f"to start {', '.join(names)}"
        self.wait(lambda: self.parts.are_there(*names), what, READY_SECONDS)
        self.check_alive()  # what answers may be another's

    def kill_parts(self, *names: str) -> None:
        """SIGKILL for these; they stay away until they are started."""
        self.parts.kill(*names)

    def stop_parts(self, *names: str) -> None:
        """SIGTERM for these, and SIGKILL for those that do not mind it."""
        self.parts.stop(*names)

    def stop(self) -> None:
        """Services first: a daprd whose worker is connected does not end on SIGTERM."""
        self.check_alive()
        self._stop_all()

    def kill(self) -> None:
        self.parts.kill(*self.parts.names())

    def kill_app(self, app_id: str) -> None:
        """A worker together with its sidecar, as a pod dies: see `docs/dapr.md`."""
        names = (app_id, sidecar_of(app_id)) if app_id in WORKERS else (app_id,)
        self.kill_parts(*names)
        self.start_parts(*names)

    def close(self) -> None:
        self._stop_all()
        self.parts.close()

    def check_alive(self) -> None:
        if ended := self.parts.ended():
            raise ShopError(f"ended by itself, with code: {ended}\n{self.tail()}")

    def tail(self) -> str:
        logs = {name: self.parts.log(name) for name in self.parts.names()}
        return "\n".join(f"== {name}\n{last_lines(log)}" for name, log in logs.items())

    def _stop_all(self) -> None:
        self.stop_parts(*self.members())
        self.stop_parts(*map(sidecar_of, self.members()))
        self.stop_parts(*CORE)

    def _add(self, name: str, app: App) -> None:
        self._members[name] = app
        configs = [self._config] if self._config else []
        self._runtime.add_sidecar(sidecar_of(name), app, self._resources, configs)
        inherited = with_own_python(without_dapr(os.environ))
        self.parts.add(app_part(name, app, {**inherited, **self._env}))


def app_part(name: str, app: App, inherited: Mapping[str, str]) -> Part:
    """An app with the environment and the search path that the Dapr CLI gives it."""
    env = environment(app, inherited)
    program = shutil.which(app.command[0], path=env["PATH"]) or app.command[0]

    def is_there() -> bool:
        return app.app_port is None or port_answers(app.app_port)

    return Part(name, [program, *app.command[1:]], app.working_dir, env, is_there)


def ports_of(app: App) -> AppPorts:
    return AppPorts(app.app_id, app.app_port or 0, app.http_port, app.grpc_port)


def last_lines(log: Path) -> str:
    if not log.exists():
        return ""
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:])
