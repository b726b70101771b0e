import pytest

from own_path import own_path


@pytest.mark.parametrize("path", ["/", "/manager", "/orders/1?key=a.b&x=%2F%2Fy", "/a//b", "/a:b"])
def test_a_path_of_this_site_is_kept(path):
    assert own_path(path) == path


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        "",
        "manager",
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\r\n/evil.example",
        " //evil.example",
        "/ /evil.example",
        "javascript:alert(1)",
        "/" + "a" * 500,
    ],
)
def test_another_site_is_not(wanted):
    assert own_path(wanted, "/home") == "/home"
