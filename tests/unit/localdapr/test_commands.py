"""The commands against a real host in a thread, with an app of the SDK; and where none runs."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from localdapr.app_process import environment
from localdapr.cli import localdapr
from localdapr.commands import asking
from localdapr.commands.moments import ago, from_now, shown_span
from localdapr.commands.task_hub_client import TaskHubClient
from localdapr.components import Component
from localdapr.control import serve_control
from localdapr.errors import LocalDaprError
from localdapr.host import open_host
from localdapr.manifest import App, with_ports
from localdapr.ports import pick_port
from localdapr.resources import Resources
from localdapr.run import Run
from localdapr.store import APPLICATION_ID, FILE_NAME
from tests.unit.localdapr.localdapr_process import Localdapr, wait_until
from tools.dapr_runtime import port_answers

APP = Path(__file__).with_name("sharing_app.py")
Tell = Callable[..., str]
RESOURCES = Resources((Component("pubsub", "pubsub.redis"),))
LATER = "2999-01-01T00:00:00Z"
PUBLISH = ("publish", "-i", "shop", "-d", "1")
IDS = (f"i{number}" for number in itertools.count())


class HostThread:
    """A host in a thread of its own, with two runs: shop alone, kitchen and bar of a template."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.shop = with_ports([App("shop", 0, 0, pick_port(22600, ()), ("python3", "app.py"))])[0]
        self._closing = contextlib.AsyncExitStack()
        self._run(self._open())

    async def _open(self) -> None:
        enter = self._closing.enter_async_context
        host = await enter(open_host(self.folder, Run((self.shop,)), RESOURCES))
        others = with_ports([App("kitchen", 0, 0), App("bar", 0, 0)])
        await host.add(Run(others, template="t"), RESOURCES)
        await enter(serve_control(self.folder, host))

    def close(self) -> None:
        self._run(self._closing.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostThread]:
    host = HostThread(tmp_path_factory.mktemp("data"))
    env = environment(host.shop, os.environ)
    app = subprocess.Popen([sys.executable, APP], env=env)
    try:
        wait_until(lambda: port_answers(host.shop.app_port or 0), lambda: "the app to listen")
        yield host
    finally:
        app.terminate()
        app.wait(30)
        host.close()


def call(folder: Path, *args: str, stdin: str | None = None) -> Result:
    # The folder goes where click takes options of the innermost command: to the end.
    return CliRunner().invoke(localdapr, [*args, "--data-dir", str(folder)], input=stdin)


@pytest.fixture
def tell(host: HostThread) -> Tell:
    """Runs a command that must succeed; what it prints."""

    def run(*args: str, **more: Any) -> str:
        result = call(host.folder, *args, **more)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout.rstrip("\n")

    return run


@pytest.fixture
def refuse(host: HostThread) -> Tell:
    """Runs a command that must fail; its line."""

    def run(*args: str, **more: Any) -> str:
        result = call(host.folder, *args, **more)
        assert isinstance(result.exception, LocalDaprError), result.output
        return str(result.exception)

    return run


@pytest.fixture
def waiting(tell: Tell) -> str:
    """An instance that waits for its order."""
    instance_id = tell("workflow", "run", "story", "-a", "shop", "-i", next(IDS), "-x", "1")
    wait_for(tell, instance_id, "RUNNING")
    return instance_id


def listed(tell: Tell, *args: str) -> dict[str, dict[str, Any]]:
    rows = json.loads(tell("workflow", "list", "-a", "shop", "-o", "json", *args))
    return {row["instanceID"]: row for row in rows}


def wait_for(tell: Tell, instance_id: str, status: str) -> None:
    def reached() -> bool:
        return listed(tell)[instance_id]["runtimeStatus"] == status

    wait_until(reached, lambda: f"{instance_id} to be {status}: {listed(tell)}")


def test_apps_are_listed_as_columns_as_json_and_as_yaml(host: HostThread, tell: Tell) -> None:
    head, *rows = tell("list").splitlines()
    assert head.split("  ")[0] == "APP ID"
    assert [row.split()[0] for row in rows] == ["shop", "kitchen", "bar"]
    shown = json.loads(tell("list", "-o", "json"))
    assert (shown[0]["appPort"], shown[0]["command"]) == (host.shop.app_port, "python3 app.py")
    assert yaml.safe_load(tell("list", "-o", "yaml"))[1]["runTemplatePath"] == "t"
    assert "RUN TEMPLATE PATH" in tell("list", "-o", "wide")


def test_an_app_is_called_and_its_answer_printed(tell: Tell, waiting: str) -> None:
    assert tell("invoke", "-a", "shop", "-m", "cook", "-d", '{"a": 1}') == '{"a": 1}'
    assert tell("invoke", "-a", "shop", "-m", "cook", "-f", "-", stdin="2") == "2"
    assert tell("invoke", "-a", "shop", "-m", "who", "-v", "get") == '"shop"'


def test_an_error_of_an_app_is_an_error(refuse: Tell, waiting: str) -> None:
    line = refuse("invoke", "-a", "shop", "-m", "burn", "-d", "1")
    assert line == "shop answered 418 I'm a Teapot"
    assert refuse("invoke", "-a", "gone", "-m", "x").endswith("those that run: bar, kitchen, shop")


def test_what_is_published_needs_a_component(tell: Tell, refuse: Tell) -> None:
    args = ("publish", "-i", "kitchen", "-t", "news", "-d", "1", "-m", '{"ttlInSeconds": "5"}')
    assert tell(*args, "-p", "pubsub") == "published"
    assert refuse(*args, "-p", "radio") == "pubsub radio is not found"


def test_one_of_several_apps_of_a_run_is_not_stopped_alone(refuse: Tell) -> None:
    assert refuse("stop", "-a", "bar") == (
        "bar is one of 2 apps that run together; stop them all with: localdapr stop -f t"
    )
    assert refuse("stop", "-f", "other.yaml").endswith("other.yaml is here")


def test_a_workflow_is_run_fed_and_looked_at(tell: Tell, waiting: str) -> None:
    row = next(row for row in tell("workflow", "list", "-a", "shop").splitlines() if waiting in row)
    assert row.split()[:4] == ["story", waiting, "RUNNING", "hungry"]
    assert tell("workflow", "raise-event", f"{waiting}/order", "-a", "shop", "-x", '"pizza"')
    wait_for(tell, waiting, "COMPLETED")
    history = json.loads(tell("workflow", "history", waiting, "-a", "shop", "-o", "json"))
    assert history[-1]["attrs"]["result"] == '"cooked pizza"'
    assert history[-1]["status"] == "COMPLETED"
    assert "EventRaised" in tell("workflow", "history", waiting, "-a", "shop")


def test_a_workflow_is_suspended_resumed_and_terminated(tell: Tell, waiting: str) -> None:
    for verb, status in (("suspend", "SUSPENDED"), ("resume", "RUNNING")):
        tell("workflow", verb, waiting, "-a", "shop", "-r", "why not")
        wait_for(tell, waiting, status)
    tell("workflow", "terminate", waiting, "-a", "shop", "-o", '"over"')
    wait_for(tell, waiting, "TERMINATED")


def test_workflows_are_chosen_by_name_status_and_age(tell: Tell, waiting: str) -> None:
    failed = tell("workflow", "run", "broken", "-a", "shop")
    wait_for(tell, failed, "FAILED")
    assert failed not in listed(tell, "-w", "story")
    assert waiting not in listed(tell, "-s", "failed")
    assert listed(tell, "-s", "FAILED")[failed]["failureMessage"].endswith("no oven")
    assert waiting in listed(tell, "-m", "1h")
    assert listed(tell, "-m", "2999-01-01") == {}


def test_a_workflow_can_begin_later(tell: Tell) -> None:
    later = tell("workflow", "run", "story", "-a", "shop", "-s", "1h")
    assert listed(tell)[later]["runtimeStatus"] == "PENDING"


def test_a_finished_workflow_runs_again_from_its_first_event(tell: Tell, waiting: str) -> None:
    tell("workflow", "raise-event", f"{waiting}/order", "-a", "shop")
    wait_for(tell, waiting, "COMPLETED")
    again = tell("workflow", "rerun", waiting, "-a", "shop")
    wait_for(tell, again, "RUNNING")
    assert tell("workflow", "rerun", waiting, "-a", "shop", "--new-instance-id", "new") == "new"


def test_finished_workflows_are_purged_and_others_only_by_force(
    tell: Tell, refuse: Tell, waiting: str
) -> None:
    failed = tell("workflow", "run", "broken", "-a", "shop")
    wait_for(tell, failed, "FAILED")
    older = ("workflow", "purge", "-a", "shop", "--all-older-than", "0s")
    assert tell(*older, "--all-filter-status", "completed").startswith("purged: ")
    assert refuse(*older, "--all-filter-status", "running").endswith("purge them with --force")
    assert tell("workflow", "purge", failed, "-a", "shop") == "purged: 1"
    assert refuse("workflow", "purge", waiting, "-a", "shop").endswith("not yet completed")
    assert tell("workflow", "purge", waiting, "-a", "shop", "--force") == "purged: 1"
    tell("workflow", "purge", "-a", "shop", "--all")
    left = {row["runtimeStatus"] for row in listed(tell).values()}
    assert left <= {"RUNNING", "PENDING"}


def test_what_is_not_purged_is_named_beside_what_is(host: HostThread, tell: Tell) -> None:
    failed = [tell("workflow", "run", "broken", "-a", "shop") for _ in range(2)]
    for each in failed:
        wait_for(tell, each, "FAILED")
    ids = (failed[0], "nope", "neither", failed[1])
    result = call(host.folder, "workflow", "purge", "-a", "shop", *ids)
    assert result.stdout == "purged: 2\n"
    line = str(result.exception)
    assert line.startswith("nope, neither: ")
    assert line.endswith("no such instance exists")
    assert listed(tell).keys().isdisjoint(failed)


def test_an_instance_without_a_name_is_listed_and_purged(host: HostThread, tell: Tell) -> None:
    hub = TaskHubClient(host.folder, "shop")  # the command refuses such a name
    hub.ask("StartInstance", name="", instanceId="nameless", scheduledStartTimestamp=LATER)
    assert listed(tell)["nameless"]["name"] == ""
    assert "nameless" in tell("workflow", "list", "-a", "shop")
    tell("workflow", "purge", "-a", "shop", "--all")
    assert tell("workflow", "purge", "nameless", "-a", "shop", "--force") == "purged: 1"


def test_what_is_not_there_is_said(refuse: Tell) -> None:
    assert refuse("workflow", "history", "x", "-a", "shop").endswith("instance 'x' not found")
    for verb in ("suspend", "terminate", "purge"):
        line = refuse("workflow", verb, "x", "-a", "shop")
        assert line.endswith("no such instance exists")
    known = "say which app with --app-id; those that run: bar, kitchen, shop"
    assert refuse("workflow", "list") == known


def test_a_sidecar_with_a_token_is_asked_with_it(tmp_path: Path, monkeypatch) -> None:
    publish = ("publish", "-i", "bar", "-p", "pubsub", "-t", "news", "-d", "1")
    monkeypatch.setenv("DAPR_API_TOKEN", "secret")
    host = HostThread(tmp_path)
    try:
        for args in (publish, ("workflow", "list", "-a", "shop")):
            monkeypatch.setenv("DAPR_API_TOKEN", "secret")
            assert call(tmp_path, *args).exit_code == 0
            monkeypatch.delenv("DAPR_API_TOKEN")
            assert "invalid api token" in str(call(tmp_path, *args).exception)
    finally:
        host.close()


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["stop"], "give --app-id ID or -f FILE|DIR"),
        (["invoke", "-a", "x", "-m", "y", "-d", "{"], "is not JSON"),
        (["workflow", "run", "story", "-x", "hello"], "a text is '\"text\"'"),
        (["workflow", "run", ""], "must not be empty"),
        (["workflow", "run", "story", "-s", "soon"], "'soon' is neither like 300ms"),
        (["workflow", "run", "story", "-s", "99999999999h"], "is before the year 1 or after 9999"),
        (["workflow", "list", "-m", "99999999999h"], "is before the year 1 or after 9999"),
        (["invoke", "-a", "x", "-m", "y", "-v", "GET\n"], "'GET\\n' is no HTTP verb"),
        ([*PUBLISH, "-p", "pubsub", "-t", ""], "must not be empty"),
        ([*PUBLISH, "-p", "", "-t", "news"], "must not be empty"),
        ([*PUBLISH, "-p", "pubsub", "-t", "news", "-m", "[1]"], "'[1]' is no JSON object"),
        (["workflow", "raise-event", "i1"], "give INSTANCE-ID/EVENT-NAME"),
        (["workflow", "purge"], "give INSTANCE-IDs, --all or --all-older-than"),
        (["workflow", "purge", "i1", "--all"], "give INSTANCE-IDs, --all or --all-older-than"),
        (["workflow", "purge", "--all", "--all-filter-status", "FAILED"], "--all-older-than"),
        (["workflow", "list", "-s", "HAPPY"], "'HAPPY' is not one of"),
        (["workflow", "list", "-o", "csv"], "'csv' is not one of"),
    ],
)
def test_wrong_usage_is_explained(tmp_path: Path, args: list[str], complaint: str) -> None:
    result = call(tmp_path, *args)
    assert result.exit_code == 2
    assert complaint in result.output


@pytest.mark.parametrize("args", [["list"], ["stop", "-a", "x"], ["workflow", "list"]])
def test_where_none_runs_it_is_said_what_to_do(tmp_path: Path, args: list[str]) -> None:
    expected = f"no localdapr runs on {tmp_path}; start one with: localdapr run -f ., or name "
    assert str(call(tmp_path, *args).exception) == f"{expected}another --data-dir"


def test_a_localdapr_that_does_not_answer_is_reported(
    tmp_path: Path, started: list[Localdapr], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ANSWER_SECONDS", 0.5)
    owner = Localdapr(tmp_path, "run", "--app-id", "shop", "--data-dir", str(tmp_path))
    started.append(owner)
    owner.wait_for("localdapr: ready\n")
    owner.process.send_signal(signal.SIGSTOP)
    try:
        result = call(tmp_path, "list")
    finally:
        owner.process.send_signal(signal.SIGCONT)
    assert "does not answer within 0.5 s" in str(result.exception)


def test_a_reset_forgets_all_data_when_it_is_confirmed(tmp_path: Path) -> None:
    async def make_data() -> None:
        async with open_host(tmp_path, Run(()), Resources()):
            pass

    asyncio.run(make_data())
    assert call(tmp_path, "reset", stdin="n\n").exit_code == 1
    assert (tmp_path / "localdapr.db").exists()
    assert call(tmp_path, "reset", stdin="y\n").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    assert call(tmp_path, "reset").output == f"there is no data in {tmp_path}\n"


def a_folder(path: Path) -> None:
    path.mkdir()


def not_ours(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")


def of_another_format(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE older (x)")
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        db.execute("PRAGMA user_version=1")


def cut_short(path: Path) -> None:
    of_another_format(path)
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (a_folder, "move it away or name another --data-dir"),
        (lambda path: path.write_bytes(b"no database at all" * 100), "move it away or name"),
        (not_ours, "is a database of another program; name another --data-dir"),
    ],
)
def test_what_a_run_would_refuse_as_foreign_is_not_reset(
    tmp_path: Path, make: Callable[[Path], None], says: str
) -> None:
    make(tmp_path / FILE_NAME)
    error = call(tmp_path, "reset", "-y").exception
    assert isinstance(error, LocalDaprError)
    assert says in str(error)
    assert (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize("make", [of_another_format, cut_short])
def test_own_data_that_cannot_be_used_is_reset_and_a_copy_beside_it_kept(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / FILE_NAME)
    (tmp_path / f"{FILE_NAME}.copy").touch()
    assert call(tmp_path, "reset", "-y").exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"lock", f"{FILE_NAME}.copy"}


def test_data_that_is_in_use_is_not_reset(host: HostThread, refuse: Tell) -> None:
    assert refuse("reset", "--yes") == f"a localdapr runs on {host.folder}; stop it first"


def test_times_are_read_as_durations_or_as_moments() -> None:
    assert (from_now("1h") - ago("1h")).total_seconds() == pytest.approx(7200, abs=5)
    assert ago("2023-01-02T15:04:05Z").timestamp() == 1672671845
    seconds = (0.005, 119.999, 120, 7_200, 172_800)
    spans = [shown_span(timedelta(seconds=each)) for each in seconds]
    assert spans == ["5ms", "119s", "2m", "2h", "2d"]


def test_damaged_data_is_recovered_and_a_copy_kept(tmp_path: Path) -> None:
    async def make_data() -> None:
        async with open_host(tmp_path, Run(()), Resources()):
            pass

    asyncio.run(make_data())
    assert "nothing is damaged" in call(tmp_path, "recover").output
    whole = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(whole[:-1] + b"!")
    said = call(tmp_path, "recover").output
    (kept,) = tmp_path.glob("damaged-*")
    assert str(kept) in said
    assert "there are 0 workflows, 0 state entries, 0 messages" in said
    assert (kept / FILE_NAME).read_bytes() == whole[:-1] + b"!"
    asyncio.run(make_data())
