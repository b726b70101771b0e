import pytest

from pizza_common.hosts import Hosts
from pizza_common.settings import Settings


def allowed(host, **rows):
    return Hosts.of(Settings(**rows)).allow(host)


LOOPBACK = ["localhost", "LocalHost:8001", "127.0.0.1:1", "127.9.9.9", "[::1]:8001", "localhost."]


@pytest.mark.parametrize("host", [*LOOPBACK, "shop.localhost:8001"])
def test_loopback_is_always_allowed(host):
    assert allowed(host)
    assert allowed(host, pizza_host="10.0.0.7")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8001",
        "notlocalhost",
        "evil.example:80@localhost",
        "localhost@evil.example",
        "localhost, evil.example",
        "localhost/",
        "localhost:port",
        "192.168.0.9",
        "0.0.0.0:8001",
        "[::1",
        "::1",
        "",
    ],
)
def test_every_other_host_is_foreign(host):
    assert not allowed(host)


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", "*"])
def test_who_listens_on_every_address_may_be_asked_by_address_but_not_by_name(bound):
    assert allowed("10.244.0.17:8001", pizza_host=bound)
    assert allowed("[fd00::17]:8001", pizza_host=bound)
    assert not allowed("evil.example", pizza_host=bound)


def test_what_the_service_is_bound_to_is_allowed_in_every_spelling():
    assert allowed("Pizza.Lan:8001", pizza_host="pizza.lan")
    assert allowed("[FD00:0:0::17]", pizza_host="fd00::17")
    assert not allowed("10.0.0.8", pizza_host="10.0.0.7")


def test_a_setting_allows_more_names():
    rows = {"pizza_allowed_hosts": "Pizza-Order, .shop.example"}
    for host in ("pizza-order:8001", "a.shop.example", "a.b.Shop.example.:443"):
        assert allowed(host, **rows)
    for host in ("order", "x-pizza-order", "shop.example", "notshop.example", "evil.example"):
        assert not allowed(host, **rows)
