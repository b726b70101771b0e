import pytest

from pizza_common.errors import Gone, NotFound
from pizza_common.sign_in_link import LINK_SECONDS, read_ticket, sign_in_path, use_up
from pizza_common.signing import timed
from pizza_common.staff import STAFF
from tests.unit.fake_sidecar import FakeSidecar

SECRET = "a secret of sixteen"


def ticket_of(path):
    return path.removeprefix("/sign-in/")


@pytest.fixture
def later(monkeypatch):
    """Lets what is signed be read so many seconds later."""
    import itsdangerous.timed

    now = itsdangerous.timed.time.time

    def set_later(seconds):
        monkeypatch.setattr(itsdangerous.timed.time, "time", lambda: now() + seconds)

    return set_later


@pytest.mark.parametrize("role", STAFF)
def test_a_link_is_good_for_its_role_and_no_other_link_is_the_same(role):
    links = [sign_in_path(SECRET, role) for _ in range(2)]
    tickets = [read_ticket(SECRET, ticket_of(link)) for link in links]
    assert {ticket.role for ticket in tickets} == {role}
    assert len({ticket.id for ticket in tickets}) == 2


def test_a_ticket_is_used_once_also_by_two_replicas():
    store = FakeSidecar()
    ticket = read_ticket(SECRET, ticket_of(sign_in_path(SECRET, "manager")))
    use_up(store, ticket)
    with pytest.raises(Gone, match="works once"):
        use_up(store, ticket)
    assert store.ttls[f"sign_in_{ticket.id}"] > LINK_SECONDS


def test_a_link_gets_too_old(later):
    ticket = ticket_of(sign_in_path(SECRET, "kitchen"))
    later(LINK_SECONDS - 5)
    assert read_ticket(SECRET, ticket).role == "kitchen"
    later(LINK_SECONDS + 5)
    with pytest.raises(Gone, match="older than 15 minutes"):
        read_ticket(SECRET, ticket)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "nonsense",
        ticket_of(sign_in_path("another secret, long", "manager")),
        timed(SECRET, "identity").dumps(["manager", "1"]),
        timed(SECRET, "sign-in-link").dumps(["service", "1"]),
        timed(SECRET, "sign-in-link").dumps({"role": "manager"}),
        ticket_of(sign_in_path(SECRET, "manager"))[:-1],
    ],
)
def test_what_the_shop_did_not_sign_for_this_is_no_link(forged):
    with pytest.raises(NotFound):
        read_ticket(SECRET, forged)


@pytest.mark.parametrize("role", ["service", "customer"])
def test_nobody_signs_in_as_a_service_or_a_customer(role):
    with pytest.raises(ValueError, match=role):
        sign_in_path(SECRET, role)
