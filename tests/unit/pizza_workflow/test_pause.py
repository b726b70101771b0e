from concurrent.futures import ThreadPoolExecutor

import pytest

from pizza_common.errors import EtagMismatch, SidecarUnavailable
from tests.unit.services import ORDER

PAUSED = (200, {"order_id": "123", "status": "paused"})
RESUMED = (200, {"order_id": "123", "status": "resumed"})


def test_a_running_order_is_paused_and_resumed(post, workflows):
    workflows.put()
    assert [post("/pause-order"), post("/resume-order")] == [PAUSED, RESUMED]
    assert workflows.names() == ["pause", "resume"]


@pytest.mark.parametrize("path", ["/pause-order", "/resume-order", "/terminate-order"])
@pytest.mark.parametrize("runtime_status", ["COMPLETED", "FAILED", "TERMINATED"])
def test_a_finished_order_takes_no_orders(post, workflows, path, runtime_status):
    workflows.put(runtime_status)
    assert post(path)[0] == 409
    assert workflows.calls == []


@pytest.mark.parametrize("path", ["/pause-order", "/resume-order", "/terminate-order"])
def test_an_unknown_order_is_not_found(post, path):
    assert post(path)[0] == 404


def test_a_paused_order_is_not_paused_again(post, workflows):
    workflows.put("SUSPENDED")
    assert post("/pause-order")[0] == 409
    assert workflows.calls == []


def test_a_running_order_is_not_resumed(post, workflows):
    workflows.put("RUNNING")
    assert post("/resume-order")[0] == 409
    assert workflows.calls == []


def test_of_many_pauses_at_once_one_reaches_the_engine(post, workflows):
    workflows.put()
    with ThreadPoolExecutor(20) as pool:
        answers = [answer[0] for answer in pool.map(post, ["/pause-order"] * 20)]
    assert sorted(answers) == [200] + [409] * 19
    assert workflows.names() == ["pause"]


def test_a_pause_that_does_not_show_is_not_repeated(post, workflows):
    workflows.put()
    workflows.obeys = False
    assert [post(path)[0] for path in ("/pause-order", "/pause-order", "/resume-order")] == [
        503
    ] * 3
    assert workflows.names() == ["pause"]
    workflows.put("SUSPENDED")
    assert post("/pause-order")[0] == 409
    assert post("/resume-order")[0] == 503


def test_of_two_replicas_that_pause_at_the_same_time_one_asks_the_engine(post, workflows, sidecar):
    workflows.put()

    def other_replica(method: str, key: str) -> None:
        if (method, key) == ("save_state", "switch_123"):
            sidecar.before = lambda *_: None
            sidecar.save_state(key, {"wanted": "SUSPENDED", "step": "claimed"})

    sidecar.before = other_replica
    assert post("/pause-order")[0] == 409
    assert workflows.calls == []


def test_a_pause_whose_claim_the_store_fails_to_write_is_asked_for_again(post, workflows, sidecar):
    workflows.put()
    sidecar.fail("save_state", EtagMismatch())
    assert post("/pause-order")[0] == 503
    assert workflows.calls == []
    assert post("/pause-order") == PAUSED


def test_a_pause_whose_claim_is_written_though_the_store_says_no_goes_on(post, workflows, sidecar):
    workflows.put()
    sidecar.refuse_what_is_written()
    assert post("/pause-order") == PAUSED
    assert workflows.names() == ["pause"]


@pytest.mark.parametrize(
    ("step", "answer", "calls"), [("claimed", 200, ["pause"]), ("asked", 503, [])]
)
def test_a_pause_whose_replica_died_is_asked_for_again_only_if_it_was_not_before(
    post, workflows, sidecar, step, answer, calls
):
    workflows.put()
    sidecar.save_state("switch_123", {"wanted": "SUSPENDED", "step": step})
    assert post("/pause-order")[0] == answer
    assert workflows.names() == calls


def test_an_order_that_was_resumed_by_other_means_is_paused_again(post, workflows):
    workflows.put()
    assert post("/pause-order") == PAUSED
    workflows.put("RUNNING")
    assert post("/pause-order") == PAUSED


def test_an_order_that_ends_instead_of_pausing_is_a_conflict(post, workflows):
    workflows.put()
    workflows.pause = lambda order_id: workflows.put("COMPLETED")
    assert post("/pause-order")[0] == 409


def test_an_order_that_has_not_begun_is_not_paused_yet(post, workflows):
    workflows.put("PENDING")
    assert post("/pause-order")[0] == 503
    assert workflows.calls == []


@pytest.mark.parametrize("body", [{}, {"order_id": 123}, {"order_id": "123", "force": True}])
def test_a_body_that_cannot_be_used_is_refused(client, body):
    answer = client.post("/pause-order", json=body)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


@pytest.fixture
def running(workflows):
    workflows.put(input={"order": ORDER})


def said(sidecar):
    return [(each.event_id, each.status.value, each.by) for each in sidecar.published]


def test_who_paused_and_resumed_is_told_each_time(client_as_ann, running, sidecar):
    for path in ("/pause-order", "/resume-order") * 2:
        assert client_as_ann(path) == 200
    assert said(sidecar) == [
        ("123:paused", "paused", "Ann"),
        ("123:resumed", "resumed", "Ann"),
        ("123:paused:1:2", "paused", "Ann"),
        ("123:resumed:1:2", "resumed", "Ann"),
    ]


def test_a_pause_that_could_not_be_told_is_told_by_who_asks_next(
    client_as_ann, post, running, workflows, sidecar
):
    sidecar.fail("publish", SidecarUnavailable())
    assert client_as_ann("/pause-order") == 503
    assert workflows.names() == ["pause"]
    assert post("/pause-order")[0] == 409
    assert said(sidecar) == [("123:paused", "paused", "Ann")]
    assert post("/resume-order") == RESUMED
    assert said(sidecar)[1:] == [("123:resumed", "resumed", None)]


def test_a_pause_whose_replica_died_is_told_as_it_was_wanted(post, running, workflows, sidecar):
    at, counts = "2026-01-01T12:00:00.000Z", {"SUSPENDED": 3, "RUNNING": 2}
    asked = {"wanted": "SUSPENDED", "step": "asked", "by": "Ann", "at": at, "counts": counts}
    sidecar.save_state("switch_123", asked)
    workflows.put("SUSPENDED", input={"order": ORDER})
    assert post("/resume-order") == RESUMED
    assert [event.at == at for event in sidecar.published] == [True, False]
    assert said(sidecar) == [
        ("123:paused:1:3", "paused", "Ann"),
        ("123:resumed:1:3", "resumed", None),
    ]


def test_a_record_from_before_names_were_kept_goes_on(post, running, workflows, sidecar):
    workflows.put("SUSPENDED", input={"order": ORDER})
    sidecar.save_state("switch_123", {"wanted": "SUSPENDED", "step": "asked", "writer": "x"})
    assert post("/resume-order") == RESUMED
    assert sidecar.statuses == ["paused", "resumed"]
