import re

import pytest

from pizza_common import errors
from pizza_common.errors import PeerRefused, PizzaError
from pizza_common.service import service_app
from pizza_common.settings import Settings


def every(kind):
    """The kind and all below it that the package itself declares."""
    below = [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
    return [kind, *(each for child in below for each in every(child))]


@pytest.mark.parametrize("kind", every(PizzaError))
def test_every_error_is_answered_with_its_problem(kind):
    app = service_app("pizza-test", Settings())

    @app.get("/broken")
    def broken():
        raise kind("Why it is so.")

    answer = app.test_client().get("/broken")
    assert (answer.status_code, answer.mimetype) == (kind.status, "application/problem+json")
    assert answer.get_json() == {
        "type": "about:blank",
        "title": kind.title,
        "status": kind.status,
        "detail": "Why it is so.",
    }


@pytest.mark.parametrize("kind", every(PizzaError))
def test_the_drawn_tree_names_every_error_and_its_status(kind):
    line = re.search(rf"^.*\b{kind.__name__} .*$", errors.__doc__, re.M)
    assert line
    assert str(kind.status) in line[0] or kind in (
        errors.PeerRefused,
        errors.SettingsError,
        errors.InjectedFault,
    )


def test_a_peer_s_refusal_keeps_its_status():
    assert PeerRefused("No.", 409).status == 409


@pytest.mark.parametrize("detail", ["pizza-kitchen: no dough: buy some", "no dough: buy some"])
def test_what_a_peer_said_is_known_without_its_name(detail):
    assert PeerRefused(detail).said == "no dough: buy some"
