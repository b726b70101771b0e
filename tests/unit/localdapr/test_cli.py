"""The command line as its user meets it: usage, errors of one line, a run of the real host."""

import os
import re
import select
import signal
import subprocess
import sys
import urllib.request
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner

from localdapr.__main__ import main
from localdapr.cli import localdapr
from localdapr.commands.dapr_flags import SWITCHES, WITH_VALUE
from localdapr.ports import pick_port
from tests.unit.localdapr.localdapr_process import DEADLINE, ROOT, Localdapr

ONLY_WITH_F = "-f goes with --port-offset, --allowed-hosts, --allowed-origins, --data-dir, --quiet"
INTERRUPTED_IMPORT = """
import os, signal, sys
class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, CtrlC())
"""
SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["APP_PORT"])), Handler).serve_forever()
"""


def write_shop(folder: Path, first: int) -> tuple[Path, int]:
    """A manifest of one small server; answers it and the sidecar's HTTP port."""
    ports = [pick_port(first + step, ()) for step in (0, 30, 60)]
    (folder / "app.py").write_text(SERVER)
    manifest = folder / "dapr.yaml"
    manifest.write_text(
        "version: 1\napps:\n  - appID: kitchen\n    appDirPath: .\n"
        f"    appPort: {ports[0]}\n    daprHTTPPort: {ports[1]}\n    daprGRPCPort: {ports[2]}\n"
        '    command: ["python3", "app.py"]\n'
    )
    return manifest, ports[1]


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ([], "give -f FILE|DIR, or --app-id ID"),
        (["-f", ".", "--app-id", "a"], ONLY_WITH_F),
        (["-f", ".", "--", "python3"], ONLY_WITH_F),
        (["--app-id", "a.b"], "must be 1 to 64 letters, digits, - or _"),
        (["--app-id", "a", "--app-port", "0"], "0 is not in the range"),
        (["--app-id", "a", "--config", "gone"], "'gone' does not exist"),
        (["-f", ".", "--ready-fd", "999"], "999 is not open"),
        (["-f", ".", "--log-level", "debug"], ONLY_WITH_F),
        (["--app-id", "a", "-P", "grpc"], "grpc is not supported by localdapr, only http"),
        (["--app-id", "a", "--app-channel-address", "10.1.1.1"], "only 127.0.0.1"),
        (["--app-id", "a", "-p", "9601", "-H", "9601"], "9601 is already the --app-port"),
        (["--app-id", "a", "-H", "9601", "-G", "9601"], "9601 is already the --dapr-http-port"),
    ],
)
def test_wrong_usage_is_explained(args: list[str], complaint: str) -> None:
    result = CliRunner().invoke(localdapr, ["run", *args])
    assert result.exit_code == 2
    assert complaint in result.output


def test_the_version_is_told() -> None:
    assert re.fullmatch(
        r"localdapr \d+\.\d+\.\d+\n", CliRunner().invoke(localdapr, "--version").output
    )


@pytest.mark.parametrize("name", sorted(localdapr.commands))
def test_every_command_can_be_loaded_and_has_help(name: str) -> None:
    assert CliRunner().invoke(localdapr, [name, "--help"]).exit_code == 0


def test_a_wrong_manifest_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "dapr.yaml").write_text("version: 1\napps: []\n")
    command = Localdapr(tmp_path, "run", "-f", ".")
    assert command.wait() == 1
    assert command.errors == "localdapr: dapr.yaml: apps: must not be empty (line 2)\n"


def test_a_manifest_is_run_beside_its_sidecars_until_ctrl_c(
    tmp_path: Path, started: list[Localdapr]
) -> None:
    _, http_port = write_shop(tmp_path, 22000)
    command = Localdapr(tmp_path, "run", "-f", ".")
    started.append(command)
    command.wait_for("localdapr: ready\n")
    with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/v1.0/healthz") as answer:
        assert answer.status == 204
    command.process.send_signal(signal.SIGINT)
    assert command.wait() == 0
    assert command.output.endswith("localdapr: stopped\n")
    assert command.errors == ""
    assert (tmp_path / ".localdapr").is_dir()


def test_whoever_asked_is_told_that_all_is_ready_once_that_is_printed(
    tmp_path: Path, started: list[Localdapr]
) -> None:
    write_shop(tmp_path, 22300)
    read_end, write_end = os.pipe()
    with open(read_end, "rb") as told:
        command = Localdapr(
            tmp_path, "run", "-f", ".", "--ready-fd", str(write_end), pass_fds=(write_end,)
        )
        os.close(write_end)
        started.append(command)
        assert select.select([told], [], [], DEADLINE)[0], "waited in vain to be told"
        assert told.read(1) == b"\n", command.errors
        assert "localdapr: ready\n" in command.output
        command.process.kill()
        assert told.read() == b""


def test_a_template_is_stopped_by_its_name(tmp_path: Path, started: list[Localdapr]) -> None:
    write_shop(tmp_path, 22100)
    run = Localdapr(tmp_path, "run", "-f", ".")
    started.append(run)
    run.wait_for("localdapr: ready\n")
    stop = Localdapr(tmp_path, "stop", "-f", "dapr.yaml")
    assert stop.wait() == 0, stop.errors
    assert stop.output == "stopped: kitchen\n"
    assert run.wait() == 0


def test_a_command_where_nothing_runs_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    command = Localdapr(tmp_path, "list")
    assert command.wait() == 1
    expected = "localdapr: no localdapr runs on .localdapr; start one with: localdapr run -f ., or"
    assert (command.output, command.errors) == ("", f"{expected} name another --data-dir\n")


def test_the_end_of_a_single_app_is_the_end_of_its_run(tmp_path: Path) -> None:
    args = ("--app-id", "job", "--quiet", "--", "python3", "-c", "raise SystemExit(3)")
    command = Localdapr(tmp_path, "run", *args)
    assert command.wait() == 1
    assert command.errors.startswith("localdapr: job ended with exit code 3")


def test_options_behind_the_command_are_the_commands(tmp_path: Path) -> None:
    program = "import os, sys; print(sys.argv[1:], os.environ['DAPR_HTTP_PORT'] > '')"
    args = ("--app-id", "job", "python3", "-c", program, "--app-id", "-f")
    command = Localdapr(tmp_path, "run", *args)
    assert command.wait() == 0, command.errors
    assert "== APP - job == ['--app-id', '-f'] True\n" in command.output


def test_flags_of_dapr_without_a_meaning_here_are_taken_and_named(tmp_path: Path) -> None:
    valued = [part for name in WITH_VALUE for part in (name.split("/")[0], "1")]
    meant = ("-P", "http", "--app-channel-address", "localhost")
    args = ("--app-id", "job", *valued, *SWITCHES, *meant, "--", "python3", "-c", "print('ran')")
    command = Localdapr(tmp_path, "run", *args)
    assert command.wait() == 0, command.errors
    (note,) = [line for line in command.output.splitlines() if "without effect" in line]
    known = [name.split("/")[-1] for name in (*WITH_VALUE, *SWITCHES)]
    assert note == f"localdapr: without effect in localdapr: {', '.join(known)}"
    assert "== APP - job == ran\n" in command.output


@pytest.mark.parametrize("module", ["click", "grpc", "localdapr.shared_host"])
def test_ctrl_c_while_modules_are_loaded_ends_in_silence(tmp_path: Path, module: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTED_IMPORT.format(module=module))
    path = os.pathsep.join((str(tmp_path), str(ROOT)))
    command = Localdapr(tmp_path, "run", "--app-id", "job", PYTHONPATH=path)
    assert command.wait() == 130
    assert (command.output, command.errors) == ("", "")


def test_the_installed_command_is_the_guarded_one() -> None:
    (script,) = entry_points(group="console_scripts", name="localdapr")
    assert script.load() is main


def test_an_app_that_its_user_starts_is_found_and_missed(
    tmp_path: Path, started: list[Localdapr]
) -> None:
    port = pick_port(22200, ())
    command = Localdapr(tmp_path, "run", "--app-id", "kitchen", "--app-port", str(port))
    started.append(command)
    command.wait_for("localdapr: ready\n")
    (tmp_path / "app.py").write_text(SERVER)
    env = {**os.environ, "APP_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, tmp_path / "app.py"], env=env, stderr=subprocess.DEVNULL
    ) as app:
        command.wait_for(f"localdapr: kitchen answers on port {port}\n")
        app.terminate()
    command.wait_for(f"localdapr: kitchen no longer answers on port {port}\n")
