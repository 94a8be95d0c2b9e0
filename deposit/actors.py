"""Who acts, through which channel, and with how much of what the user may: every service and selector is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from django.contrib.auth.models import User

from deposit.models import Client


class Channel(StrEnum):
    """The ways in."""

    SWORD = "sword"
    API = "api"
    ARCHIVE = "archive"
    DASHBOARD = "dashboard"
    ADMIN = "admin"
    COMMAND = "command"
    SCHEDULER = "scheduler"
    SOURCE = "source"


class Scope(StrEnum):
    """What a token may be used for; a password is good for all that its user may."""

    READ = "read"
    DEPOSIT = "deposit"
    OPERATE = "operate"


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A user who came in by a channel; `SystemActor` and `AnonymousActor` are those who act without being a user.

    ``owner`` is the client for whom a mediator acts (SWORD 2 section 8); what is deposited belongs to the owner.
    ``places`` are then the collections in which it may.
    """

    user: User | None
    channel: Channel
    address: str = ""
    scopes: frozenset[Scope] = ALL_SCOPES
    token_id: int | None = None
    owner: Client | None = None
    places: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        """No user is a mistake, never a right: who needs none has a class of its own."""
        if (self.user is None) is not isinstance(self, SystemActor | AnonymousActor):
            raise TypeError(f"{type(self).__name__} with user {self.user}")

    def __str__(self) -> str:
        """How the history names the actor."""
        return f"{self.channel}:{self.user.get_username()}" if self.user else str(self.channel)

    @property
    def as_depositor(self) -> str:
        """How the history names whoever deposits, under mediation with the client for whom."""
        on_behalf = f" on behalf of {self.owner}" if self.owner else ""
        return f"client:{self.own_client}{on_behalf}"

    @property
    def via(self) -> dict[str, object]:
        """How the actor got in, for the audit; never a secret. What does not apply is left out."""
        # Channels are called doors in what is written and exported already, which is never written anew.
        told: dict[str, object] = {"door": str(self.channel), "address": self.address, "token": self.token_id}
        told["user"] = self.user.get_username() if self.user else None
        told["on_behalf_of"] = str(self.owner) if self.owner else None
        return {name: value for name, value in told.items() if value}

    @cached_property
    def own_client(self) -> Client | None:
        """The depositor that the user is; None for users that only read, operate or administer."""
        return None if self.user is None else getattr(self.user, "client", None)

    @property
    def client(self) -> Client | None:
        """The client whose deposits these are: the owner's under mediation, else the user's own."""
        return self.owner or self.own_client


@dataclass(frozen=True, kw_only=True)
class SystemActor(Actor):
    """Who acts without logging in: an operator at the command line, or the service itself. May everything."""

    user: None = field(default=None, init=False)


@dataclass(frozen=True, kw_only=True)
class AnonymousActor(Actor):
    """Who reads without logging in. May read what is public."""

    user: None = field(default=None, init=False)
    scopes: frozenset[Scope] = frozenset({Scope.READ})


def system_actor(channel: Channel) -> SystemActor:
    """The service itself, or an operator at the command line."""
    return SystemActor(channel=channel)


_current: ContextVar[Actor | None] = ContextVar("deposit_actor", default=None)


def current_actor() -> Actor | None:
    """Who acts now; None in workers, where nobody does. Read by the audit, never to decide who may what."""
    return _current.get()


def request_context() -> dict[str, object]:
    """How whoever acts now got in; empty in workers."""
    actor = _current.get()
    return actor.via if actor else {}


def become(actor: Actor) -> None:
    """From here to the end of the surrounding ``acting`` this is who acts."""
    _current.set(actor)


@contextmanager
def acting(actor: Actor | None) -> Iterator[None]:
    """Whoever acts inside, nobody of them does afterwards: threads serve one client after the other."""
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)
