"""Several `localdapr run` on one data folder, as in several terminals: real processes and apps."""

import json
import shutil
import signal
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from localdapr.cli import localdapr
from localdapr.ports import pick_port
from tests.unit.localdapr.localdapr_process import Localdapr, wait_until

APP = Path(__file__).with_name("sharing_app.py")
COMPONENT = """
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {{name: {name}}}
spec: {{type: {type}, version: v1, metadata: [{{name: keyPrefix, value: none}}]}}
"""
Start = Callable[..., Localdapr]


@pytest.fixture
def start(tmp_path: Path, started: list[Localdapr]) -> Start:
    """Starts `localdapr run --app-id ID` with the sharing app, and waits until it is ready."""
    (tmp_path / "resources").mkdir()
    for name, kind in (("pubsub", "pubsub.redis"), ("state", "state.redis")):
        text = COMPONENT.format(name=name, type=kind)
        (tmp_path / "resources" / f"{name}.yaml").write_text(text)

    def run(app_id: str, *args: str, wait: bool = True) -> Localdapr:
        port = str(pick_port(22300 + 20 * len(started), ()))
        options = ("--app-id", app_id, "--app-port", port, "-d", "resources", *args)
        process = Localdapr(tmp_path, "run", *options, "--", sys.executable, str(APP))
        started.append(process)
        if wait:
            process.wait_for("localdapr: ready\n")
        return process

    return run


@pytest.fixture
def say(tmp_path: Path) -> Callable[..., str]:
    """Runs a command in the folder and gives what it prints."""

    def run(*args: str) -> str:
        arguments = [*args, "--data-dir", str(tmp_path / ".localdapr")]
        return CliRunner().invoke(localdapr, arguments).output.rstrip("\n")

    return run


def save_state(port: int, key: str, value: str) -> None:
    body = json.dumps([{"key": key, "value": value}]).encode()
    headers = {"Content-Type": "application/json"}
    url = f"http://127.0.0.1:{port}/v1.0/state/state"
    urllib.request.urlopen(urllib.request.Request(url, body, headers)).close()


def get_state(port: int, key: str) -> object:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1.0/state/state/{key}") as answer:
        return json.load(answer)


def test_runs_share_everything_and_outlive_the_one_that_keeps_it(
    start: Start, say: Callable[..., str]
) -> None:
    one, two = start("one"), start("two")
    assert f"localdapr: process {one.process.pid} keeps the data" in two.output
    rows = {row["appId"]: row for row in json.loads(say("list", "-o", "json"))}
    assert [rows[app_id]["cliPid"] for app_id in ("one", "two")] == [
        one.process.pid,
        two.process.pid,
    ]

    assert say("invoke", "-a", "two", "-m", "who", "-v", "GET") == '"two"'
    assert say("publish", "-i", "two", "-p", "pubsub", "-t", "news", "-d", "1") == "published"
    one.wait_for("== APP - one == got 1\n")
    two.wait_for("== APP - two == got 1\n")

    save_state(rows["one"]["httpPort"], "pizza", "hot")

    assert say("workflow", "run", "story", "-a", "two", "-i", "i1") == "i1"
    one.process.send_signal(signal.SIGKILL)
    two.wait_for("this process keeps the data of .localdapr from now on\n")
    say("publish", "-i", "two", "-p", "pubsub", "-t", "news", "-d", "2")
    two.wait_for("== APP - two == got 2\n")
    assert say("workflow", "raise-event", "i1/order", "-x", '"pizza"') == "raised: order"
    wait_until(lambda: "COMPLETED" in say("workflow", "list"), lambda: say("workflow", "list"))
    assert '"cooked pizza"' in say("workflow", "history", "i1", "-o", "json").replace("\\", "")

    assert get_state(rows["two"]["httpPort"], "pizza") == "hot"

    again = start("one")
    again.wait_for("== APP - one == got 2\n")  # published while it was away
    assert say("stop", "-a", "two") == "stopped: two"
    assert two.wait() == 0
    again.wait_for("this process keeps the data of .localdapr from now on\n")
    assert say("invoke", "-a", "one", "-m", "who", "-v", "GET") == '"one"'


def test_an_app_id_that_runs_is_refused_in_one_line(start: Start) -> None:
    first = start("one")
    second = start("one", wait=False)
    assert second.wait() == 1
    pid = first.process.pid
    assert second.errors == f"localdapr: app id one already runs (process {pid})\n"


def test_runs_that_begin_at_once_pick_ports_of_their_own(
    tmp_path: Path, started: list[Localdapr], say: Callable[..., str]
) -> None:
    sleep = shutil.which("sleep") or "sleep"
    for app_id in ("one", "two", "three"):
        started.append(Localdapr(tmp_path, "run", "--app-id", app_id, "--", sleep, "60"))
    for each in started:
        each.wait_for("localdapr: ready\n")
    rows = json.loads(say("list", "-o", "json"))
    assert len({row["httpPort"] for row in rows} | {row["grpcPort"] for row in rows}) == 6
    assert "".join(each.errors for each in started) == ""
