import re

import pytest

from pizza_common.errors import PeerRefused, PeerUnavailable
from tests.unit.pizza_web.fake_shop import FakeShop, browser_of, first_event, text

BUY = {"ingredient": "ham", "action": "add", "units": "50", "reason": "Sunday", "key": "k1"}


def pizza(column="cooking", state="cooking", **fields):
    shown = {
        "order_id": "123",
        "pizza": 1,
        "pizza_type": "quattro_formaggi",
        "size": "large",
        "attempt": 1,
        "state": state,
        "stage": "cooking_baking" if state == "cooking" else None,
        "share": 0.54,
        "since": "2026-11-01T10:05:00.000Z",
        "column": column,
    }
    return {**shown, **fields}


def level(available, low=False):
    return {"available": available, "reserved": 3, "used": 1, "bought": available + 4, "low": low}


@pytest.fixture
def shop():
    shop = FakeShop()
    stock = {"stock": {"dough": level(900), "ham": level(8, low=True)}}
    shop.have("GET", "pizza-kitchen/pizzas", {"pizzas": [pizza()], "more": False})
    shop.have("GET", "pizza-kitchen/stock", stock)
    shop.have("GET", "pizza-kitchen/stock/changes", {"changes": []})
    shop.have("PUT", "pizza-kitchen/stock/ham", {"stock": {"ham": level(58)}})
    return shop


@pytest.fixture
def visitor(shop):
    return browser_of(shop, "kitchen")


def page(visitor, path="/kitchen"):
    answer = visitor.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_each_column_has_its_pizzas_in_the_order_in_which_they_come(visitor, shop):
    cards = [
        pizza("waiting", "waiting", order_id="w1"),
        pizza("cooking", order_id="c1"),
        pizza("validation", "cooked", order_id="v1"),
        pizza("cooking", order_id="c2"),
        pizza("remaking", "waiting", order_id="r1", attempt=2),
    ]
    shop.have("GET", "pizza-kitchen/pizzas", {"pizzas": cards, "more": True})
    said = text(page(visitor))
    board = re.split("To cook 1|Cooking 2|Waiting for approval 1|Being remade 1", said)
    assert [re.findall(r"order (\w+)", part) for part in board[1:]] == [
        ["w1"],
        ["c1", "c2"],
        ["v1"],
        ["r1"],
    ]
    assert "there are more" in said


def test_of_many_pizzas_the_first_are_shown_and_the_page_stays_small(visitor, shop):
    many = [
        pizza(column, "cooking", pizza=number)
        for column in ("waiting", "cooking", "validation", "remaking")
        for number in range(50)
    ]
    shop.have("GET", "pizza-kitchen/pizzas", {"pizzas": many, "more": False})
    html = visitor.get("/kitchen").text
    assert text(html).count("And 30 more") == 4
    assert "Cooking 50" in text(html)
    assert len(html) < 70_000


def test_a_card_says_how_far_its_pizza_is(visitor):
    html = page(visitor)
    assert "Quattro formaggi large In the oven, 54 % 10:05 UTC No. 1 of order 123" in text(html)
    assert '<rect class="kitchen-bar-done" width="54.0"' in html


def test_what_is_low_is_said_in_words(visitor):
    rows = page(visitor).split("<tr")
    (ham,) = [row for row in rows if "ingredient=ham" in row]
    (dough,) = [row for row in rows if "ingredient=dough" in row]
    assert ("low" in text(ham), "low" in text(dough)) == (True, False)


def test_the_live_region_is_the_same_fragment(visitor):
    fragment = first_event(visitor, "/live/kitchen")
    assert text(fragment) in text(page(visitor))
    assert "In the oven, 54 %" in text(fragment)


def test_what_was_bought_is_sent_with_the_key_of_its_form(visitor, shop):
    answer = visitor.post("/kitchen/stock", data=BUY, follow_redirects=True)
    assert shop.sent("PUT") == [("pizza-kitchen/stock/ham", {"add": 50, "reason": "Sunday"})]
    assert "k1" in shop.keys
    assert "There are 58 units of ham now." in answer.get_data(as_text=True)
    assert {who.name for who in shop.identities} == {"Maria"}


def test_what_was_counted_is_set(visitor, shop):
    visitor.post("/kitchen/stock", data={**BUY, "action": "available", "reason": ""})
    assert shop.sent("PUT") == [("pizza-kitchen/stock/ham", {"available": 50})]


def key_of(html):
    return re.search(r'name="key" value="(\w+)"', html)[1]


def test_each_form_that_is_shown_has_a_key_of_its_own(visitor):
    assert key_of(page(visitor)) != key_of(page(visitor))


def test_the_ingredient_of_the_row_is_chosen(visitor):
    assert '<option value="ham" selected>' in page(visitor, "/kitchen?ingredient=ham")


@pytest.mark.parametrize("units", ["", "many", "-3", "1.5", "\uff19", "0", "000", "9" * 5000])
def test_a_bad_number_is_told_beside_its_field_and_nothing_typed_is_lost(visitor, shop, units):
    answer = visitor.post("/kitchen/stock", data={**BUY, "units": units})
    html = answer.get_data(as_text=True)
    assert (answer.status_code, shop.sent("PUT")) == (400, [])
    assert 'aria-invalid="true" aria-describedby="units-problem" autofocus' in html
    assert f'value="{units}"' in html
    assert 'value="Sunday"' in html
    assert key_of(html) == "k1"


@pytest.mark.parametrize("ingredient", ["", ".", "..", "../pizzas", "a/b", "..\\", "%2e%2e"])
def test_what_would_lead_to_another_route_is_no_ingredient(visitor, shop, ingredient):
    answer = visitor.post("/kitchen/stock", data={**BUY, "ingredient": ingredient})
    assert (answer.status_code, "Choose an ingredient" in answer.text) == (400, True)
    assert shop.sent("PUT") == []


def test_what_the_kitchen_refuses_is_told_beside_its_field(visitor, shop):
    refused = PeerRefused("pizza-kitchen: Cannot use: add", 400, (("add", "is too much"),))
    shop.have("PUT", "pizza-kitchen/stock/ham", refused)
    answer = visitor.post("/kitchen/stock", data=BUY)
    assert answer.status_code == 400
    assert '<small id="units-problem" class="problem">is too much</small>' in answer.text


def test_a_key_that_was_used_for_another_ingredient_is_replaced(visitor, shop):
    refused = PeerRefused("pizza-kitchen: Idempotency-Key k1 was used for basil", 409)
    shop.have("PUT", "pizza-kitchen/stock/ham", refused)
    answer = visitor.post("/kitchen/stock", data=BUY)
    assert answer.status_code == 409
    assert "Idempotency-Key k1 was used for basil" in text(answer.text)
    assert key_of(answer.text) != "k1"


def test_without_an_answer_the_same_form_is_shown_to_be_sent_again(visitor, shop):
    for path in ("pizzas", "stock", "stock/changes"):
        shop.have("GET", f"pizza-kitchen/{path}", PeerUnavailable("away"))
    shop.have("PUT", "pizza-kitchen/stock/ham", PeerUnavailable("away"))
    answer = visitor.post("/kitchen/stock", data=BUY)
    assert (answer.status_code, key_of(answer.text)) == (503, "k1")
    assert 'value="50"' in answer.text
    assert '<option value="ham" selected>' in answer.text


def test_the_last_changes_tell_who_and_why(visitor, shop):
    change = {
        "at": "2026-11-01T10:05:00.000Z",
        "by": "Ann",
        "ingredient": "ham",
        "action": "corrected",
        "units": -12,
        "available": 8,
        "reason": "dropped",
        "idempotency_key": None,
    }
    shop.have("GET", "pizza-kitchen/stock/changes", {"changes": [change]})
    told = "2026-11-01 10:05 UTC Ham corrected -12 8 Ann dropped"
    assert told in text(page(visitor))


def test_an_operator_may_do_the_same_and_no_one_else(shop):
    assert browser_of(shop, "operator").post("/kitchen/stock", data=BUY).status_code == 303
    visitor = browser_of(shop, "manager")
    assert visitor.get("/kitchen").status_code == 403
    assert visitor.post("/kitchen/stock", data=BUY).status_code == 403
    assert "/sign-in" in browser_of(shop).get("/kitchen").headers["Location"]
    assert len(shop.sent("PUT")) == 1


def test_a_form_of_another_site_changes_nothing(shop):
    visitor = browser_of(shop, "kitchen")
    visitor.application.config["WTF_CSRF_ENABLED"] = True
    assert visitor.post("/kitchen/stock", data=BUY).status_code == 400
    assert shop.sent("PUT") == []
