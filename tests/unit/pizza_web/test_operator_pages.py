"""The operator's pages over services that answer what each test says."""

import pytest

from pizza_common.errors import PeerRefused, PeerUnavailable
from tests.unit.pizza_web.fake_shop import browser_of
from tests.unit.pizza_web.operator_shop import (
    AT,
    OperatorShop,
    a_history,
    a_listed,
    a_step,
    counts,
    listing,
)
from tests.unit.pizza_web.sessions import sign_in

HTML = {"Accept": "text/html"}


@pytest.fixture
def services():
    return OperatorShop()


@pytest.fixture
def open_as(services):
    """A browser of a person with these roles."""

    def open_(*roles, **rows):
        client = browser_of(services, **rows)
        sign_in(client, *roles)
        return client

    return open_


@pytest.fixture
def client(open_as):
    return open_as("operator")


def text_of(client, path):
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


PAGES = [
    "/operator",
    "/live/operator",
    "/operator/orders/123",
    "/live/operator/orders/123",
    "/operator/orders/123/terminate",
    "/operator/orders/123/children/round-1",
    "/operator/drivers",
    "/operator/health",
    "/operator/faults",
    "/operator/dead-letters",
]


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_are_for_operators_only(open_as, services, path):
    for roles, status in (((), 303), (("customer", "kitchen", "manager"), 403)):
        assert open_as(*roles).get(path, headers=HTML).status_code == status
    assert services.asked == []


def test_what_needs_a_person_comes_first_each_order_once(client, services):
    stuck = a_listed("s1", needs_attention=["stuck at cooked"])
    services.answers["GET", "/orders"] = listing(stuck)
    text = text_of(client, "/operator")
    attention = text[text.index("Needs attention") : text.index("Where orders stand")]
    assert attention.count("/operator/orders/s1") == 1
    assert "stuck at cooked" in attention
    assert text.count("/operator/orders/s1") == 2


def test_a_count_that_does_not_reach_back_says_so(client, services):
    services.answers["GET", "/orders/counts"] = counts(whole=False, complete_since=AT)
    assert "those placed since <time" in text_of(client, "/operator")


def test_the_search_form_becomes_a_query_of_the_order_book(client, services):
    text_of(client, "/operator?show=open&status=cooked&customer=Doe")
    assert "/orders?limit=20&status=cooked&customer=Doe&open=true" in services.asked[-1][1]
    text_of(client, "/operator?age=3600&cursor=abc")
    assert services.asked[-1][1].endswith("/orders?limit=20&older_than_seconds=3600")


def test_an_order_id_leads_to_its_order_and_a_wrong_one_stays_in_the_form(client, services):
    services.put_order()
    answer = client.get("/operator?order_id=+123+")
    assert (answer.status_code, answer.location) == (303, "/operator/orders/123")
    text = text_of(client, "/operator?order_id=1%2F2")
    assert 'value="1/2"' in text
    assert 'aria-invalid="true"' in text


def test_an_id_of_no_order_is_told_under_the_form(client, services):
    services.answers["GET", "/orders"] = listing(a_listed("k7m2p9xw"))
    text = text_of(client, "/operator?order_id=nobody")
    assert 'value="nobody"' in text
    assert "None: no order has this id" in text
    assert 'aria-invalid="true"' in text


def test_the_beginning_of_an_id_finds_the_newest_orders(client, services):
    found = [a_listed(order_id) for order_id in ("k7m2p9xw", "k7aaaaaa", "other")]
    services.answers["GET", "/orders"] = listing(*found)
    answer = client.get("/operator?order_id=k7m")
    assert (answer.status_code, answer.location) == (303, "/operator/orders/k7m2p9xw")
    text = text_of(client, "/operator?order_id=k7")
    several = text[text.index("Several begin so") : text.index("Where orders stand")]
    assert ("k7m2p9xw" in several, "k7aaaaaa" in several, "other" in several[:300]) == (
        True,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("status", "refunded", "said"),
    [
        ("voided", 0, "$14.50 was set aside and is free again: nothing was taken"),
        ("captured", 0, "$14.50 is taken"),
        ("refunded", 1450, "$14.50 was taken, and $14.50 is paid back"),
    ],
)
def test_the_money_of_an_order_is_told_as_people_say_it(client, services, status, refunded, said):
    services.put_order("TERMINATED")
    captured = 0 if status == "voided" else 1450
    services.answers["GET", "/payments/123"] |= {
        "status": status,
        "captured_cents": captured,
        "refunded_cents": refunded,
    }
    services.answers["GET", "/stock/reservations/123"]["ingredients"] = {}
    text = text_of(client, "/operator/orders/123")
    assert said in text
    assert "Used up by cooking" in text


def test_a_book_that_is_away_leaves_the_page_and_says_what_is_missing(client, services):
    services.answers["GET", "/orders/counts"] = PeerUnavailable("pizza-order cannot be reached")
    text = text_of(client, "/operator")
    assert "The counts cannot be shown now: pizza-order cannot be reached" in text
    assert "There are none." in text


def test_a_book_that_answers_nothing_is_waited_for_once(client, services):
    away = PeerUnavailable("pizza-order cannot be reached: no answer in time")
    services.answers |= {("GET", "/orders"): away, ("GET", "/orders/counts"): away}
    text = text_of(client, "/operator")
    assert "The list cannot be shown now: pizza-order cannot be reached" in text
    assert len(services.asked) == 3, "all at the same time"


def test_counting_is_shared_by_all_who_look_within_a_moment(client, services):
    for _ in range(3):
        text_of(client, "/operator")
    paths = [path.partition("?")[0] for _, path, _ in services.asked]
    assert paths.count("pizza-order/orders/counts") == 1
    assert paths.count("pizza-order/orders") == 2 + 3


def test_an_order_is_shown_with_its_workflow_steps_money_and_ingredients(client, services):
    services.put_order()
    failed = a_step(
        "deliver_pizza",
        state="retrying",
        tries=3,
        ended_at=None,
        seconds=None,
        failures=[{"at": AT, "error": "no connection"}],
        error="no connection",
    )
    round_ = a_step("cook_round", kind="child", instance_id="pizza-order-123:round-1")
    pizza = a_step(
        "cook_pizza_alone", kind="child", instance_id="pizza-order-123:round-1:pizza-2-3"
    )
    services.answers["GET", "/history/123"] = a_history(
        {**round_, "history": a_history(pizza)}, failed, a_step("refund_payment", undoes=True)
    )
    text = text_of(client, "/operator/orders/123")
    assert "Round 1</span>" in text
    assert '/operator/orders/123/children/round-1:pizza-2-3">Pizza 2, try 3' in text
    assert "3 tries" in text
    assert "no connection" in text
    assert "Refund payment (undo)" in text
    assert "$14.50 is set aside" in text
    assert "Reserved: 1 dough" in text


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        ("RUNNING", ["pause", "cancel", "terminate"]),
        ("SUSPENDED", ["resume", "cancel", "terminate"]),
        ("TERMINATED", ["refund", "release", "forget"]),
        (None, ["refund", "release", "forget"]),
    ],
)
def test_what_can_be_asked_follows_from_the_workflow(client, services, status, offered):
    services.put_order(status)
    if status is None:
        services.answers["GET", "/get-status/123"] = services.answers["GET", "/history/123"] = None
    text = text_of(client, "/operator/orders/123")
    every = ("pause", "resume", "cancel", "terminate", "refund", "release", "recall", "forget")
    assert [name for name in every if f'/operator/orders/123/{name}"' in text] == offered


def test_a_cancel_that_comes_too_late_is_shown_with_the_reason(client, services):
    services.put_order(cancellable=False, why_not="The pizza is on its way.")
    assert "Cancel: <small>The pizza is on its way." in text_of(client, "/operator/orders/123")
    text = text_of(client, "/operator/orders/123/cancel")
    assert "That cannot be asked now. The pizza is on its way." in text
    assert '<form method="post">' not in text


def test_terminate_says_that_it_undoes_nothing_and_what_it_leaves(client, services):
    services.put_order()
    services.answers["GET", "/drivers"] = {"drivers": [{"driver": "Ada", "order_id": "123"}]}
    text = text_of(client, "/operator/orders/123/terminate")
    left = text[text.index("What it leaves") :]
    assert "Nothing is undone" in left
    assert "$14.50 that is set aside stays so" in left
    assert "1 dough" in left
    assert "The driver Ada stays" in left
    assert services.changes() == [], "looking changes nothing"


def test_cancel_says_what_it_gives_back(client, services):
    services.put_order()
    text = text_of(client, "/operator/orders/123/cancel")
    assert "$14.50 that is set aside is given back." in text
    assert "go back into the stock: 1 dough." in text


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("pause", ("POST", "pizza-workflow/pause-order", {"order_id": "123"})),
        ("resume", ("POST", "pizza-workflow/resume-order", {"order_id": "123"})),
        ("terminate", ("POST", "pizza-workflow/terminate-order", {"order_id": "123"})),
        (
            "cancel",
            ("POST", "pizza-workflow/cancel-order", {"order_id": "123", "reason": "no time"}),
        ),
        ("refund", ("POST", "pizza-storefront/payments/123/refund", {})),
        ("release", ("DELETE", "pizza-kitchen/stock/reservations/123", None)),
        ("recall", ("POST", "pizza-delivery/deliver/123/recall", {})),
        ("forget", ("DELETE", "pizza-order/order/123", None)),
    ],
)
def test_a_confirmed_action_asks_the_service_that_owns_it(client, services, name, asked):
    services.put_order()
    path = "/" + asked[1].partition("/")[2]
    services.answers[asked[0], path] = {}
    answer = client.post(f"/operator/orders/123/{name}", data={"reason": " no time "})
    assert services.changes() == [asked]
    assert answer.status_code == 303
    assert answer.location == ("/operator" if name == "forget" else "/operator/orders/123")


def test_a_refusal_is_told_on_the_order_s_page(client, services):
    services.put_order("SUSPENDED")
    refusal = PeerRefused("pizza-workflow: Order 123 is SUSPENDED.", 409)
    services.answers["POST", "/pause-order"] = refusal
    answer = client.post("/operator/orders/123/pause", follow_redirects=True)
    assert "Pause: pizza-workflow: Order 123 is SUSPENDED." in answer.text


def test_a_reason_that_is_too_long_is_shown_with_what_was_typed(client, services):
    services.put_order()
    refusal = PeerRefused("Cannot use: reason", 400)
    refusal.errors = (("reason", "is too long"),)
    services.answers["POST", "/cancel-order"] = refusal
    answer = client.post("/operator/orders/123/cancel", data={"reason": "x" * 201})
    assert answer.status_code == 400
    assert "is too long" in answer.text
    assert "x" * 201 in answer.text


def test_an_order_nobody_knows_is_not_found(client):
    assert client.get("/operator/orders/123", headers=HTML).status_code == 404
    assert client.get("/operator/orders/123/eat", headers=HTML).status_code == 404


def test_every_service_is_asked_as_the_operator_who_looks(client, services):
    services.put_order()
    for path in ("/operator", "/operator/orders/123", "/operator/health"):
        text_of(client, path)
    assert len(services.identities) == len(services.asked) > 15
    assert {who.name for who in services.identities} == {"Olga"}


def test_a_service_that_is_away_is_named_and_the_rest_is_shown(client, services):
    services.put_order()
    away = PeerUnavailable("pizza-workflow cannot be reached: no connection")
    services.answers["GET", "/get-status/123"] = services.answers["GET", "/history/123"] = away
    text = text_of(client, "/operator/orders/123")
    assert "Not known now: pizza-workflow cannot be reached" in text
    assert "$14.50" in text
    assert '/operator/orders/123/terminate"' not in text


def test_the_workflow_tool_is_linked_where_one_is_set(open_as, services):
    services.put_order()
    assert "In the workflow tool" not in text_of(open_as("operator"), "/operator/orders/123")
    client = open_as("operator", pizza_dashboard_url="http://127.0.0.1:9000/w/{instance_id}")
    assert 'href="http://127.0.0.1:9000/w/pizza-order-123"' in text_of(
        client, "/operator/orders/123"
    )
    client = open_as("operator", pizza_dashboard_url="http://127.0.0.1:9000/")
    assert 'href="http://127.0.0.1:9000/" rel="noreferrer">Workflow tool' in text_of(
        client, "/operator"
    )


def test_health_tells_a_process_that_is_away_from_one_that_is_not_ready(client, services):
    ok = {"status": "ok"}
    services.answers |= {("GET", "/healthz"): ok, ("GET", "/readyz"): ok}
    services.answers["GET", "pizza-workflow/readyz"] = PeerUnavailable("Not ready: worker")
    for path in ("/healthz", "/readyz"):
        services.answers["GET", f"pizza-kitchen{path}"] = PeerUnavailable("no connection")
    text = text_of(client, "/operator/health")
    assert text.count("does not answer") == 1
    assert text.count("not ready") == 1
    assert "Not ready: worker" in text


def test_faults_are_shown_and_cleared_where_they_are_enabled(client, services):
    assert "PIZZA_FAULTS=1" in text_of(client, "/operator/faults")
    armed = {"step": "capture_payment", "times": 2, "status": 500, "delay_seconds": 0}
    services.answers["GET", "pizza-storefront/faults"] = {"faults": [armed], "steps": ["order"]}
    text = text_of(client, "/operator/faults")
    assert "capture_payment, 2 times: answers 500" in text
    assert '<option value="pizza-storefront/order">' in text
    services.answers["DELETE", "/faults"] = {}
    assert client.post("/operator/faults/pizza-storefront/clear").status_code == 303
    assert services.changes() == [("DELETE", "pizza-storefront/faults", None)]


def test_the_navigation_says_where_one_is_below_a_page_too(client, services):
    services.put_order()
    text = text_of(client, "/operator/orders/123")
    assert '<a href="/operator" aria-current="true">Operator</a>' in text
    assert '<a href="/operator" aria-current="true">Orders</a>' in text
    assert '<a href="/operator" aria-current="page">Orders</a>' in text_of(client, "/operator")


def test_faults_are_in_the_navigation_where_they_are_enabled(open_as):
    assert 'href="/operator/faults"' not in text_of(open_as("operator"), "/operator")
    client = open_as("operator", pizza_faults=True)
    assert 'href="/operator/faults"' in text_of(client, "/operator")


def test_a_fault_is_armed_with_what_the_form_says(client, services):
    told = {"faults": [], "steps": ["cook", "discard"]}
    services.answers |= {("POST", "/faults"): {}, ("GET", "pizza-kitchen/faults"): told}
    form = {"step": "pizza-kitchen/cook", "times": "2", "delay_seconds": "0.5"}
    assert client.post("/operator/faults", data=form).status_code == 303
    fault = {"step": "cook", "times": 2, "delay_seconds": 0.5}
    assert services.changes() == [("POST", "pizza-kitchen/faults", fault)]
    no_numbers = [("times", "many"), ("times", "9" * 5000)]
    no_numbers += [("delay_seconds", typed) for typed in ("nan", "inf", "1e999")]
    for name, typed in no_numbers:
        answer = client.post("/operator/faults", data={**form, name: typed})
        assert (answer.status_code, "must be a number" in answer.text) == (400, True)
        assert '<option value="pizza-kitchen/cook" selected>' in answer.text
    for step in ("", "cook", "evil/cook"):
        assert client.post("/operator/faults", data={**form, "step": step}).status_code == 404


def test_a_dead_letter_is_read_published_again_and_deleted(client, services):
    letter = {
        "id": "a" * 32,
        "event_id": "123:cooked",
        "order_id": "123",
        "status": "cooked",
        "service": "pizza-kitchen",
        "reason": "nobody took it",
        "publishable": True,
        "times": 2,
        "first_at": AT,
        "at": AT,
    }
    path = f"/dead-letters/{letter['id']}"
    services.answers |= {
        ("GET", "/dead-letters"): {"dead_letters": [letter]},
        ("GET", path): {**letter, "event": {"data": "<b>"}},
        ("POST", f"{path}/publish"): {},
        ("DELETE", path): {},
    }
    assert f"/operator{path}" in text_of(client, "/operator/dead-letters")
    assert "&lt;b&gt;" in text_of(client, f"/operator{path}")
    for what in ("publish", "delete"):
        assert client.post(f"/operator{path}/{what}").status_code == 303
    assert [method for method, _, _ in services.changes()] == ["POST", "DELETE"]
    assert client.get("/operator/dead-letters/..%2Fx", headers=HTML).status_code == 404
