"""Found by going through the routes, so that a new page cannot be forgotten."""

from http import HTTPStatus

import pytest
from flask_openapi.blueprint import APIBlueprint

from pizza_common.staff import STAFF
from tests.unit.pizza_web.sessions import sign_in
from tests.unit.pizza_web.visitor import Visitor

HTML = {"Accept": "text/html"}


@pytest.fixture
def visitor(sidecar):
    return Visitor(sidecar)


def pages(app):
    """Path, methods and the roles in whose part of the site it is; parameters are filled in."""
    for rule in app.url_map.iter_rules():
        if isinstance(app.blueprints.get(rule.endpoint.partition(".")[0]), APIBlueprint):
            continue
        _, path = rule.build({name: "1" for name in rule.arguments}, append_unknown=False)
        roles = {role for role in STAFF if role in path.split("/")}
        yield path, rule.methods & {"GET", "POST"}, roles


def test_a_page_of_a_role_is_nobody_else_s(visitor, sidecar):
    found = [page for page in pages(visitor.app) if page[2]]
    assert {role for _, _, roles in found for role in roles} == set(STAFF)
    visitor.app.config["WTF_CSRF_ENABLED"] = False
    for path, methods, roles in found:
        for method in methods:
            for others in ((), set(STAFF) - roles - {"operator"}):  # who may see all
                client = visitor.another().client
                sign_in(client, *others)
                answer = client.open(path, method=method, headers=HTML)
                wanted = {303, 401} if not others else {403}
                assert answer.status_code in wanted, (path, method, others)
    assert sidecar.calls["invoke"] == 0


def test_no_form_does_anything_without_the_token_of_its_session(visitor, sidecar):
    posts = [path for path, methods, _ in pages(visitor.app) if "POST" in methods]
    assert "/sign-out" in posts
    for path in posts:
        client = visitor.another().client
        sign_in(client, *STAFF)
        answer = client.post(path, headers=HTML, data={"csrf_token": visitor.csrf_token()})
        assert answer.status_code == HTTPStatus.BAD_REQUEST, path
        assert "The page was too old" in answer.text
    assert sidecar.calls["invoke"] == 0
