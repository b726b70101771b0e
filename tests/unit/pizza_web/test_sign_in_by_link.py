"""Development: nothing is set that tells people apart."""

import pytest

from pizza_common.errors import SidecarUnavailable
from pizza_common.sign_in_link import sign_in_path
from tests.unit.pizza_web.visitor import SECRET, Visitor


@pytest.fixture
def visitor(sidecar):
    return Visitor(sidecar)


@pytest.mark.parametrize("role", ["kitchen", "manager", "operator"])
def test_a_link_signs_in_as_its_role_and_leads_to_its_page(visitor, role):
    answer = visitor.get(sign_in_path(SECRET, role))
    assert (answer.status_code, answer.location) == (303, f"/{role}")
    assert visitor.who() == role


def test_the_roles_of_several_links_add_up(visitor):
    for role in ("manager", "kitchen"):
        visitor.get(sign_in_path(SECRET, role))
    assert visitor.who() == "kitchen and manager"


def test_a_link_works_once_also_at_another_replica(visitor, sidecar):
    link = sign_in_path(SECRET, "manager")
    visitor.get(link)
    other = Visitor(sidecar)
    answer = other.get(link)
    assert answer.status_code == 410
    assert "it works once" in answer.text
    assert other.who() == ""


def test_who_came_by_a_link_may_come_by_it_again(visitor):
    link = sign_in_path(SECRET, "manager")
    assert [visitor.get(link).status_code for _ in range(2)] == [303, 303]
    visitor.post("/sign-out")
    assert visitor.get(link).status_code == 410


def test_a_look_at_a_link_does_not_use_it_up(visitor):
    link = sign_in_path(SECRET, "manager")
    visitor.client.head(link)
    visitor.client.get(link, headers={"Sec-Purpose": "prefetch"})
    assert visitor.who() == ""
    visitor.get(link)
    assert visitor.who() == "manager"


def test_a_link_still_works_when_its_use_could_not_be_noted(visitor, sidecar):
    link = sign_in_path(SECRET, "manager")
    sidecar.fail("save_state", SidecarUnavailable("away"))
    assert visitor.get(link).status_code == 503
    assert visitor.who() == ""
    visitor.get(link)
    assert visitor.who() == "manager"


def test_a_forged_link_is_no_page(visitor):
    assert visitor.get(sign_in_path("another-secret-of-16", "manager")).status_code == 404
    assert visitor.who() == ""


def test_new_links_are_written_to_the_log_and_nowhere_else(visitor, capsys):
    answer = visitor.post("/sign-in/links")
    written = [line.split("url=")[1] for line in capsys.readouterr().out.splitlines()]
    assert len(written) == 3
    assert all(url.startswith("http://127.0.0.1:") and url not in answer.text for url in written)
    visitor.get("/sign-in/" + written[1].split("/sign-in/")[1])
    assert visitor.who() == "manager"


def test_links_are_written_when_the_service_begins_unless_somebody_set_the_secret(sidecar, capsys):
    for secret, links in (("", 3), (SECRET, 0)):
        for hook in Visitor(sidecar, pizza_secret=secret).app.extensions["hooks"].started:
            hook()
        assert capsys.readouterr().out.count("sign-in link") == links


def test_nobody_fills_the_log_with_links(visitor):
    answers = [visitor.post("/sign-in/links").status_code for _ in range(6)]
    assert answers == [303] * 5 + [429]


@pytest.mark.parametrize("path", ["/sign-in/callback", "/sign-in/provider"])
def test_there_is_no_provider_and_no_token(visitor, path):
    assert visitor.get(path).status_code == 404
    assert visitor.post("/sign-in", token="x" * 20).status_code == 404
