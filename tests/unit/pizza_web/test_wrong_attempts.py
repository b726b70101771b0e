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


def test_the_wait_is_counted_from_the_first_of_the_last_wrong_attempts():
    clock = Clock()
    attempts = WrongAttempts(clock)
    for _ in range(WRONG_ATTEMPTS):
        attempts.add("a")
        clock.now += 10
    assert attempts.wait_seconds("a") == WITHIN_SECONDS - 10 * WRONG_ATTEMPTS


def test_what_is_remembered_has_an_end():
    attempts = WrongAttempts(Clock())
    for _ in range(WRONG_ATTEMPTS):
        attempts.add("first")
    for number in range(1000):
        attempts.add(str(number))
    assert attempts.wait_seconds("first") == 0


def test_who_was_wrong_just_now_is_remembered_before_others():
    attempts = WrongAttempts(Clock())
    attempts.add("guesser")
    for number in range(999):
        attempts.add(str(number))
    for _ in range(WRONG_ATTEMPTS):
        attempts.add("guesser")
    attempts.add("another")
    assert attempts.wait_seconds("guesser") == WITHIN_SECONDS
