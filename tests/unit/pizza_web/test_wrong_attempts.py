from tests.unit.clock import Clock
from wrong_attempts import WITHIN_SECONDS, WRONG_ATTEMPTS, WrongAttempts


def test_who_was_wrong_too_often_waits_and_nobody_else_does():
    clock = Clock()
    attempts = WrongAttempts(clock)
    for _ in range(WRONG_ATTEMPTS):
        assert attempts.wait_seconds("a") == 0
        attempts.add("a")
    assert attempts.wait_seconds("a") == WITHIN_SECONDS
    assert attempts.wait_seconds("b") == 0
    clock.now += WITHIN_SECONDS
    assert attempts.wait_seconds("a") == 0


def test_what_is_remembered_has_an_end():
    attempts = WrongAttempts(Clock())
    for _ in range(WRONG_ATTEMPTS):
        attempts.add("first")
    for number in range(1000):
        attempts.add(str(number))
    assert attempts.wait_seconds("first") == 0
