"""Whether the processor time of something grows with its length, or with the square of it.

No clock on the wall and no bound that a slow machine misses: the same work is done on a text and on one four times as
long, in this thread's processor time, the best of several tries. Four times the text may take four times as long; work
that grows with the square takes sixteen times as long.
"""

import time
from collections.abc import Callable

# Between four and sixteen. What takes less than this many seconds at its longest is not looked at closer.
_MOST = 8.0
_NOTHING = 0.003
_ROUNDS = 6
_TRIES = 3


def processor_seconds(work: Callable[[], object]) -> float:
    """The least processor time of this thread for doing this."""
    best = float("inf")
    for _ in range(_TRIES):
        began = time.thread_time()
        work()
        best = min(best, time.thread_time() - began)
    return best


def grows_too_fast(work: Callable[[int], Callable[[], object]], longest: int) -> str:
    """What is wrong with the cost of ``work``; '' when nothing is.

    ``work(length)`` makes what is to be done for a text of this length; it is not timed itself.
    """
    short = long = nothing = float("inf")
    for _ in range(_ROUNDS):
        long = min(long, processor_seconds(work(longest)))
        nothing = min(nothing, processor_seconds(work(1)))
        if long - nothing < _NOTHING:
            return ""
        short = min(short, processor_seconds(work(longest // 4)))
        if long - nothing < _MOST * (short - nothing):
            return ""
    return (
        f"{longest // 4} characters take {short - nothing:.4f} s, four times as many {long - nothing:.4f} s"
    )
