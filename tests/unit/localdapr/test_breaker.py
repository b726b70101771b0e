"""Circuit breakers open, let a few requests try, and close again, as Dapr's do."""

import pytest

from localdapr.breaker import COUNTS, REMEMBERED, Breaker, BreakerOpenError, Circuit, Circuits
from localdapr.routing import Condition


def a_breaker(trip: str = "consecutiveFailures >= 3", interval: float = 0.0) -> Breaker:
    return Breaker(max_requests=2, interval=interval, timeout=5.0, trip=Condition(trip, COUNTS))


def ask(circuit: Circuit, *outcomes: bool, now: float = 0.0) -> None:
    for succeeded in outcomes:
        circuit.end(circuit.begin(now), succeeded, now)


def is_refused(circuit: Circuit, now: float) -> bool:
    try:
        circuit.end(circuit.begin(now), True, now)
    except BreakerOpenError:
        return True
    return False


def test_it_opens_after_so_many_failures_in_a_row_and_no_sooner() -> None:
    circuit = Circuit(a_breaker())
    ask(circuit, False, False, True, False, False)
    assert not is_refused(circuit, 0.0)
    ask(circuit, False, False, False)
    assert is_refused(circuit, 4.9)


def test_after_its_time_a_few_may_try_and_their_success_closes_it() -> None:
    circuit = Circuit(a_breaker())
    ask(circuit, False, False, False)
    tries = [circuit.begin(5.0), circuit.begin(5.0)]
    with pytest.raises(BreakerOpenError, match="too many requests"):
        circuit.begin(5.0)
    for period in tries:
        circuit.end(period, True, 5.1)
    ask(circuit, False, False, now=5.2)
    assert not is_refused(circuit, 5.2)


def test_a_failure_of_one_that_tries_opens_it_again() -> None:
    circuit = Circuit(a_breaker())
    ask(circuit, False, False, False)
    ask(circuit, False, now=5.0)
    assert is_refused(circuit, 9.9)
    assert not is_refused(circuit, 10.0)


def test_what_began_before_it_opened_does_not_count_afterwards() -> None:
    circuit = Circuit(a_breaker())
    early = circuit.begin(0.0)
    ask(circuit, False, False, False)
    tries = circuit.begin(5.0)
    circuit.end(early, False, 5.1)
    circuit.end(tries, True, 5.2)
    assert not is_refused(circuit, 5.3)


def test_failures_of_an_earlier_interval_are_forgotten() -> None:
    circuit = Circuit(a_breaker(interval=10.0))
    ask(circuit, False, False, now=1.0)
    ask(circuit, False, False, now=12.0)
    assert not is_refused(circuit, 12.0)


def test_it_may_trip_on_totals() -> None:
    circuit = Circuit(a_breaker("requests >= 4 && totalFailures > totalSuccesses"))
    ask(circuit, False, True, False)
    assert not is_refused(circuit, 0.0)
    ask(circuit, False)
    assert is_refused(circuit, 0.0)


def test_each_path_has_its_own_and_the_oldest_are_forgotten() -> None:
    circuits, policy = Circuits(), a_breaker()
    ask(circuits.of(policy, "kitchen", "/cook"), False, False, False)
    assert is_refused(circuits.of(policy, "kitchen", "/cook"), 0.0)
    assert not is_refused(circuits.of(policy, "kitchen", "/stock"), 0.0)
    for number in range(REMEMBERED):
        circuits.of(policy, "kitchen", f"/orders/{number}")
    assert not is_refused(circuits.of(policy, "kitchen", "/cook"), 0.0)
