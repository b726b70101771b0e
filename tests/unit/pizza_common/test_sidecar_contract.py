"""What the services rely on, held against the real Sidecar and against the tests' fake."""

import json

import grpc
import pytest

from pizza_common.errors import EtagMismatch, SidecarUnavailable
from pizza_common.event import OrderEvent
from pizza_common.order import Order
from pizza_common.settings import Settings
from pizza_common.sidecar import FOR_EVER, Sidecar
from pizza_common.status import Status
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.pizza_common.stub_dapr import RunningDapr, StubDapr
from tests.unit.services import ORDER

EVENT = OrderEvent.announce(Order.model_validate(ORDER), Status.COOKED, "pizza-kitchen")


@pytest.fixture
def dapr():
    with RunningDapr(StubDapr()) as running:
        yield running


def connected(dapr):
    return Sidecar(Settings(dapr_http_port=dapr.http_port, dapr_grpc_port=dapr.grpc_port))


@pytest.fixture
def real(dapr):
    sidecar = connected(dapr)
    yield sidecar
    sidecar.close()


@pytest.fixture(params=["real", "fake"])
def either(request):
    return request.getfixturevalue("real") if request.param == "real" else FakeSidecar()


def test_a_key_that_is_not_there_is_none(either):
    assert either.get_state("a") == (None, "")
    assert either.get_states(["a"]) == {}
    assert either.get_states([]) == {}


def test_what_was_saved_is_read_with_an_etag_that_changes(either):
    either.save_state("a", {"n": 1})
    value, etag = either.get_state("a")
    assert value == {"n": 1}
    either.save_state("a", {"n": 2}, etag)
    assert either.get_state("a")[0] == {"n": 2}
    assert either.get_state("a")[1] != etag
    assert either.get_states(["a", "b"]) == {"a": {"n": 2}}


def test_a_key_is_created_once(either):
    either.save_state("a", {"n": 1})
    with pytest.raises(EtagMismatch):
        either.save_state("a", {"n": 2})


def test_an_old_etag_is_refused(either):
    either.save_state("a", {"n": 1})
    _, etag = either.get_state("a")
    either.save_state("a", {"n": 2}, etag)
    with pytest.raises(EtagMismatch):
        either.save_state("a", {"n": 3}, etag)
    assert either.get_state("a")[0] == {"n": 2}


def test_a_key_is_deleted_as_long_as_it_has_its_etag(either):
    either.delete_state("a", "")
    either.save_state("a", {"n": 1})
    _, etag = either.get_state("a")
    either.save_state("a", {"n": 2}, etag)
    with pytest.raises(EtagMismatch):
        either.delete_state("a", etag)
    either.delete_state("a", either.get_state("a")[1])
    assert either.get_state("a") == (None, "")
    either.save_state("a", {"n": 3})


def test_a_key_that_shall_expire_says_so_and_any_other_keeps_what_it_has(real, dapr):
    real.save_state("a", {"n": 1}, ttl=60)
    assert dapr.stub.ttls == {"a": "60"}
    real.save_state("a", {"n": 2}, real.get_state("a")[1])
    assert dapr.stub.ttls == {"a": "60"}
    real.save_state("a", {"n": 3}, real.get_state("a")[1], FOR_EVER)
    assert dapr.stub.ttls == {"a": "-1"}


def test_it_is_ready_and_may_be_closed_twice(either):
    assert either.is_ready()
    either.close()
    either.close()


def test_its_worker_is_there_when_the_sidecar_counts_it(real, dapr):
    assert not real.has_worker()
    dapr.metadata["workflows"] = {"connectedWorkers": 0}
    assert not real.has_worker()
    dapr.metadata["workflows"] = {"connectedWorkers": 1}
    assert real.has_worker()


def test_an_event_is_published_as_json_under_its_own_id(real, dapr):
    real.publish(EVENT)
    sent = dapr.stub.published[0]
    assert (sent.pubsub_name, sent.topic) == ("pizzapubsub", "orders")
    assert sent.data_content_type == "application/json"
    assert sent.metadata["cloudevent.id"] == "123:cooked"
    assert json.loads(sent.data)["order"] == ORDER


@pytest.mark.parametrize(
    "code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
)
def test_every_failure_of_the_sidecar_is_translated(real, dapr, code):
    dapr.stub.broken = code
    with pytest.raises(SidecarUnavailable, match="so it is"):
        real.get_state("a")
    dapr.stub.broken = None
    assert real.get_state("a") == (None, "")


def test_a_sidecar_that_comes_back_is_found_at_once():
    stub = StubDapr()
    with RunningDapr(stub) as first:
        sidecar = connected(first)
        sidecar.save_state("a", {"n": 1})
    for _ in range(2):
        with pytest.raises(SidecarUnavailable):
            sidecar.get_state("a")
    assert not sidecar.is_ready()
    assert not sidecar.has_worker()
    with RunningDapr(stub, first.http_port, first.grpc_port):
        assert sidecar.get_state("a")[0] == {"n": 1}
        sidecar.close()
    with pytest.raises(SidecarUnavailable):
        sidecar.get_state("a")
