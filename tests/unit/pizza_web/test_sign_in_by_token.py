"""Each role has a token; a person may say its name beside it."""

import pytest

from pizza_common.sign_in_link import sign_in_path
from tests.unit.pizza_web.visitor import SECRET, Visitor

TOKENS = {role: f"token-of-the-{role}" for role in ("kitchen", "manager", "operator")}
ROWS = {f"pizza_{role}_token": token for role, token in TOKENS.items()}


@pytest.fixture
def visitor(sidecar):
    return Visitor(sidecar, **ROWS)


@pytest.mark.parametrize("role", TOKENS)
def test_a_token_signs_in_as_its_role_and_leads_to_its_page(visitor, role):
    answer = visitor.post("/sign-in", token=TOKENS[role], called="")
    assert (answer.status_code, answer.location) == (303, f"/{role}")
    assert visitor.who() == role


def test_a_name_stands_behind_the_role_that_is_proved(visitor):
    visitor.post("/sign-in", token=TOKENS["manager"], called=" Maria\r\n\u202eof  the   shop ")
    assert visitor.who() == "manager Maria of the shop"


def test_the_roles_of_one_person_add_up_and_those_of_two_do_not(visitor):
    visitor.post("/sign-in", token=TOKENS["manager"], called="Maria")
    visitor.post("/sign-in", token=TOKENS["kitchen"], called="Maria")
    assert visitor.who() == "kitchen and manager Maria"
    visitor.post("/sign-in", token=TOKENS["kitchen"], called="Kim")
    assert visitor.who() == "kitchen Kim"


@pytest.mark.parametrize("token", ["", " ", "wrong", TOKENS["manager"][:-1], "tökén"])
def test_a_wrong_token_is_refused_and_the_name_is_kept(visitor, token):
    answer = visitor.post("/sign-in", token=token, called="Maria")
    assert answer.status_code == 403
    assert 'value="Maria"' in answer.text
    assert 'aria-invalid="true" aria-describedby="problem"' in answer.text
    assert visitor.who() == ""


def test_a_role_without_a_token_cannot_be_had(sidecar):
    visitor = Visitor(sidecar, pizza_kitchen_token=TOKENS["kitchen"])
    assert visitor.post("/sign-in", token="").status_code == 403
    assert visitor.who() == ""


def test_who_guesses_waits_and_shuts_out_nobody_with_the_right_token(visitor):
    for _ in range(5):
        assert visitor.post("/sign-in", token="guess").status_code == 403
    answer = visitor.post("/sign-in", token="guess")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 61
    other = visitor.another()
    assert other.post("/sign-in", token=TOKENS["operator"]).location == "/operator"
    assert (visitor.who(), other.who()) == ("", "operator")


def test_the_token_is_nowhere_in_an_answer(visitor):
    for token in (TOKENS["manager"], "wrong-token"):
        answer = visitor.post("/sign-in", token=token)
        assert token not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("/orders/1?key=a.b", "/orders/1?key=a.b"),
        ("//evil.example", "/manager"),
        ("https://evil.example", "/manager"),
        ("/\\evil.example", "/manager"),
        ("", "/manager"),
    ],
)
def test_one_comes_back_to_the_page_that_one_wanted_but_to_no_other_site(visitor, wanted, place):
    assert visitor.post("/sign-in", token=TOKENS["manager"], next=wanted).location == place


def test_a_page_of_a_role_leads_to_the_form_and_back(visitor):
    answer = visitor.get("/manager?a=1&b=2")
    assert answer.status_code == 303
    form = visitor.get(answer.location).text
    assert 'name="next" value="/manager?a=1&amp;b=2"' in form


def test_a_page_of_another_role_leads_to_the_form_and_back(visitor):
    visitor.post("/sign-in", token=TOKENS["kitchen"])
    answer = visitor.get("/operator?open=true")
    assert answer.status_code == 403
    assert 'href="/sign-in?next=/operator?open%3Dtrue"' in answer.text


def test_a_form_that_is_too_old_is_shown_anew_without_the_token(visitor):
    form = {"token": TOKENS["kitchen"], "called": "Kim", "next": "/kitchen?a=1"}
    answer = visitor.client.post("/sign-in", data=form, headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert 'value="Kim"' in answer.text
    assert 'value="/kitchen?a=1"' in answer.text
    assert TOKENS["kitchen"] not in answer.text
    assert visitor.who() == ""


def test_a_link_of_development_does_not_sign_in(visitor):
    assert visitor.get(sign_in_path(SECRET, "operator")).status_code == 404
    assert visitor.post("/sign-in/links").status_code == 404
    assert visitor.who() == ""
