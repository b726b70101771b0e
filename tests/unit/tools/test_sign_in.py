import pytest

from pizza_common.sign_in_link import read_ticket
from pizza_common.staff import STAFF
from tools.shop_guide import guide
from tools.shop_ports import named, read_ports
from tools.shop_secret import PIZZA_SECRET
from tools.sign_in import OTHER_WAYS, sign_in_links

SECRET = "a-secret-of-the-tests"
APPS = read_ports(offset=10)
PAGES = named(APPS, "pizza-web").url


def test_there_is_a_link_at_the_pages_for_each_role() -> None:
    links = sign_in_links(APPS, {PIZZA_SECRET: SECRET})
    assert set(links) == set(STAFF)
    for role, link in links.items():
        assert link.startswith(f"{PAGES}/sign-in/")
        assert read_ticket(SECRET, link.rpartition("/")[2]).role == role


@pytest.mark.parametrize("name", OTHER_WAYS)
def test_where_people_sign_in_otherwise_there_are_no_links(name: str) -> None:
    assert sign_in_links(APPS, {PIZZA_SECRET: SECRET, name: "set"}) == {}


def test_the_guide_begins_with_the_pages_and_the_links() -> None:
    lines = guide(APPS, {"manager": "http://there"}).strip().splitlines()
    assert lines[0].endswith(PAGES)
    assert lines[3].split() == ["manager", "http://there"]
    assert sum(line.startswith("  curl ") for line in lines) == 3


def test_without_links_the_guide_has_no_commands_that_would_be_refused() -> None:
    text = guide(APPS, {})
    assert PAGES in text
    assert "curl" not in text
