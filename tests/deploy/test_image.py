"""deploy/Dockerfile: its own commands, run here, make a folder in which every service runs."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests.deploy.manifests import DEPLOY
from tools.shop_ports import REPO, AppPorts, free_offset, named, read_ports
from tools.shop_process import until

LINES = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text()).splitlines()
START_SECONDS = 60
END_SECONDS = 30


def instructions(name: str) -> list[str]:
    """What follows that word, at each place where it is."""
    return [line.removeprefix(f"{name} ") for line in LINES if line.startswith(f"{name} ")]


def run(command: str, folder: Path, **environment: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        ["sh", "-euc", command], cwd=folder, env={"PATH": path, **environment}, check=True
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What .dockerignore lets through: what it names after `!`, but for `**/` patterns in it."""
    folder = tmp_path_factory.mktemp("source")
    lines = (REPO / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    allowed = [rule[1:] for rule in rules if rule.startswith("!")]
    refused = [rule[3:] for rule in rules if rule.startswith("**/")]
    assert rules == ["*", *(f"!{rule}" for rule in allowed), *(f"**/{rule}" for rule in refused)]
    for path in (path for rule in allowed for path in REPO.glob(rule)):
        target = folder / path.relative_to(REPO)
        if path.is_dir():
            shutil.copytree(path, target, ignore=shutil.ignore_patterns(*refused))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(path, target)
    return folder


@pytest.fixture(scope="module")
def app_folder(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the build makes of it."""
    (command,) = [each for each in instructions("RUN") if each.startswith("mkdir /app")]
    folder = tmp_path_factory.mktemp("image") / "app"
    run(command.replace("/source/", f"{source}/").replace("/app", str(folder)), folder.parent)
    return folder


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def settings(app: AppPorts, folder: Path) -> dict[str, str]:
    """The environment in the container, but for the port and for staying on this machine."""
    words = [word.split("=", 1) for word in instructions("ENV")[-1].split()]
    given = {name: value.replace("/app", str(folder)) for name, value in words if name != "PATH"}
    assert given["PIZZA_HOST"] == "0.0.0.0"
    here = {"PIZZA_HOST": "127.0.0.1", "APP_PORT": str(app.app)}
    sidecar = {"DAPR_HTTP_PORT": str(app.http), "DAPR_GRPC_PORT": str(app.grpc)}
    return {**given, **here, **sidecar, "PATH": os.environ["PATH"]}


@contextmanager
def running(app: AppPorts, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, f"{app.app_id}/app.py"], cwd=folder, env=settings(app, folder)
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def is_healthy(app: AppPorts, folder: Path, *path: str) -> bool:
    """What the image's HEALTHCHECK says."""
    check = [sys.executable, "healthcheck.py", *path]
    return subprocess.run(check, cwd=folder, env=settings(app, folder)).returncode == 0


def loaded_by_a_page(apps: Iterable[AppPorts]) -> set[str]:
    """What a page of pizza-web has its browser load, all of which is there."""
    pages = named(apps, "pizza-web").url
    page = requests.get(f"{pages}/sign-in", timeout=30)
    assert page.ok
    paths = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text))
    assert all(requests.get(f"{pages}{path}", timeout=30).ok for path in paths)
    return {path.partition("?")[0] for path in paths}


def test_every_service_starts_in_the_image_is_healthy_writes_nothing_and_ends(
    app_folder: Path,
) -> None:
    before = files(app_folder)
    apps = read_ports(offset=free_offset())
    with ExitStack() as stack:
        processes = [stack.enter_context(running(app, app_folder)) for app in apps]
        for app in apps:
            assert any(is_healthy(app, app_folder) for _ in until(START_SECONDS)), app
        assert not is_healthy(apps[0], app_folder, "/readyz")  # it has no sidecar
        assert {f"/assets/{name}" for name in ("page.js", "shop.css")} <= loaded_by_a_page(apps)
        for process in processes:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(END_SECONDS) for process in processes] == [0] * len(apps)
    assert files(app_folder) == before


@pytest.mark.parametrize("app", read_ports(), ids=lambda app: app.app_id)
def test_no_service_starts_in_the_image_when_nobody_gives_it_its_secrets(
    app_folder: Path, app: AppPorts
) -> None:
    environment = {**settings(app, app_folder), "PIZZA_HOST": "0.0.0.0"}
    command = [sys.executable, f"{app.app_id}/app.py"]
    ended = subprocess.run(
        command, cwd=app_folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"{app.app_id}: PIZZA_HOST: ")


def test_only_what_runs_is_installed_at_the_locked_versions(source: Path, tmp_path: Path) -> None:
    (command,) = [each for each in instructions("RUN") if each.startswith("sed ")]
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(source / name, tmp_path)
    prepare, _, install = command.rpartition(" && ")
    run(prepare, tmp_path, EXTRAS="dev")
    assert install.endswith("-r wanted.txt -c locked.txt")
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    dev = project["optional-dependencies"]["dev"]
    wanted = (tmp_path / "wanted.txt").read_text().splitlines()
    assert wanted == [*project["dependencies"], *dev]
    assert "-e" not in (tmp_path / "locked.txt").read_text().split()
    assert 'EXTRAS="metrics tracing"' in instructions("ARG")


def test_nothing_but_sources_gets_into_the_image(source: Path) -> None:
    kinds = {path.suffix or path.name for path in source.rglob("*") if path.is_file()}
    vendored = {".LICENSE", "SHA256SUMS"}
    assert kinds <= {".py", ".toml", ".txt", ".typed", ".html", ".css", ".js", ".svg"} | vendored
    assert {path.name for path in source.iterdir()} >= {app.app_id for app in read_ports()}


def test_it_runs_as_nobody_in_particular_on_pinned_images() -> None:
    assert instructions("USER")[-1] == "10001:10001"
    assert LINES.index("USER 10001:10001") < LINES.index('ENTRYPOINT ["python"]')
    assert set(instructions("FROM")) == {"python:${PYTHON} AS build", "python:${PYTHON}"}
    assert re.fullmatch(r"PYTHON=3\.\d+-slim-\w+", instructions("ARG")[0])
    assert 'CMD ["python", "healthcheck.py"]' in instructions("HEALTHCHECK")[0]
