"""What the tests on the real runtime need, and what they start it with."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools import dapr_runtime
from tools.dapr_binaries import PROGRAMS, MissingRuntimeError, find_binaries, lacking
from tools.dapr_runtime import DaprRuntime
from tools.shop_ports import OF_RUNTIMES, REPO


def programs(folder: Path, *names: str) -> dict[str, str]:
    """An environment in which only these can be run."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch(0o755)
    return {"PATH": str(folder), "DAPR_BIN": str(folder)}


def test_what_is_missing_is_said_with_how_to_get_it(tmp_path: Path) -> None:
    redis, go = lacking(programs(tmp_path / "nothing"))
    assert "apt-get install redis-server" in redis
    assert "Go" in go
    assert "DAPR_BIN" in go
    assert lacking(programs(tmp_path / "go", "redis-server", "go")) == []
    assert lacking(programs(tmp_path / "built", "redis-server", *PROGRAMS)) == []


def test_a_program_that_is_not_there_is_named_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingRuntimeError, match=f"scheduler is not in {tmp_path}"):
        find_binaries(programs(tmp_path, "daprd", "placement"))


def test_of_the_resources_only_the_address_of_redis_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dapr_runtime, "find_binaries", lambda: tmp_path)
    monkeypatch.setattr(dapr_runtime, "find_redis", lambda: "redis-server")
    runtime = DaprRuntime(tmp_path)
    copy = runtime.copy_resources(REPO / "resources")
    redis = f"127.0.0.1:{runtime.ports.redis}"
    for file in (REPO / "resources").rglob("*.yaml"):
        ours = file.read_text().replace("localhost:6379", redis)
        assert (copy / file.relative_to(REPO / "resources")).read_text() == ours
    assert redis in (copy / "statestore.yaml").read_text()
    assert runtime.ports.redis in OF_RUNTIMES


@pytest.mark.parametrize(("version", "code"), [("1.18.0", 0), ("1.17.0", 1)])
def test_a_runtime_of_another_version_counts_as_not_built(
    tmp_path: Path, version: str, code: int
) -> None:
    for name in ("build.sh", "go.mod"):
        shutil.copy(REPO / "tools/dapr-runtime" / name, tmp_path)
    (tmp_path / "bin").mkdir()
    for name in PROGRAMS:
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    no_go = tmp_path / "path"
    no_go.mkdir()
    for name in ("sh", "sed", "dirname"):
        (no_go / name).symlink_to(shutil.which(name) or "")
    build = subprocess.run(
        ["sh", tmp_path / "build.sh"], env={"PATH": str(no_go)}, capture_output=True, text=True
    )
    assert build.returncode == code
    assert ("1.18.0 is built" in build.stdout) is (code == 0)
    assert build.stderr.startswith("Go is missing") is (code != 0)
