"""The README's commands, as written, on a fresh copy of the repository."""

import html
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from pizza_common.staff import STAFF
from tests.system.shop import TIMELINE, until, wait_until_gone
from tools.shop_guide import guide
from tools.shop_ports import REPO, free_offset, read_ports
from tools.shop_process import MARK

pytestmark = pytest.mark.localdapr_only("the README's commands run the shop on localdapr")

INSTALL_SECONDS = 600
OPEN = "The pizza shop is open: "
LINKS = {role: "http://127.0.0.1:8000/sign-in/..." for role in STAFF}  # as the pages show them
STOP_SECONDS = 15.0  # also with open pages; a service gives 10 s to what does not end
GUIDE_END = "Ctrl-C closes the shop; orders are kept.\n\n"


def commands_of(document: Path) -> list[str]:
    """The lines of its sh blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_these_tests_run_every_command_of_the_readme() -> None:
    assert sorted(commands_of(REPO / "README.md")) == ["make demo", "make run", "make test"]


@pytest.mark.parametrize(("shown_in", "count"), [("README.md", 1), ("docs/running.md", 2)])
def test_what_the_pages_show_of_make_run_is_what_it_prints(shown_in: str, count: int) -> None:
    text = (REPO / shown_in).read_text()
    blocks = re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    shown = [block for block in blocks if OPEN in block or "1. Order a pizza" in block]
    assert len(shown) == count
    printed = guide(read_ports(), LINKS)
    assert all(block in printed for block in shown)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone would be if all were committed."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    if shutil.which("git") is None or not (REPO / ".git").exists():
        pytest.skip("needs the git repository, to tell its files from others")
    files = subprocess.run(listed, cwd=REPO, capture_output=True, check=True).stdout
    folder = tmp_path_factory.mktemp("clone")
    for name in filter(None, files.decode().split("\0")):
        if (REPO / name).is_file():  # one that was deleted is still listed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def environment(clone: Path) -> dict[str, str]:
    """Nothing of the environment that runs these tests; ports at which no other shop is."""
    path = os.pathsep.join(
        part for part in os.environ["PATH"].split(os.pathsep) if not Path(part).is_relative_to(REPO)
    )
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VIRTUAL_ENV", "PYTEST", "MAKE", "DAPR", "APP_", "PIZZA_"))
    }
    return {**ours, "PATH": path, "PORT_OFFSET": str(free_offset()), MARK: str(clone)}


@pytest.fixture(scope="module")
def installed(clone: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The first command of somebody who has just cloned it."""
    return run("make demo", clone, environment)


def run(
    command: str, folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(command),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
    )


def test_make_demo_installs_and_shows_an_order_from_start_to_delivered(
    installed: subprocess.CompletedProcess[str],
) -> None:
    assert installed.returncode == 0, installed.stdout + installed.stderr
    assert "Making .venv" in installed.stdout
    shown = re.findall(r" s  (?:pizza-\w+) +(\w+)$", installed.stdout, re.MULTILINE)
    assert sorted(shown) == sorted(TIMELINE)
    assert installed.stderr == ""


@pytest.fixture
def opened(
    installed: object, clone: Path, environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """`make run`, as in a terminal: a process group that Ctrl-C reaches; and what it prints."""
    output = clone / "run.txt"
    with output.open("wb") as log:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield process, output
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        wait_until_gone(clone)


def test_make_run_opens_the_shop_says_what_to_try_and_ctrl_c_closes_it(
    opened: tuple[subprocess.Popen[bytes], Path],
) -> None:
    process, output = opened
    table, _, guided = printed(process, output).partition(OPEN)
    assert "localdapr: ready" in table
    assert guided.count("/openapi") == 7
    start, look, approve = re.findall(r"^  (curl .*)$", guided, re.MULTILINE)
    assert '"status":"started"' in shell(start)
    assert '"status":401' in shell(re.sub("/order/.*", "/orders-sub -d {}", look))
    repeat_until(look, '"status":"waiting_for_validation"')
    assert '"validation_status":"approved"' in shell(approve)
    repeat_until(look, '"status":"delivered"')
    with ExitStack() as pages:
        for link in re.findall(r"^  \w+ +(http\S+/sign-in/\S+)$", guided, re.MULTILINE):
            pages.enter_context(live_page(link))
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
        assert time.monotonic() - began < STOP_SECONDS
    text = output.read_text()
    assert "localdapr: stopped" in text
    assert "Traceback" not in text


@contextmanager
def live_page(link: str) -> Iterator[None]:
    """The page to which a sign-in link leads, with one of its live regions open."""
    with requests.Session() as browser:
        page = browser.get(link, timeout=30)
        assert page.status_code == 200
        assert page.url != link
        region = re.search('hx-sse:connect="([^"]+)"', page.text)
        assert region, page.text
        url = urljoin(page.url, html.unescape(region[1]))
        with browser.get(
            url, headers={"Accept": "text/event-stream"}, stream=True, timeout=30
        ) as live:
            assert live.headers["Content-Type"].startswith("text/event-stream")
            assert next(live.iter_lines()) is not None
            yield


def printed(process: subprocess.Popen[bytes], output: Path) -> str:
    """All until the end of the guide."""
    for _ in until(60):
        text, end, _ = output.read_text().partition(GUIDE_END)
        if end:
            return text + end
        assert process.poll() is None, text
    raise AssertionError(output.read_text())


def repeat_until(command: str, answer: str) -> None:
    """What the person does whom the guide tells to repeat it."""
    for _ in until(60):
        if answer in shell(command):
            return
    pytest.fail(f"{command} never answers {answer}")


def shell(command: str) -> str:
    """What a command of the guide answers, without its spaces."""
    result = subprocess.run([*shlex.split(command), "-s"], capture_output=True, timeout=30)
    return result.stdout.decode().replace(" ", "")


def test_make_test_runs_the_tests(
    installed: object, clone: Path, environment: dict[str, str]
) -> None:
    """All of them would be these tests again, without end: it is asked for some."""
    some = {**environment, "PYTEST_ARGS": "-q tests/unit/pizza_common/test_timeline.py"}
    result = run("make test", clone, some)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"\d+ passed", result.stdout)
    assert "python -m pytest" in run("make -n test", clone, environment).stdout


def test_without_a_new_enough_python_one_line_says_so(tmp_path: Path) -> None:
    shutil.copy(REPO / "Makefile", tmp_path)
    shutil.copytree(REPO / "tools", tmp_path / "tools")
    for name in ("requirements.txt", "pyproject.toml"):
        (tmp_path / name).touch()
    result = run("make run PYTHON=no-such-python", tmp_path, dict(os.environ))
    assert result.returncode != 0
    assert result.stderr.startswith("No Python 3.11 or newer found; ")
    assert not (tmp_path / ".venv").exists()
