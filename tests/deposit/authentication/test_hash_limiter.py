"""A bounded number of slow hashes at once."""

import threading
import time

import pytest

from deposit.authentication.hash_limiter import HashLimiter, SingleFlight, Tarpit
from deposit.refusals import Refusal


def test_a_full_line_sends_away_at_once() -> None:
    slots = HashLimiter(running=1, waiting=0, seconds=5)
    with slots.one(), pytest.raises(Refusal) as refused, slots.one():
        pass
    assert (refused.value.code, refused.value.retry_after) == ("auth.busy", 5)
    with slots.one():
        pass


def test_regulars_wait_beside_a_line_that_is_full() -> None:
    slots, served = HashLimiter(running=1, waiting=0, seconds=5), threading.Event()

    def come() -> None:
        with slots.one(regular=True):
            served.set()

    with slots.one():
        regular = threading.Thread(target=come)
        regular.start()
        assert not served.wait(0.1)
    regular.join()
    assert served.is_set()


def test_those_who_ask_the_same_at_once_share_the_answer() -> None:
    shared: SingleFlight[object] = SingleFlight()
    throttle, go, asked, told = threading.Barrier(6), threading.Event(), [], []

    def find() -> object:
        asked.append(1)
        go.wait()
        return object()

    def ask() -> None:
        throttle.wait()
        told.append(shared.answer("question", find))

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    throttle.wait()
    while not asked:
        time.sleep(0.001)
    other = shared.answer("another", object)
    time.sleep(0.1)
    go.set()
    for thread in threads:
        thread.join()
    assert (len(asked), len(told), len(set(map(id, told)))) == (1, 5, 1)
    assert other not in told


def test_a_shared_refusal_is_everybodys_and_is_not_kept() -> None:
    shared: SingleFlight[int] = SingleFlight()

    def refuse() -> int:
        raise ValueError

    with pytest.raises(ValueError):
        shared.answer("question", refuse)
    assert shared.answer("question", lambda: 1) == 1


def test_never_more_run_than_may() -> None:
    slots = HashLimiter(running=2, waiting=10, seconds=5)
    now, most, lock, served = 0, 0, threading.Lock(), []

    def hash_slowly() -> None:
        nonlocal now, most
        with slots.one():
            with lock:
                now += 1
                most = max(most, now)
            threading.Event().wait(0.02)
            with lock:
                now -= 1
                served.append(1)

    threads = [threading.Thread(target=hash_slowly) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, len(served)) == (2, 8)


def test_guessers_wait_but_never_more_than_so_many() -> None:
    tarpit, waited = Tarpit(places=1, seconds=0.2), []

    def guess() -> None:
        began = time.monotonic()
        tarpit.wait()
        waited.append(time.monotonic() - began >= 0.2)

    threads = [threading.Thread(target=guess) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waited) == [False, False, True]
