"""Runs with real child processes and real signals; only the host is a fake one."""

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localdapr.app_process import environment
from localdapr.manifest import App
from localdapr.ports import pick_port

SCRIPT = Path(__file__).with_name("supervised_run.py")
NEXT_PORT = itertools.count(21000, 20)
DEADLINE = 60.0

SERVER = """
import os, pathlib, signal, socket, subprocess, sys
def note(name, pid):
    pathlib.Path(f"{name}.new").write_text(str(pid))
    os.replace(f"{name}.new", f"{name}.pid")
note(os.environ["APP_ID"], os.getpid())
# Noted first: who sees the port answer finds all that is noted.
server = socket.create_server(("127.0.0.1", int(os.environ["APP_PORT"])))
print("serving", flush=True)
while True:
    server.accept()[0].close()
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVER
PARENT = SERVER.replace(
    "server =",
    'note("grandchild", subprocess.Popen([sys.executable, "-c", '
    '"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"]).pid)\n'
    "server =",
)


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """A process that has ended and only waits to be reaped does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Shop:
    """A folder with a manifest and its apps' programs, and the run of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.apps: list[dict[str, object]] = []
        self.process: subprocess.Popen[bytes] | None = None

    def add(self, app_id: str, program: str, *, port: bool = True) -> int:
        """Adds an app; answers the port it is to serve."""
        first = next(NEXT_PORT)
        ports = [pick_port(first, ()), pick_port(first + 5, ()), pick_port(first + 10, ())]
        (self.folder / f"{app_id}.py").write_text(program)
        app = {"appID": app_id, "appDirPath": ".", "command": ["python3", f"{app_id}.py"]}
        app |= {"daprHTTPPort": ports[1], "daprGRPCPort": ports[2]}
        self.apps.append(app | ({"appPort": ports[0]} if port else {}))
        return ports[0]

    def start(self, *flags: str, stdout: int | None = None, **limits: float) -> "Shop":
        (self.folder / "dapr.yaml").write_text(json.dumps({"version": 1, "apps": self.apps}))
        with (self.folder / "out.txt").open("wb") as out, self.errors_path.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, str(SCRIPT), str(self.folder), json.dumps(limits), *flags],
                stdout=out if stdout is None else stdout,
                stderr=err,
                start_new_session=True,
            )
        return self

    @property
    def errors_path(self) -> Path:
        return self.folder / "err.txt"

    @property
    def output(self) -> str:
        return (self.folder / "out.txt").read_text()

    @property
    def errors(self) -> str:
        return self.errors_path.read_text()

    @property
    def host_log(self) -> list[str]:
        log = self.folder / "host.log"
        return log.read_text().splitlines() if log.exists() else []

    def pid(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text())

    def pids(self) -> list[int]:
        return [int(path.read_text()) for path in self.folder.glob("*.pid")]

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait_for(self, text: str, times: int = 1) -> "Shop":
        assert self.process is not None
        process = self.process
        found = lambda: self.output.count(text) >= times or process.poll() is not None  # noqa: E731
        wait_until(found, text)
        assert self.output.count(text) >= times, self.output + self.errors
        return self

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(DEADLINE)

    def guards(self) -> list[int]:
        """The guards of the apps."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (process / "cmdline").read_text()
                if "app_guard.py" in command and (process / "cwd").resolve() == self.folder:
                    found.append(int(process.name))
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    if shop.process is not None:
        shop.process.kill()
        shop.process.wait(DEADLINE)
    try:
        wait_until(lambda: not any(map(is_alive, shop.pids())), "the end of all apps")
    finally:
        for pid in filter(is_alive, shop.pids()):
            os.kill(pid, signal.SIGKILL)


def test_a_run_shows_the_apps_and_says_that_it_is_ready(shop: Shop) -> None:
    port = shop.add("kitchen", SERVER)
    shop.add("delivery", SERVER)
    shop.start().wait_for("localdapr: ready\n").wait_for("serving", times=2)
    assert "== APP - kitchen == serving\n" in shop.output
    assert re.search(rf"kitchen +http://127.0.0.1:{port} .* {shop.pid('kitchen')}\n", shop.output)
    assert sorted(shop.host_log) == ["start", "started delivery", "started kitchen"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_order(shop: Shop, number: signal.Signals) -> None:
    shop.add("kitchen", SERVER)
    shop.add("delivery", PARENT.replace("SIG_IGN", "SIG_DFL"))
    shop.start().wait_for("localdapr: ready").send(number)
    assert shop.wait() == 0
    # Killed is not yet gone: the kernel takes its time.
    wait_until(lambda: not any(map(is_alive, shop.pids())), "the end of all")
    assert shop.host_log[-3:] == ["stopped delivery", "stopped kitchen", "close"]
    assert shop.errors == ""


def test_a_killed_run_leaves_no_process(shop: Shop) -> None:
    shop.add("kitchen", STUBBORN)
    shop.add("delivery", PARENT)
    shop.start().wait_for("localdapr: ready")
    wait_until(lambda: len(shop.pids()) == 3, "the apps to note their numbers")
    everyone = [*shop.pids(), *shop.guards()]
    assert len(everyone) == 5
    shop.send(signal.SIGKILL)
    assert shop.wait() == -signal.SIGKILL
    wait_until(lambda: not any(map(is_alive, everyone)), "the end of all")


def test_a_run_killed_while_its_apps_start_leaves_no_process(shop: Shop) -> None:
    for number in range(4):
        shop.add(f"app{number}", SERVER)
    shop.start()
    wait_until(shop.pids, "the first app")
    shop.send(signal.SIGKILL)
    shop.wait()
    wait_until(lambda: not any(map(is_alive, shop.pids())), "the end of all")


def test_the_guards_end_with_their_apps(shop: Shop) -> None:
    shop.add("kitchen", SERVER)
    shop.start(first_delay=0.01).wait_for("localdapr: ready")
    (guard,) = shop.guards()
    os.kill(shop.pid("kitchen"), signal.SIGKILL)
    shop.wait_for("kitchen is ready again")
    wait_until(lambda: not is_alive(guard), "the end of the first guard")
    shop.send(signal.SIGTERM)
    assert shop.wait() == 0
    wait_until(lambda: not shop.guards(), "the end of the second guard")


def test_an_app_whose_guard_was_killed_ends_with_localdapr_too(shop: Shop) -> None:
    shop.add("kitchen", SERVER)
    shop.start().wait_for("localdapr: ready")
    (guard,) = shop.guards()
    os.kill(guard, signal.SIGKILL)
    wait_until(lambda: not is_alive(guard), "the end of the guard")
    shop.send(signal.SIGKILL)
    shop.wait()
    wait_until(lambda: not is_alive(shop.pid("kitchen")), "the end of the app")


def test_an_app_that_ignores_sigterm_is_killed_after_the_limit(shop: Shop) -> None:
    shop.add("kitchen", STUBBORN)
    shop.start(stop=0.3).wait_for("localdapr: ready").send(signal.SIGTERM)
    assert shop.wait() == 0
    assert not is_alive(shop.pid("kitchen"))


def test_a_second_ctrl_c_ends_everything_at_once(shop: Shop) -> None:
    shop.add("kitchen", STUBBORN)
    shop.start(stop=600).wait_for("localdapr: ready").send(signal.SIGINT)
    shop.wait_for("localdapr: stopping").send(signal.SIGINT)
    assert shop.wait() == 0
    assert not is_alive(shop.pid("kitchen"))
    assert shop.host_log[-1] == "close"


def test_an_app_that_fails_at_start_ends_the_run(shop: Shop) -> None:
    shop.add("kitchen", "import sys; print('no oven'); sys.exit(3)")
    shop.add("delivery", SERVER)
    assert shop.start().wait() == 1
    assert shop.errors == (
        "localdapr: kitchen ended with exit code 3 before it was ready; its last lines are above\n"
    )
    assert "== APP - kitchen == no oven\n" in shop.output
    assert shop.host_log[-1] == "close"
    assert not any(map(is_alive, shop.pids()))


def test_a_quiet_run_shows_only_the_last_lines_of_an_app_that_fails(shop: Shop) -> None:
    shop.add("kitchen", "for i in range(99): print('line', i)\nraise SystemExit(1)")
    assert shop.start("quiet").wait() == 1
    shown = [line for line in shop.output.splitlines() if "== APP" in line]
    assert shown == [f"== APP - kitchen == line {number}" for number in range(79, 99)]


def test_an_app_that_never_opens_its_port_ends_the_run(shop: Shop) -> None:
    port = shop.add("kitchen", "import signal; signal.pause()")
    assert shop.start(ready=0.3).wait() == 1
    assert shop.errors == f"localdapr: kitchen did not open its port {port} within 0.3 s\n"


def test_an_app_that_dies_is_started_again_with_its_whole_group(shop: Shop) -> None:
    shop.add("kitchen", PARENT)
    shop.start(stop=0.2, first_delay=0.05).wait_for("localdapr: ready")
    first, grandchild = shop.pid("kitchen"), shop.pid("grandchild")
    os.kill(first, signal.SIGKILL)
    shop.wait_for("kitchen was ended by SIGKILL; starting it again in 0.05 s")
    shop.wait_for("kitchen is ready again")
    assert not is_alive(grandchild)
    assert shop.pid("kitchen") != first
    assert shop.host_log == ["start", "started kitchen", "stopped kitchen", "started kitchen"]


def test_the_delay_before_a_new_start_doubles_up_to_a_limit(shop: Shop) -> None:
    once = "if pathlib.Path('kitchen.pid').exists(): sys.exit(1)\n"
    shop.add("kitchen", SERVER.replace("note(os", once + "note(os", 1))
    shop.start(first_delay=0.05, longest_delay=0.1).wait_for("localdapr: ready")
    os.kill(shop.pid("kitchen"), signal.SIGKILL)
    shop.wait_for("starting it again", times=4)
    delays = re.findall(r"starting it again in ([\d.]+) s", shop.output)
    assert delays[:4] == ["0.05", "0.1", "0.1", "0.1"]


def test_restarts_leave_no_open_files(shop: Shop) -> None:
    shop.add("kitchen", SERVER)
    shop.start(first_delay=0.01, longest_delay=0.01).wait_for("localdapr: ready")
    assert shop.process is not None
    descriptors = Path(f"/proc/{shop.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    for number in range(1, 4):
        os.kill(shop.pid("kitchen"), signal.SIGKILL)
        shop.wait_for("kitchen is ready again", times=number)
    wait_until(lambda: len(list(descriptors.iterdir())) <= before, "the files to be closed")


def test_a_port_in_use_is_named_and_nothing_is_started(shop: Shop) -> None:
    port = shop.add("kitchen", SERVER)
    with socket.create_server(("127.0.0.1", port)):
        assert shop.start().wait() == 1
    assert shop.errors == (
        f"localdapr: port {port} (kitchen's app) is in use; "
        "stop what holds it or change appPort in dapr.yaml\n"
    )
    assert shop.host_log == []
    assert shop.pids() == []


def test_a_command_that_does_not_exist_is_named_and_nothing_is_started(shop: Shop) -> None:
    shop.add("kitchen", SERVER)
    shop.apps[0]["command"] = ["pyhton3", "app.py"]
    assert shop.start().wait() == 1
    assert shop.errors == "localdapr: kitchen: there is no command pyhton3 that can be run\n"
    assert shop.host_log == []


def test_a_very_long_line_is_shown_in_pieces(shop: Shop) -> None:
    shop.add("kitchen", SERVER.replace('"serving"', '"x" * 1_000_000 + "\\nserving"'))
    shop.start().wait_for("== APP - kitchen == serving\n")
    lines = [line for line in shop.output.splitlines() if "xxx" in line]
    assert max(map(len, lines)) < 20_000
    assert sum(line.count("x") for line in lines) == 1_000_000


def test_an_app_may_close_its_output(shop: Shop) -> None:
    closing = "os.close(1); os.close(2); pathlib.Path('closed').touch()\nwhile True"
    shop.add("kitchen", SERVER.replace("while True", closing))
    shop.start().wait_for("localdapr: ready")
    wait_until((shop.folder / "closed").exists, "the app to close its output")
    shop.send(signal.SIGTERM)
    assert shop.wait() == 0
    assert "starting it again" not in shop.output


def test_a_run_goes_on_when_nobody_reads_its_output(shop: Shop) -> None:
    read_end, write_end = os.pipe()
    shop.add("kitchen", SERVER)
    shop.start(stdout=write_end)
    os.close(write_end)
    os.close(read_end)
    wait_until(lambda: "started kitchen" in shop.host_log, "the app")
    shop.send(signal.SIGTERM)
    assert shop.wait() == 0
    assert shop.errors == ""


def test_a_job_without_a_port_that_ends_well_is_not_started_again(shop: Shop) -> None:
    shop.add("job", "print('done')", port=False)
    shop.add("kitchen", SERVER)
    shop.start().wait_for("localdapr: ready").wait_for("localdapr: job ended with exit code 0\n")
    shop.send(signal.SIGTERM)
    assert shop.wait() == 0
    assert shop.output.count("== APP - job == done") == 1


@pytest.mark.parametrize(
    ("code", "errors"), [(0, ""), (3, "localdapr: job ended with exit code 3")]
)
def test_the_end_of_an_app_given_alone_is_the_end_of_the_run(
    shop: Shop, code: int, errors: str
) -> None:
    shop.add("job", f"import sys; sys.exit({code})", port=False)
    assert shop.start("alone").wait() == min(code, 1)
    assert shop.errors.startswith(errors)
    assert shop.host_log[-1] == "close"


def test_an_app_finds_what_the_dapr_cli_would_give_it(shop: Shop) -> None:
    port = shop.add("kitchen", "import json, os; print(json.dumps(dict(os.environ)))\n" + SERVER)
    shop.apps[0]["env"] = {"OVEN": "hot", "COUNT": 8}
    shop.start().wait_for("serving")
    env = json.loads(re.search(r"== APP - kitchen == (\{.*\})", shop.output)[1])  # type: ignore[index]
    wanted = {"APP_ID": "kitchen", "APP_PORT": str(port), "APP_PROTOCOL": "http", "OVEN": "hot"}
    wanted |= {"COUNT": "8", "DAPR_HTTP_PORT": str(shop.apps[0]["daprHTTPPort"])}
    assert wanted.items() <= env.items()


@pytest.mark.parametrize("activated", [True, False])
def test_an_app_runs_in_the_environment_that_is_activated_or_else_in_localdaprs(
    activated: bool, tmp_path: Path
) -> None:
    path = os.pathsep.join([str(tmp_path / "bin"), "/usr/bin"] if activated else ["/usr/bin"])
    env = environment(App("kitchen", 1, 2), {"PATH": path, "VIRTUAL_ENV": str(tmp_path)})
    first = str(tmp_path / "bin") if activated else str(Path(sys.executable).parent)
    assert env["PATH"].split(os.pathsep)[0] == first
