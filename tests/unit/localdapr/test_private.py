"""What lies in a data folder is its user's alone, whatever the umask."""

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localdapr.control import serve_control
from localdapr.host import open_host
from localdapr.resources import Resources
from localdapr.run import Run
from localdapr.store import Store


@pytest.fixture(params=[0, 0o077], ids=["umask 0", "umask 077"], autouse=True)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    paths = [folder, *folder.rglob("*")]
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in paths}


def test_folder_and_files_are_made_private(tmp_path: Path) -> None:
    async def run() -> dict[str, str]:
        folder = tmp_path / "data"
        async with open_host(folder, Run(()), Resources()) as host, serve_control(folder, host):
            return modes(folder)

    made = asyncio.run(run())
    assert made.pop("data") == "0o700"
    names = {"lock", "control.sock", "localdapr.db", "localdapr.db-wal", "localdapr.db-check"}
    assert made == dict.fromkeys(names, "0o600")


def test_a_folder_from_before_is_tightened(tmp_path: Path) -> None:
    Store(tmp_path, []).close()
    tmp_path.chmod(0o755)
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    Store(tmp_path, []).close()
    assert set(modes(tmp_path).values()) == {"0o700", "0o600"}


def test_a_folder_that_holds_other_things_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "theirs").touch()
    (tmp_path / "theirs").chmod(0o644)
    Store(tmp_path, []).close()
    found = modes(tmp_path)
    assert found.pop(tmp_path.name) == "0o755"
    assert found.pop("theirs") == "0o644"
    assert set(found.values()) == {"0o600"}


def test_the_copy_of_damaged_files_is_private(tmp_path: Path) -> None:
    Store(tmp_path, []).close()
    os.truncate(tmp_path / "localdapr.db", 0)
    command = [sys.executable, "-m", "localdapr", "recover", "--data-dir", str(tmp_path)]
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)
    assert set(modes(tmp_path).values()) == {"0o700", "0o600"}
