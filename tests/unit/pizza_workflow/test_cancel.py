import pytest

from place import Place

CANCELLED = (200, {"order_id": "123", "status": "cancelled"})


@pytest.mark.parametrize(
    "place", [None, "taking_order", "cooking", "waiting_for_validation", "rejected"]
)
@pytest.mark.parametrize("runtime_status", ["PENDING", "RUNNING", "SUSPENDED"])
def test_an_order_that_is_not_handed_over_can_be_cancelled(post, workflows, place, runtime_status):
    workflows.put(runtime_status, custom_status=place)
    assert post("/cancel-order", reason="hungry no more") == CANCELLED
    assert workflows.calls == [("tell", "CancelOrder", {"reason": "hungry no more"})]


@pytest.mark.parametrize("place", ["validated", "delivering", "undoing"])
def test_an_order_out_for_delivery_cannot_be_cancelled(post, workflows, place):
    workflows.put(custom_status=place)
    assert post("/cancel-order")[0] == 409
    assert workflows.calls == []


@pytest.mark.parametrize("place", ["delivered", "cancelled", "failed", "cooking"])
def test_a_finished_order_cannot_be_cancelled(post, workflows, place):
    workflows.put("COMPLETED", custom_status=place)
    assert post("/cancel-order")[0] == 409


def test_an_unknown_order_cannot_be_cancelled(post):
    assert post("/cancel-order")[0] == 404


def test_an_order_that_is_being_cancelled_is_told_once(post, workflows):
    workflows.put(custom_status="waiting_for_validation")
    workflows.after_tell = {"custom_status": "cancelling"}
    assert [post("/cancel-order"), post("/cancel-order")] == [CANCELLED] * 2
    assert workflows.names() == ["tell"]


def test_a_cancel_that_is_obeyed_at_once_is_confirmed(post, workflows):
    workflows.put(custom_status="waiting_for_validation")
    workflows.after_tell = {"runtime_status": "COMPLETED", "custom_status": "cancelled"}
    assert post("/cancel-order") == CANCELLED


@pytest.mark.parametrize(
    "after",
    [
        {"custom_status": "delivering"},
        {"custom_status": "undoing"},
        {"runtime_status": "COMPLETED", "custom_status": "delivered"},
        {"runtime_status": "TERMINATED"},
    ],
)
def test_a_cancel_that_came_a_moment_too_late_is_a_conflict(post, workflows, after):
    workflows.put(custom_status="waiting_for_validation")
    workflows.after_tell = after
    assert post("/cancel-order")[0] == 409


def test_a_cancel_beside_an_approval_says_so_while_it_is_open(post, workflows):
    workflows.put(custom_status="waiting_for_validation")
    workflows.after_tell = {"custom_status": "validated"}
    assert post("/cancel-order")[0] == 503


@pytest.mark.parametrize(
    ("runtime_status", "place"),
    [
        ("PENDING", None),
        *[("RUNNING", place) for place in Place],
        ("SUSPENDED", "cooking"),
        ("COMPLETED", "delivered"),
        ("TERMINATED", "cooking"),
    ],
)
def test_the_status_says_whether_a_cancel_is_accepted_and_why_not(
    client, post, workflows, runtime_status, place
):
    workflows.put(runtime_status, custom_status=place)
    told = client.get("/get-status/123").json
    status, answer = post("/cancel-order")
    if place == "cancelling":  # said again, a cancel is no error
        assert (told["cancellable"], status) == (False, 200)
    else:
        assert told["cancellable"] == (status == 200)
        assert told["why_not"] == answer.get("detail")


def test_why_it_is_too_late_is_said_in_words(client, workflows):
    workflows.put(custom_status="delivering")
    told = client.get("/get-status/123").json["why_not"]
    assert told == "Order 123 is on its way; it cannot be cancelled."


def test_who_cancels_goes_along(client_as_ann, workflows):
    workflows.put(custom_status="cooking")
    assert client_as_ann("/cancel-order", reason="hungry no more") == 200
    wish = {"reason": "hungry no more", "by": "Ann"}
    assert workflows.calls == [("tell", "CancelOrder", wish)]
