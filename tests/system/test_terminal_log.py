"""What a person sees of a service's log when localdapr runs it: on a terminal, and in a file."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.system.shop import until
from tests.unit.services import an_order
from tools.shop_ports import REPO, free_ports

pytestmark = pytest.mark.localdapr_only("it is localdapr that tells its apps where it writes")

SECONDS = 60
SHORT = re.compile(r"^== APP - pizza-order == (\d\d:\d\d:\d\d) info +order state +123 +(.*)$", re.M)


@contextmanager
def order_book(folder: Path, output: int, **names: str) -> Iterator[str]:
    """The service alone, run by localdapr, which writes to `output`; where it answers."""
    (port,) = free_ports(1)
    localdapr = str(Path(sys.executable).with_name("localdapr"))
    options = ["--app-id", "pizza-order", "--app-port", str(port), "--data-dir", str(folder)]
    options += ["--resources-path", str(REPO / "resources"), "--", sys.executable, "app.py"]
    outer = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIZZA_", "TTY_")) and name not in ("NO_COLOR", "FORCE_COLOR")
    }
    process = subprocess.Popen(
        [localdapr, "run", *options],
        cwd=REPO / "pizza-order",
        env={**outer, "TERM": "xterm", **names},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(SECONDS)


def register(url: str) -> None:
    """Have the service log one state of order 123."""
    for _ in until(SECONDS):
        try:
            if requests.post(f"{url}/order", json=an_order(), timeout=10).ok:
                return
        except requests.ConnectionError:
            continue
    pytest.fail("the service does not answer")


def log_on_terminal(folder: Path, **names: str) -> str:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        with order_book(folder, theirs, **names) as url:
            os.close(theirs)
            register(url)
        text = b""
        try:
            while chunk := screen.read(65536):
                text += chunk
        except OSError:  # nobody has the terminal open any more
            pass
    return text.decode().replace("\r\n", "\n")


def test_on_a_terminal_it_is_short_and_says_what_happened_to_which_order(tmp_path: Path) -> None:
    text = log_on_terminal(tmp_path)
    assert "\x1b[" in text
    ((_, fields),) = SHORT.findall(re.sub(r"\x1b\[\d*m", "", text))
    assert fields == "status=received"


def test_without_colors_it_is_the_same(tmp_path: Path) -> None:
    text = log_on_terminal(tmp_path, NO_COLOR="1")
    assert "\x1b[" not in text
    assert SHORT.search(text)


def test_what_the_user_says_of_the_terminal_counts(tmp_path: Path) -> None:
    assert '"event": "order state"' in log_on_terminal(tmp_path, TTY_COMPATIBLE="0")


def test_in_a_file_it_is_json(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log, order_book(tmp_path, log.fileno()) as url:
        register(url)
    text = (tmp_path / "log").read_text()
    lines = [
        json.loads(line) for line in re.findall(r"^== APP - pizza-order == (\{.*)$", text, re.M)
    ]
    (told,) = (line for line in lines if line["event"] == "order state")
    assert told["service"] == "pizza-order"
    assert told["request_id"]
