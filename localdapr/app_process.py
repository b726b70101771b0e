"""One started app: its environment, its process group, its output, its port, its end.

It leads a group of its own, so that what it starts itself ends with it. It never restarts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Iterator, Mapping
from pathlib import Path

from localdapr.app_guard import send
from localdapr.app_output import AppOutput
from localdapr.console import Console
from localdapr.errors import AppFailedError
from localdapr.manifest import App
from localdapr.race import race

START = (sys.executable, "-I", "-S", str(Path(__file__).with_name("app_guard.py")))
POLL = 0.02  # seconds between two looks at a group that is ending
PROBE = 0.05  # seconds between two tries to reach a port
SETTLED = 1.0  # an app without a port counts as ready when it has run this long
AFTER_KILL = 1.0  # how long the system may take to end what was killed
LAST_OUTPUT = 1.0  # how long the rest of the output of an ended app is waited for
ENDED = "ZX"  # states of /proc/<pid>/stat: a zombie, or dead
OWN_NAMES = (
    "APP_ID",
    "APP_PORT",
    "APP_PROTOCOL",
    "APP_CHANNEL_ADDRESS",
    "DAPR_HTTP_PORT",
    "DAPR_GRPC_PORT",
    "DAPR_METRICS_PORT",
)


class AppProcess:
    """Made by `launch`; `stop` must be called in the end, also when the app has ended."""

    def __init__(self, app: App, child: Process, output: AppOutput, life: int) -> None:
        self.app = app
        self.pid = child.pid
        self.ended = child.wait  # gives the exit code, or the negated number of a signal
        self.output = output
        self._child = child
        self._life = life  # what the app's guard waits on

    async def ready(self, timeout: float) -> None:
        """Returns when the app's port answers, or an app without a port has settled.

        Raises AppFailedError when the app ends before that or takes longer than `timeout` seconds.
        """
        port = self.app.app_port
        until_ready = port_answers(port) if port else asyncio.sleep(SETTLED)
        if await race(until_ready, self.ended(), timeout=timeout):
            return
        if self._child.returncode is None:
            raise AppFailedError(
                f"{self.app.app_id} did not open its port {port} within {timeout:g} s"
            )
        if port or self._child.returncode:
            raise AppFailedError(await self.last_words())

    async def stop(self, grace: float, at_once: asyncio.Event) -> None:
        """Ends the group: SIGTERM, after `grace` seconds or when `at_once` is set SIGKILL.

        To be called once: a group that is gone is never signalled, its number may be another's.
        """
        send(self.pid, signal.SIGTERM)
        if not await race(self._gone(), at_once.wait(), timeout=grace):
            send(self.pid, signal.SIGKILL)
            await race(self._gone(), timeout=AFTER_KILL)
        await self.output.close(0.0 if at_once.is_set() else LAST_OUTPUT)
        with contextlib.suppress(BrokenPipeError):  # somebody has killed the guard
            os.write(self._life, b".")
        os.close(self._life)

    async def last_words(self) -> str:
        """What to say of an app that has ended before it was ready; its output is shown first."""
        await self.output.close(LAST_OUTPUT)
        end = describe_exit(await self.ended())
        said = "; its last lines are above" if self.output.tail else "; it wrote nothing"
        return f"{self.app.app_id} {end} before it was ready{said}"

    async def _gone(self) -> None:
        await self.ended()
        while not _is_gone(self.pid):
            await asyncio.sleep(POLL)


async def launch(app: App, console: Console) -> AppProcess:
    """Starts the app's command; AppFailedError when the system refuses."""
    read_end, write_end = os.pipe()
    life_seen, life = os.pipe()
    try:
        child = await asyncio.create_subprocess_exec(
            *START,
            str(life_seen),
            *app.command,
            stdin=DEVNULL,
            stdout=write_end,
            stderr=write_end,
            cwd=app.working_dir,
            env=environment(app, os.environ, terminal=console.terminal),
            start_new_session=True,
            pass_fds=(life_seen,),
        )
    except (OSError, ValueError) as error:
        os.close(read_end)
        os.close(life)
        raise AppFailedError(f"{app.app_id} could not be started: {error}") from error
    finally:
        os.close(write_end)
        os.close(life_seen)
    return AppProcess(app, child, AppOutput(app.app_id, read_end, console), life)


def environment(
    app: App, inherited: Mapping[str, str], *, terminal: bool = False
) -> dict[str, str]:
    """The inherited variables, Dapr's own, then the manifest's, the later ones winning.

    Before all of them stands what tells the app that its output, a pipe, is shown on a terminal.
    A Dapr variable of `inherited` never comes through: it would be that of another app.
    """
    env = _terminal(inherited) if terminal else {}
    env |= {name: value for name, value in inherited.items() if name not in OWN_NAMES}
    env |= {
        "PATH": _search_path(inherited),
        "PYTHONUNBUFFERED": "1",
        "APP_ID": app.app_id,
        "APP_PROTOCOL": "http",
        "APP_CHANNEL_ADDRESS": "127.0.0.1",
        "DAPR_HTTP_PORT": str(app.http_port),
        "DAPR_GRPC_PORT": str(app.grpc_port),
    }
    if app.app_port is not None:
        env["APP_PORT"] = str(app.app_port)
    return env | dict(app.env)


def _terminal(inherited: Mapping[str, str]) -> dict[str, str]:
    """As Rich reads them: styles and colors are shown, animations are not, for lines are."""
    names = {"TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "0"}
    plain = inherited.get("NO_COLOR") or inherited.get("TERM") == "dumb"
    return names if plain else {**names, "FORCE_COLOR": "1"}


def _search_path(inherited: Mapping[str, str]) -> str:
    """An environment that the user has activated is where apps have their packages.

    Otherwise they have them where localdapr has its own, which need not be in the path.
    """
    path = inherited.get("PATH", os.defpath)
    activated = (inherited[name] for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if name in inherited)
    if any(str(Path(folder) / "bin") in path.split(os.pathsep) for folder in activated):
        return path
    # Not resolved: in a virtual environment the link's folder is the one with its packages.
    return os.pathsep.join([str(Path(sys.executable).parent), path])


def check_command(app: App, inherited: Mapping[str, str]) -> None:
    """Raises AppFailedError when the app's command cannot be found or run."""
    if not app.command:
        return
    name, path = app.command[0], environment(app, inherited)["PATH"]
    wanted = str(app.working_dir / name) if os.sep in name else name
    if shutil.which(wanted, path=path) is None:
        raise AppFailedError(f"{app.app_id}: there is no command {name} that can be run")


def describe_exit(code: int) -> str:
    """In words: "ended with exit code 1" or "was ended by SIGKILL"."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


async def port_answers(port: int) -> None:
    """Returns when 127.0.0.1:`port` accepts a connection."""
    while not await is_answering(port):
        await asyncio.sleep(PROBE)


async def is_answering(port: int) -> bool:
    """Whether somebody listens on 127.0.0.1:`port`."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    # A try from the very port it goes to meets itself: that is nobody's answer.
    own, other = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return bool(own != other)


def _is_gone(group: int) -> bool:
    """Whether nothing of the group runs; call it only after its leader was reaped."""
    # As the first process of a container localdapr inherits orphans, and only it can reap them.
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    if not send(group, 0):
        return True
    # A first process that does not reap leaves zombies for ever: not worth waiting for.
    return sys.platform == "linux" and all(state in ENDED for state in _states(group))


def _states(group: int) -> Iterator[str]:
    """The state letter of each process of the group."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The command's name stands in brackets and may hold anything, brackets too.
            state, _, of_group = stat.read_text("utf-8", "replace").rpartition(")")[2].split()[:3]
            if int(of_group) == group:
                yield state
