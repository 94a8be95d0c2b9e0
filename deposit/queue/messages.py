"""Which pieces of due work go out in one message, and which wait for the next.

Light work on small packages that is sent for the first time is named in groups, in the order in which the dispatcher
dealt it, so that each client keeps its turns. A group that is not full goes out only while workers may be without work:
so it grows as long as all are busy, and what comes alone goes out at once. What was sent or claimed before (put off,
given back, passed over by a worker) goes out by itself, and so does everything while no worker has told that it lives.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deposit.queue import registry
from deposit.queue.lanes import Lane, Load
from deposit.queue.registry import Kind

# More bytes than this in the packages of its deposit, and work goes alone.
SMALL_BYTES = 1024 * 1024

# Gives one message to the broker: called with a `Kind`, the first key, and the further ones.
Send = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Due:
    """Work whose message is to be sent."""

    id: int
    kind: Kind
    key: str
    attempts: int
    sends: int
    token: int
    recalled: bool
    lane: Lane
    small: bool = True

    @property
    def is_new(self) -> bool:
        """Whether it was never sent, nor claimed. (A worker of the version before drops a message of several keys.)"""
        return not (self.sends or self.token or self.attempts)


def with_groups(
    rooms: Mapping[Lane, int], loads: Mapping[Lane, Load], hands: Mapping[str, int]
) -> dict[Lane, int]:
    """The room in each lane: enough for one whole group where its queue takes groups."""
    wide = dict(rooms)
    for kind in registry.KINDS.values():
        lane = Lane(kind.queue)
        if kind.together and hands.get(kind.queue):
            wide[lane] = max(wide.get(lane, 0), kind.together() - loads.get(lane, Load()).out)
    return wide


def messages_of(
    due: Sequence[Due], rooms: Mapping[Lane, int], loads: Mapping[Lane, Load], hands: Mapping[str, int]
) -> tuple[list[list[Due]], bool]:
    """The messages for what is due, in its order; and whether some of it is held back for a later round.

    ``rooms``: for how many pieces each lane has room that go by themselves.
    """
    messages: list[list[Due]] = []
    growing: dict[tuple[Lane, str], list[Due]] = {}
    alone: Counter[Lane] = Counter()
    for each in due:
        most = _together(each, hands)
        if most == 1:
            alone[each.lane] += 1
            if alone[each.lane] <= rooms[each.lane]:
                messages.append([each])
            continue
        group = growing.setdefault((each.lane, each.kind.name), [])
        if not group:
            messages.append(group)
        group.append(each)
        if len(group) >= most:
            del growing[each.lane, each.kind.name]
    sent = _without_needless(messages, list(growing.values()), loads, hands)
    return sent, sum(map(len, sent)) < len(due)


def _together(each: Due, hands: Mapping[str, int]) -> int:
    if (
        each.kind.together is None
        or each.lane.heavy
        or not (each.small and each.is_new)
        or not hands.get(each.lane.queue)
    ):
        return 1
    return max(1, each.kind.together())


def _without_needless(
    messages: Sequence[list[Due]],
    growing: Sequence[list[Due]],
    loads: Mapping[Lane, Load],
    hands: Mapping[str, int],
) -> list[list[Due]]:
    """Leave out groups that can still grow where no worker is without work, and all that comes after them in turn."""
    partial = {id(group) for group in growing}
    out = {lane: load.out for lane, load in loads.items()}
    closed: set[Lane] = set()
    sent = []
    for message in messages:
        lane = message[0].lane
        if id(message) in partial and out.get(lane, 0) >= hands[lane.queue]:
            closed.add(lane)
        if lane not in closed:
            sent.append(message)
            out[lane] = out.get(lane, 0) + len(message)
    return sent
