from concurrent.futures import ThreadPoolExecutor

import pytest

from pizza_common.errors import SidecarUnavailable
from tests.unit.callers import SECRET, signed_by

APPROVED = (200, {"order_id": "123", "validation_status": "approved"})
REJECTED = (200, {"order_id": "123", "validation_status": "rejected"})


@pytest.fixture
def waiting(workflows, slips):
    """An order that waits for its manager."""
    workflows.put(custom_status="waiting_for_validation")
    slips.open("123", 1)


def told(workflows):
    return [call[2] for call in workflows.calls if call[:2] == ("tell", "ValidationComplete")]


def test_an_approval_is_told_to_the_workflow(post, workflows, waiting):
    assert post("/validate-pizza", approved=True, approver="Ann") == APPROVED
    assert told(workflows) == [
        {"approved": True, "approver": "Ann", "remake": False, "round": 1, "on_slip": True}
    ]


def test_a_rejection_may_ask_for_a_remake(post, workflows, waiting):
    assert post("/validate-pizza", approved=False, reason="burnt", remake=True) == REJECTED
    assert told(workflows) == [
        {"approved": False, "reason": "burnt", "remake": True, "round": 1, "on_slip": True}
    ]


def test_who_is_known_approves_in_their_own_name(client_as_ann, workflows, waiting):
    for approver in ("Bob", "Eve"):
        assert client_as_ann("/validate-pizza", approved=True, approver=approver) == 200
    assert [event["approver"] for event in told(workflows)] == ["Ann"]


@pytest.mark.parametrize("name", ["", "Ann"])
def test_who_is_signed_in_decides_under_no_other_name(app, workflows, waiting, name):
    sent = {"order_id": "123", "approved": True, "approver": "Eve"}
    headers = signed_by(SECRET, "manager", name=name)
    assert app.test_client().post("/validate-pizza", json=sent, headers=headers).status_code == 200
    assert [event.get("approver") for event in told(workflows)] == [name or None]


@pytest.mark.parametrize("other", [{"approved": False}, {"approved": True, "approver": "Bob"}])
def test_a_decided_pizza_is_not_decided_again(post, workflows, waiting, other):
    post("/validate-pizza", approved=True, approver="Ann")
    assert post("/validate-pizza", **other)[0] == 409
    assert len(told(workflows)) == 1


@pytest.mark.parametrize(
    ("runtime_status", "place"),
    [("RUNNING", "waiting_for_validation"), ("RUNNING", "delivering"), ("COMPLETED", "delivered")],
)
def test_a_decision_whose_answer_was_lost_is_answered_again(
    post, workflows, waiting, runtime_status, place
):
    post("/validate-pizza", approved=True, approver="Ann")
    workflows.put(runtime_status, custom_status=place)
    assert post("/validate-pizza", approved=True, approver="Ann") == APPROVED
    assert post("/validate-pizza", approved=False, approver="Ann")[0] == 409
    assert len(told(workflows)) == 1


def test_of_many_managers_at_once_one_decides(post, workflows, waiting):
    def decide(number):
        return post("/validate-pizza", approved=True, approver=f"manager {number}")[0]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(decide, range(20)))
    assert sorted(answers) == [200] + [409] * 19
    assert len(told(workflows)) == 1


def test_of_two_managers_at_two_replicas_one_decides(post, workflows, sidecar, slips, waiting):
    def other_is_first(method, key):
        if method == "save_state":
            sidecar.before = lambda *_: None
            slips.decide("123", *slips.read("123"), {"approved": False})

    sidecar.before = other_is_first
    assert post("/validate-pizza", approved=True)[0] == 409
    assert told(workflows) == []


@pytest.mark.parametrize("place", [None, "taking_order", "validated", "delivering", "cancelling"])
def test_a_pizza_that_is_not_waiting_cannot_be_decided(post, workflows, slips, place):
    slips.open("123", 1)
    workflows.put(custom_status=place)
    assert post("/validate-pizza", approved=True)[0] == 409
    assert workflows.calls == []


@pytest.mark.parametrize("runtime_status", ["RUNNING", "SUSPENDED"])
def test_a_pizza_that_still_cooks_cannot_be_decided(post, workflows, runtime_status):
    workflows.put(runtime_status, custom_status="cooking")
    assert post("/validate-pizza", approved=True)[0] == 409


def test_a_cooked_pizza_of_a_paused_order_can_be_decided(post, workflows, slips):
    workflows.put("SUSPENDED", custom_status="cooking")
    slips.open("123", 1)
    assert post("/validate-pizza", approved=True) == APPROVED


def test_a_remake_that_still_cooks_cannot_be_decided(post, workflows, waiting):
    post("/validate-pizza", approved=False, remake=True)
    workflows.put(custom_status="cooking")
    assert post("/validate-pizza", approved=True)[0] == 409


def test_a_remade_pizza_is_decided_as_the_next_round(post, workflows, waiting, slips):
    post("/validate-pizza", approved=False, remake=True)
    slips.open("123", 2)
    assert post("/validate-pizza", approved=True) == APPROVED
    assert told(workflows)[1]["round"] == 2


BURNT = {"approved": False, "remake": True, "reason": "burnt"}


def test_what_may_repeat_the_decision_on_an_earlier_round_decides_only_the_round_that_it_names(
    post, workflows, waiting, slips
):
    post("/validate-pizza", **BURNT)
    slips.open("123", 2)
    status, problem = post("/validate-pizza", **BURNT)
    assert (status, '"round": 2' in problem["detail"]) == (409, True)
    assert post("/validate-pizza", **BURNT, round=1) == REJECTED
    assert len(told(workflows)) == 1
    assert post("/validate-pizza", **BURNT, round=2) == REJECTED
    assert [each["round"] for each in told(workflows)] == [1, 2]


@pytest.mark.parametrize("round_", [2, 7])
def test_a_round_that_is_not_open_cannot_be_decided(post, workflows, waiting, round_):
    assert post("/validate-pizza", approved=True, round=round_)[0] == 409
    assert told(workflows) == []


def test_a_finished_order_cannot_be_decided(post, workflows, slips):
    slips.open("123", 1)
    workflows.put("TERMINATED", custom_status="waiting_for_validation")
    assert post("/validate-pizza", approved=True)[0] == 409


def test_an_unknown_order_cannot_be_decided(post):
    assert post("/validate-pizza", approved=True)[0] == 404


def test_a_round_that_ended_undecided_cannot_be_decided(post, workflows, waiting, slips):
    slips.close("123", 1)
    assert post("/validate-pizza", approved=True)[0] == 409
    assert told(workflows) == []


def test_a_decision_that_was_written_but_not_told_is_told_by_its_repetition(
    post, workflows, waiting
):
    workflows.fails = SidecarUnavailable()
    assert post("/validate-pizza", approved=True)[0] == 503
    assert post("/validate-pizza", approved=True) == APPROVED
    assert len(told(workflows)) == 1


def test_a_decision_that_was_written_but_not_told_is_told_by_another_and_stands(
    post, workflows, waiting
):
    workflows.fails = SidecarUnavailable()
    post("/validate-pizza", approved=True)
    assert post("/validate-pizza", approved=False)[0] == 409
    assert [each["approved"] for each in told(workflows)] == [True]


@pytest.mark.parametrize("approved", ["yes", 1, None, "true"])
def test_approved_is_true_or_false(post, approved):
    status, problem = post("/validate-pizza", approved=approved)
    assert (status, problem["errors"][0]["field"]) == (400, "approved")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"approved": True, "approver": "Ann"}, "approved by Ann"),
        ({"approved": False, "approver": "Ann", "reason": "burnt"}, "rejected by Ann (burnt)"),
        (
            {"approved": False, "approver": "Ann", "remake": True},
            "rejected, to be made again by Ann",
        ),
        ({"approved": False, "remake": True}, "rejected, to be made again"),
        ({"approved": True}, "approved"),
    ],
)
def test_who_comes_late_is_told_what_was_decided_by_whom(post, workflows, waiting, said, words):
    post("/validate-pizza", **said)
    for place in ("waiting_for_validation", "delivering"):
        workflows.put(custom_status=place)
        status, problem = post("/validate-pizza", approved=True, approver="Bob", round=1)
        assert (status, problem["detail"]) == (409, f"Order 123 was already decided: {words}.")


def test_who_decides_about_a_round_that_was_remade_is_told_of_that_round(
    post, waiting, slips, workflows
):
    post("/validate-pizza", approved=False, approver="Ann", remake=True)
    slips.open("123", 2)
    status, problem = post("/validate-pizza", approved=True, round=1)
    assert (status, "to be made again by Ann" in problem["detail"]) == (409, True)


def test_who_is_second_at_another_replica_is_told_what_the_first_decided(
    post, sidecar, slips, waiting
):
    def other_is_first(method, key):
        if method == "save_state":
            sidecar.before = lambda *_: None
            slips.decide("123", *slips.read("123"), {"approved": False, "approver": "Ann"})

    sidecar.before = other_is_first
    _, problem = post("/validate-pizza", approved=True)
    assert problem["detail"] == "Order 123 was already decided: rejected by Ann."


def test_who_comes_after_the_deadline_is_told_so(post, waiting, slips):
    slips.close("123", 1)
    _, problem = post("/validate-pizza", approved=True)
    assert "cancelled, as nobody decided in time" in problem["detail"]
