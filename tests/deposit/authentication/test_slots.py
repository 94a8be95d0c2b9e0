"""A bounded number of slow hashes at once."""

import threading
import time

import pytest

from deposit.authentication.slots import Slots, Tarpit
from deposit.refusals import Refusal


def test_a_full_line_sends_away_at_once() -> None:
    slots = Slots(running=1, waiting=0, seconds=5)
    with slots.one(), pytest.raises(Refusal) as refused, slots.one():
        pass
    assert (refused.value.code, refused.value.retry_after) == ("auth.busy", 5)
    with slots.one():
        pass


def test_never_more_run_than_may() -> None:
    slots = Slots(running=2, waiting=10, seconds=5)
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
