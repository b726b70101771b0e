"""The keeper's processes by themselves: what they are told, what they do at the end of the pipe."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localdapr.keeper import PYTHON
from localdapr.keeper_process import read_groups

SLEEPER = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
DEADLINE = 20.0


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that leads a group and would never end by itself."""
    with subprocess.Popen(SLEEPER, start_new_session=True) as process:
        yield process
        process.kill()


@pytest.fixture
def keeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(PYTHON, stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process


def tell(keeper: subprocess.Popen[bytes], line: str) -> None:
    assert keeper.stdin is not None
    keeper.stdin.write(line.encode())
    keeper.stdin.flush()


def wait_until_ignored(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    deadline = time.monotonic() + DEADLINE
    status = Path(f"/proc/{process.pid}/status")
    while not ignored_by(status.read_text()) & (1 << number - 1):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ignored_by(status: str) -> int:
    """The set of ignored signals, bit 0 for signal 1."""
    return int(status.partition("SigIgn:")[2].split()[0], 16)


def launcher(pipe: int, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*PYTHON, str(pipe), *command],
        pass_fds=(pipe,),
        start_new_session=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def test_groups_are_those_added_and_not_dropped() -> None:
    lines = [b"add 1\n", b"add 2\n", b"drop 1\n", b"drop 9\n", b"nonsense\n", b"add x\n", b"add 3"]
    assert read_groups(lines) == {2, 3}


def test_at_the_end_of_the_pipe_the_groups_are_ended(
    keeper: subprocess.Popen[bytes], sleeper: subprocess.Popen[bytes]
) -> None:
    tell(keeper, f"add {sleeper.pid}\n")
    keeper.stdin.close()  # type: ignore[union-attr]
    assert sleeper.wait(DEADLINE) == -signal.SIGTERM
    assert keeper.wait(DEADLINE) == 0


def test_a_dropped_group_is_left_alone(
    keeper: subprocess.Popen[bytes], sleeper: subprocess.Popen[bytes]
) -> None:
    tell(keeper, f"add {sleeper.pid}\ndrop {sleeper.pid}\n")
    keeper.stdin.close()  # type: ignore[union-attr]
    assert keeper.wait(DEADLINE) == 0
    assert sleeper.poll() is None


def test_the_keeper_ignores_signals_that_are_meant_for_others(
    keeper: subprocess.Popen[bytes], sleeper: subprocess.Popen[bytes]
) -> None:
    tell(keeper, f"add {sleeper.pid}\n")
    wait_until_ignored(keeper, signal.SIGHUP)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        keeper.send_signal(number)
    keeper.stdin.close()  # type: ignore[union-attr]
    assert sleeper.wait(DEADLINE) == -signal.SIGTERM
    assert keeper.wait(DEADLINE) == 0


def test_the_launcher_reports_itself_before_it_lets_go_of_the_pipe() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as pipe, launcher(write_end, *SLEEPER) as process:
        os.close(write_end)
        assert pipe.read() == b"add %d\n" % process.pid
        process.kill()


def test_the_launcher_becomes_the_command_with_ordinary_signals() -> None:
    read_end, write_end = os.pipe()
    with launcher(write_end, "grep", "SigIgn", "/proc/self/status") as process:
        os.close(write_end)
        os.close(read_end)
        out, _ = process.communicate(timeout=DEADLINE)
    assert ignored_by(out.decode()) & (1 << signal.SIGPIPE - 1) == 0


def test_the_launcher_names_a_command_that_cannot_be_run() -> None:
    read_end, write_end = os.pipe()
    with launcher(write_end, "pyhton3") as process:
        os.close(write_end)
        os.close(read_end)
        _, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, err) == (127, b"pyhton3: No such file or directory\n")
