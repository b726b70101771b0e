"""A shop that cannot start says why in one line, exits with an error and leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.shop import Shop, running_shop, wait_until_gone
from tools.shop_ports import REPO, free_offset, read_ports
from tools.shop_process import MARK

pytestmark = pytest.mark.localdapr_only("these are localdapr's own words")

LOCALDAPR = str(Path(sys.executable).with_name("localdapr"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the shop's manifest, resources and services, to be spoilt."""
    shutil.copy(REPO / "dapr.yaml", tmp_path)
    shutil.copytree(REPO / "resources", tmp_path / "resources")
    for service in REPO.glob("pizza-*"):
        (tmp_path / service.name).symlink_to(service)
    return tmp_path


def start(
    home: Path, offset: int | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    """What localdapr prints and answers when it ends by itself; nothing of it is left."""
    where = ["-f", str(home), "--port-offset", str(free_offset() if offset is None else offset)]
    result = subprocess.run(
        [LOCALDAPR, "run", *where, "--data-dir", str(home / "data")],
        env={**os.environ, MARK: str(home), **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )
    wait_until_gone(home)
    return result


def the_line(result: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error."""
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("localdapr: ")
    return line


def test_a_manifest_that_is_no_yaml_is_named(home: Path) -> None:
    manifest = home / "dapr.yaml"
    manifest.write_text("version: 1\napps: [\n")
    assert str(manifest) in the_line(start(home))


def test_a_manifest_with_a_wrong_value_is_named_with_the_value(home: Path) -> None:
    manifest = home / "dapr.yaml"
    manifest.write_text(manifest.read_text().replace("8003", "eighty"))
    line = the_line(start(home))
    assert str(manifest) in line
    assert "appPort" in line


def test_a_manifest_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert str(tmp_path) in the_line(start(tmp_path))


def test_a_folder_of_an_app_that_is_not_there_is_named(home: Path) -> None:
    (home / "pizza-kitchen").unlink()
    assert "pizza-kitchen" in the_line(start(home))


def test_a_resource_that_is_no_yaml_is_named(home: Path) -> None:
    (home / "resources" / "pubsub.yaml").write_text("kind: [\n")
    assert "pubsub.yaml" in the_line(start(home))


@pytest.mark.parametrize("kind", ["app", "http", "grpc"])
def test_a_port_in_use_is_named_with_its_app(home: Path, kind: str) -> None:
    offset = free_offset()
    port = getattr(read_ports(offset=offset)[2], kind)
    with socket.create_server(("127.0.0.1", port)):
        line = the_line(start(home, offset))
    assert f"port {port}" in line
    assert "pizza-kitchen" in line


def test_a_service_that_cannot_start_is_named_and_so_is_its_reason(home: Path) -> None:
    result = start(home, PIZZA_TIME_SCALE="soon")
    assert "before it was ready" in the_line(result)
    assert "PIZZA_TIME_SCALE" in result.stdout


def test_a_service_that_is_broken_ends_the_others_too(home: Path) -> None:
    (home / "pizza-kitchen").unlink()
    (home / "pizza-kitchen").mkdir()
    (home / "pizza-kitchen" / "app.py").write_text("raise SystemExit(3)\n")
    assert "pizza-kitchen" in the_line(start(home))


def test_a_second_shop_on_the_same_data_is_refused(shop: Shop, home: Path) -> None:
    (home / "data").symlink_to(shop.process.folder / "data")
    assert f"already runs (process {shop.process.pid})" in the_line(start(home))
    shop.wait_until_ready()


def test_ctrl_c_closes_the_shop_in_good_order(tmp_path: Path) -> None:
    with running_shop("localdapr", tmp_path, 0) as shop:
        shop.process.signal(signal.SIGINT)
        assert shop.process.ended() == 0
        wait_until_gone(tmp_path)
        assert shop.process.output().endswith("localdapr: stopped\n")
