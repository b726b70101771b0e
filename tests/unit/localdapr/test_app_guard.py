"""The script that starts an app: what it becomes, and what its guard does in the end."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localdapr.app_process import START

SLEEPER = [sys.executable, "-S", "-c", "print('here', flush=True); import signal; signal.pause()"]
STUBBORN = [*SLEEPER[:3], "import signal; signal.signal(15, signal.SIG_IGN)\n" + SLEEPER[3]]
DEADLINE = 60.0


class Started:
    """A command that was started by the script, and the pipe by which it lives."""

    def __init__(self, *command: str) -> None:
        seen, self.life = os.pipe()
        self.process = subprocess.Popen(
            [*START, str(seen), *command],
            pass_fds=(seen,),
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        os.close(seen)

    def wait_until_it_runs(self) -> "Started":
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"here\n"
        return self

    def guard(self) -> int:
        """The process of another session that was started with the same command line."""
        asked = "\0".join(self.process.args).encode()  # type: ignore[arg-type]
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if command.read_bytes().startswith(asked):
                    return int(command.parent.name)
        raise AssertionError("there is no guard")


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    running: list[Started] = []

    def begin(*command: str) -> Started:
        running.append(Started(*command))
        return running[-1]

    yield begin
    for each in running:
        each.process.kill()
        each.process.communicate(timeout=DEADLINE)


def ignored_by(status: str) -> int:
    """The set of ignored signals, bit 0 for signal 1."""
    return int(status.partition("SigIgn:")[2].split()[0], 16)


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in status(pid)
    except (FileNotFoundError, ProcessLookupError):
        return False


def status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


@pytest.mark.parametrize(
    ("command", "number"), [(SLEEPER, signal.SIGTERM), (STUBBORN, signal.SIGKILL)]
)
def test_at_the_end_of_the_pipe_the_group_is_ended(start, command, number) -> None:
    app = start(*command).wait_until_it_runs()
    os.close(app.life)
    assert app.process.wait(DEADLINE) == -number


def test_a_group_that_was_let_go_is_left_alone_and_the_guard_ends(start) -> None:
    app = start(*SLEEPER).wait_until_it_runs()
    guard = app.guard()
    os.write(app.life, b".")
    os.close(app.life)
    wait_until_gone(guard)
    assert app.process.poll() is None


def test_the_guard_ignores_signals_that_are_meant_for_others(start) -> None:
    app = start(*SLEEPER).wait_until_it_runs()
    guard = app.guard()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        assert ignored_by(status(guard)) & (1 << number - 1)
        os.kill(guard, number)
    assert os.getsid(guard) != os.getsid(app.process.pid)
    os.close(app.life)
    assert app.process.wait(DEADLINE) == -signal.SIGTERM


def test_the_app_has_no_child_that_it_does_not_know(start) -> None:
    program = "import os\ntry: os.wait()\nexcept ChildProcessError: print('none')"
    app = start(sys.executable, "-S", "-c", program)
    out, _ = app.process.communicate(timeout=DEADLINE)
    os.close(app.life)
    assert out == b"none\n"


def test_the_app_has_ordinary_signals(start) -> None:
    app = start("grep", "SigIgn", "/proc/self/status")
    out, _ = app.process.communicate(timeout=DEADLINE)
    os.close(app.life)
    assert ignored_by(out.decode()) & (1 << signal.SIGPIPE - 1) == 0


def test_a_command_that_cannot_be_run_is_named(start) -> None:
    app = start("pyhton3")
    _, err = app.process.communicate(timeout=DEADLINE)
    os.close(app.life)
    assert (app.process.returncode, err) == (127, b"pyhton3: No such file or directory\n")
