"""deploy/postgresql on the real runtime and a real PostgreSQL; skipped where one is missing."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.deploy.manifests import DEPLOY, check, documents
from tools.shop_ports import REPO, AppPorts, free_offset, read_ports
from tools.shop_process import until

STORE = "pizzastatestore"
DAPRD = Path(os.environ.get("DAPR_BIN", REPO / "tools/dapr-runtime/bin")) / "daprd"
USER = "postgres" if os.geteuid() == 0 else None  # it refuses to be root's
# Not the `user` of subprocess: with it, Python forks, and a fork of a process in which gRPC has
# threads may crash.
AS_USER = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"] if USER else []
START_SECONDS = 60
CONFIG = {
    "apiVersion": "dapr.io/v1alpha1",
    "kind": "Configuration",
    "metadata": {"name": "appconfig"},
    "spec": {
        "nameResolution": {  # not the default, which speaks to the whole network
            "component": "nameformat",
            "version": "v1",
            "configuration": {"format": "{appid}:1"},
        }
    },
}


def binaries() -> Path:
    """The folder of PostgreSQL's programs; Debian keeps the server's out of the path."""
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found or not DAPRD.exists():
        pytest.skip("needs PostgreSQL (apt-get install postgresql) and make dapr-runtime")
    return found[-1]


@contextmanager
def running(command: list[str | Path], **options: str | dict[str, str] | None) -> Iterator[None]:
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)  # to PostgreSQL the fast end
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def postgresql(port: int) -> Iterator[str]:
    """A new PostgreSQL; gives the connection string of its database `pizza`."""
    programs = binaries()
    with tempfile.TemporaryDirectory() as folder:
        if USER:
            shutil.chown(folder, USER, USER)
        data = f"{folder}/data"
        initdb = [programs / "initdb", "-D", data, "-U", "pizza", "-A", "trust", "-N"]
        subprocess.run([*AS_USER, *initdb], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        server = [*AS_USER, programs / "postgres", "-D", data, "-p", str(port), "-k", folder]
        createdb = [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "pizza"]
        with running([*server, "-c", "listen_addresses=127.0.0.1"], cwd=folder):
            assert any(
                subprocess.run([*createdb, "pizza"], stderr=subprocess.DEVNULL).returncode == 0
                for _ in until(START_SECONDS)
            )
            yield f"host=127.0.0.1 port={port} user=pizza dbname=pizza"


@contextmanager
def daprd(app: AppPorts, connection: str, folder: Path) -> Iterator[str]:
    """A sidecar without an app that has the state store; gives its address."""
    (folder / "config.json").write_text(json.dumps(CONFIG))
    ports = f"--dapr-http-port={app.http} --dapr-grpc-port={app.grpc}"
    inside = f"--dapr-internal-grpc-port={app.app} --dapr-internal-grpc-listen-address=127.0.0.1"
    command = [DAPRD, f"--app-id={app.app_id}", *ports.split(), *inside.split()]
    command += ["--dapr-listen-addresses=127.0.0.1", "--enable-metrics=false"]
    command += [f"--resources-path={DEPLOY / 'postgresql'}", f"--config={folder / 'config.json'}"]
    here = {"DAPR_HOST_IP": "127.0.0.1", "PIZZA_POSTGRESQL": connection}
    address = f"http://127.0.0.1:{app.http}/v1.0"
    with running(command, env={**os.environ, **here}):
        assert any(answers(f"{address}/healthz/outbound") for _ in until(START_SECONDS))
        yield address


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    order, other = read_ports(offset=free_offset())[:2]
    with (
        postgresql(other.app) as connection,
        daprd(order, connection, tmp_path_factory.mktemp("daprd")) as address,
    ):
        yield address


def test_it_takes_the_place_of_the_shops_own_store() -> None:
    (store,) = documents(DEPLOY / "postgresql/statestore.yaml")
    (ours,) = documents(REPO / "resources/statestore.yaml")
    check(store)
    assert store["metadata"] == ours["metadata"]
    assert set(ours["scopes"]) <= set(store["scopes"])


def saved(sidecar: str, value: int, etag: str | None = None) -> int:
    """The status of writing under first-write."""
    row = {"key": "order_1", "value": value, "options": {"concurrency": "first-write"}}
    row |= {"etag": etag} if etag else {}
    return requests.post(f"{sidecar}/state/{STORE}", json=[row], timeout=10).status_code


def test_it_keeps_state_and_refuses_a_write_that_comes_too_late(sidecar: str) -> None:
    assert saved(sidecar, 1) == 204
    first = requests.get(f"{sidecar}/state/{STORE}/order_1", timeout=10)
    assert saved(sidecar, 2, first.headers["etag"]) == 204
    assert saved(sidecar, 3, first.headers["etag"]) == 409
    assert requests.get(f"{sidecar}/state/{STORE}/order_1", timeout=10).json() == 2


def test_workflows_can_be_kept_in_it(sidecar: str) -> None:
    components = requests.get(f"{sidecar}/metadata", timeout=10).json()["components"]
    (store,) = (each for each in components if each["name"] == STORE)
    assert store["type"] == "state.postgresql"
    assert {"ACTOR", "TRANSACTIONAL", "ETAG"} <= set(store["capabilities"])
