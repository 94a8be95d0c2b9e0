"""The kinds of work there are. Each is registered once, by the application whose work it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from deposit.models import WorkItem
from deposit.queue.claims import Claim
from deposit.queue.policies import Policy


class Taking(Enum):
    """What a kind says to a claim."""

    YES = "it is taken up"
    GONE = "nobody wants it any more: the row goes"


@dataclass(frozen=True, slots=True)
class Later:
    """Not now: what it needs is in use. ``seconds``: until it is offered again."""

    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of work: the Celery task that does it, the queue of its messages, how it is tried again.

    The task takes the work's key. ``light_seconds``: what takes longer counts as heavy, and goes to the lane for such
    work; None where it never does. ``yields``: then it begins anew there if light work of others waits: fit for work
    that can be begun twice at little cost. ``together``: how many light pieces one message may name, where the task
    takes further keys after the first; None where each has a message of its own.

    The hooks run inside the transaction that changes the row, so that what they write holds with it or not at all:
    ``claimed`` when a worker takes it, ``released`` when that worker's lease has passed, ``given_back`` (claim, reason,
    seconds until the next attempt) after a fault, ``exhausted`` when all attempts are used up and the row goes,
    ``cancelled`` when an operator strikes it (never, where it is not ``cancellable``). ``heal`` looks, outside of
    these, for work that should be open and is not, asks for it, and tells how much that was; a call does a bounded
    amount of it. ``produce`` makes work of what others have only written down; it is called every second or two, so it
    finds out cheaply that there is nothing.
    """

    name: str
    task: str
    queue: str
    policy: Policy
    light_seconds: float | None = None
    yields: bool = False
    together: Callable[[], int] | None = None
    claimed: Callable[[Claim], Taking | Later] | None = None
    released: Callable[[WorkItem], None] | None = None
    given_back: Callable[[Claim, str, float], None] | None = None
    exhausted: Callable[[WorkItem], None] | None = None
    heal: Callable[[], int] | None = None
    produce: Callable[[], int] | None = None
    cancellable: bool = True
    cancelled: Callable[[WorkItem], None] | None = None


class UnknownKind(LookupError):
    """A kind of work that no application has registered."""


_kinds: dict[str, Kind] = {}
KINDS: Mapping[str, Kind] = MappingProxyType(_kinds)


def register(kind: Kind) -> Kind:
    """Make a kind known. Twice is well; raises `ValueError` for another kind of the same name."""
    if _kinds.setdefault(kind.name, kind) != kind:
        raise ValueError(f"There is another kind of work called '{kind.name}'.")
    return kind


def get(name: str) -> Kind:
    """A kind by its name. Raises `UnknownKind`."""
    try:
        return _kinds[name]
    except KeyError:
        raise UnknownKind(f"There is no kind of work called '{name}'.") from None
