from datetime import UTC, datetime, timedelta

import pytest

from pizza_common.errors import Conflict, PeerUnavailable, SidecarUnavailable
from pizza_common.event import moment
from switch_record import Switch, SwitchRecords
from tests.unit.services import ORDER, an_order
from validation_slip import ValidationSlips

RECORDS = "records/123"
OF_JOHN = f"{RECORDS}?customer=john-doe.5550123"
FORGOTTEN = (200, {"order_id": "123", "status": "forgotten"})


@pytest.fixture(autouse=True)
def peers_that_forget(sidecar):
    sidecar.peers |= {RECORDS: {}, OF_JOHN: {}}


@pytest.fixture
def asked(sidecar):
    """The services that were asked to forget, in order."""
    asked = []

    def before(method, key):
        if method == "invoke":
            asked.append(key.partition("/")[0])

    sidecar.before = before
    return asked


def ended(post, workflows, status="COMPLETED"):
    post("/start-order", ORDER)
    workflows.put(status)
    workflows.calls.clear()


def test_an_order_that_is_over_is_forgotten_by_all_and_by_the_order_book_last(
    post, workflows, sidecar, asked
):
    ended(post, workflows)
    assert post("/forget-order") == FORGOTTEN
    assert asked == [
        "pizza-kitchen",
        "pizza-delivery",
        "pizza-storefront",
        "pizza-loyalty",
        "pizza-order",
    ]
    assert workflows.names() == ["purge"]
    assert sidecar.stored() == []


def test_the_decision_and_the_last_pause_are_forgotten(post, workflows, sidecar):
    ended(post, workflows)
    ValidationSlips(sidecar).open("123", 1)
    with SwitchRecords(sidecar).claimed("123", Switch("SUSPENDED"), ""):
        pass
    assert len(sidecar.stored()) == 3
    assert post("/forget-order") == FORGOTTEN
    assert sidecar.stored() == []


def test_what_was_forgotten_is_started_again_also_with_other_content(post, workflows):
    ended(post, workflows)
    post("/forget-order")
    assert post("/start-order", an_order(size="small"))[0] == 200
    assert workflows.instances["123"].order["size"] == "small"


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "SUSPENDED"])
def test_an_order_on_which_a_workflow_works_is_not_forgotten(post, workflows, asked, status):
    ended(post, workflows, status)
    assert post("/forget-order")[0] == 409
    assert (asked, workflows.calls) == ([], [])


def test_an_order_that_only_the_book_has_is_forgotten_and_one_that_nobody_has_is_not_found(post):
    assert post("/forget-order")[0] == 404
    assert post("/forget-order", {"order_id": "123", "order": ORDER}) == FORGOTTEN


@pytest.mark.parametrize("away", range(5))
def test_a_forgetting_that_failed_anywhere_is_finished_by_the_next(post, workflows, sidecar, away):
    ended(post, workflows)
    sidecar.fail("invoke", PeerUnavailable(), after=away)
    assert post("/forget-order")[0] == 503
    assert post("/forget-order") == FORGOTTEN
    assert sidecar.stored() == []


def test_a_forgetting_that_failed_is_finished_by_the_next_start(post, workflows, sidecar):
    ended(post, workflows)
    sidecar.fail("invoke", PeerUnavailable(), after=2)
    assert post("/forget-order")[0] == 503
    assert post("/start-order", an_order(size="small"))[0] == 200
    assert workflows.names() == ["purge", "start"]
    assert sidecar.get_state("request_123")[0]["started"] is True


def test_a_workflow_that_the_engine_keeps_back_leaves_its_order_as_it_was(
    post, workflows, sidecar, asked
):
    ended(post, workflows, "TERMINATED")
    before = sidecar.stored(), sidecar.get_state("request_123")
    workflows.fails = Conflict()
    assert post("/forget-order")[0] == 409
    assert (sidecar.stored(), sidecar.get_state("request_123")) == before
    assert asked == []


def seconds_ago(seconds):
    return moment(datetime.now(UTC) - timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("record", "since", "status"),
    [
        ({"started": True}, {"forgetting": 1}, 503),
        ({"started": True}, {"forgetting": 3600}, 200),
        ({"started": False}, {"at": 1}, 503),
        ({"started": False}, {"at": 3600}, 200),
        ({"started": False}, {}, 200),  # of the version before
    ],
)
def test_a_replica_that_works_on_the_record_is_left_to_it_until_it_must_have_died(
    post, workflows, sidecar, record, since, status
):
    times = {name: seconds_ago(seconds) for name, seconds in since.items()}
    sidecar.save_state("request_123", {"order": ORDER, **record, **times})
    workflows.put("COMPLETED")
    assert post("/forget-order")[0] == status
    assert workflows.names() == (["purge"] if status == 200 else [])


def test_an_order_whose_start_was_not_noted_is_not_run_again_when_its_forgetting_breaks_off(
    post, workflows, sidecar
):
    sidecar.save_state("request_123", {"order": ORDER, "started": False})
    workflows.put("COMPLETED")
    # The first write notes the start, the second begins the forgetting.
    sidecar.fail("save_state", SidecarUnavailable(), after=1)
    assert post("/forget-order")[0] == 503
    assert post("/start-order", ORDER)[0] == 200
    assert workflows.names() == ["purge"]


def test_a_start_keeps_away_from_a_forgetting_of_another_replica(post, workflows, sidecar):
    record = {"order": ORDER, "started": True, "forgetting": seconds_ago(1)}
    sidecar.save_state("request_123", record)
    assert post("/start-order", ORDER)[0] == 503
    assert workflows.calls == []


def test_a_start_that_comes_between_looking_and_forgetting_is_first(app, workflows, sidecar):
    post = app.test_client().post
    started = []

    def start_meanwhile(method, key):
        if method == "save_state" and key == "request_123" and not started:
            started.append(key)
            other = {"order": ORDER, "started": True}
            sidecar.save_state("request_123", other)
            workflows.put("RUNNING")

    sidecar.before = start_meanwhile
    answer = post("/forget-order", json={"order_id": "123", "order": ORDER})
    assert answer.status_code == 409


def test_an_order_that_was_started_below_http_is_forgotten_too(post, workflows, sidecar):
    workflows.put("COMPLETED")
    assert post("/forget-order", {"order_id": "123", "order": ORDER}) == FORGOTTEN
    assert (workflows.names(), sidecar.stored()) == (["purge"], [])
