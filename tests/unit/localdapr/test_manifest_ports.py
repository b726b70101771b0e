"""Ports that a template leaves out are picked, and ports that somebody holds are refused."""

import socket
from collections.abc import Iterator

import pytest

from localdapr.errors import PortInUseError
from localdapr.manifest import App, with_ports
from localdapr.ports import FIRST_EPHEMERAL, is_free, pick_port
from localdapr.supervisor import check_ports


@pytest.fixture
def held() -> Iterator[int]:
    """A port that somebody listens on."""
    port = pick_port(21900, ())
    with socket.create_server(("127.0.0.1", port)):
        yield port


def test_sidecar_ports_that_are_not_given_are_free_ones_of_nobody_else() -> None:
    first, second = with_ports([App("a", 0, 0, app_port=3501), App("b", 0, 4500)])
    ports = {first.http_port, first.grpc_port, second.http_port, second.grpc_port}
    assert len(ports | {3501}) == 5
    assert all(3500 <= port < FIRST_EPHEMERAL for port in ports)
    assert second.grpc_port == 4500


def test_a_picked_port_moves_with_the_offset() -> None:
    (app,) = with_ports([App("a", 0, 4500)], port_offset=2000)
    assert app.http_port >= 5500
    assert app.grpc_port == 4500


def test_a_port_that_is_held_is_not_picked(held: int) -> None:
    assert not is_free(held)
    assert pick_port(held, ()) > held


def test_a_port_that_is_held_on_all_addresses_is_not_free() -> None:
    port = pick_port(21950, ())
    with socket.create_server(("0.0.0.0", port)):
        assert not is_free(port)


def test_without_a_free_port_the_range_is_named() -> None:
    with pytest.raises(PortInUseError, match=r"^no port is free from 32766 to 32767$"):
        pick_port(32766, (), free=lambda _port: False)


@pytest.mark.parametrize(
    ("template", "remedy"),
    [("dapr.yaml", "change daprGRPCPort in dapr.yaml"), (None, "choose another --dapr-grpc-port")],
)
def test_a_held_port_is_named_with_its_owner_and_the_remedy(
    held: int, template: str | None, remedy: str
) -> None:
    app = App("oven", pick_port(21980, ()), held, app_port=held)  # its user has started it
    expected = rf"^port {held} \(oven's sidecar, gRPC\) is in use; stop what holds it or {remedy}$"
    with pytest.raises(PortInUseError, match=expected):
        check_ports([app], template)
