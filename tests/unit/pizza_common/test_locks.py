import threading

import pytest

from pizza_common.locks import KeyLocks


def test_one_key_is_worked_on_by_one_thread_at_a_time_and_then_forgotten():
    locks, inside, most = KeyLocks(), [], []

    def work():
        with locks.held("a"):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20
    assert len(locks) == 0


def test_another_key_does_not_wait():
    locks = KeyLocks()
    with locks.held("a"), locks.held("b"):
        assert len(locks) == 2


def test_a_lock_is_given_back_after_a_failure():
    locks = KeyLocks()
    with pytest.raises(RuntimeError), locks.held("a"):
        raise RuntimeError
    assert len(locks) == 0
