"""Who may what: one table, role by operation, and the questions that services, selectors and doors ask it.

A foreign deposit does not exist: whoever may not read it gets the same 404 as for a number that nobody has.
``docs/reference/roles.md`` is generated from this table.
"""

from collections.abc import Mapping
from enum import StrEnum

from django.db.models import Q, QuerySet

from deposit.actors import Actor, Channel, Scope, SystemActor
from deposit.models import (
    Client,
    Collection,
    Curatorship,
    DailyStatistics,
    Deposit,
    Membership,
    Status,
    Withdrawal,
    is_withdrawn,
)
from deposit.refusals import Kind, Refusal, Withdrawn

# No identity column counts further; a larger number in an address is nobody's.
LARGEST_ID = 2**63 - 1
UNKNOWN_DEPOSIT = "deposit.unknown"


class Role(StrEnum):
    """What somebody is; one user may be several, and is anybody too."""

    ANYBODY = "anybody"
    DEPOSITOR = "depositor"
    SOURCE = "source"
    CURATOR = "curator"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class Operation(StrEnum):
    """What can be done."""

    DEPOSIT = "deposit"
    CHANGE = "change"
    READ = "read"
    READ_CONTENT = "read content"
    READ_ARCHIVED = "read archived"
    RECHECK = "recheck"
    RESCHEDULE = "reschedule"
    EXPIRE = "expire"
    SEE_QUEUES = "see queues"
    ADMINISTER = "administer"
    READ_AUDIT = "read audit"
    REQUEST_DELETION = "request deletion"
    REVIEW_DELETION = "review deletion"
    REQUEST_ERASURE = "request erasure"
    REVIEW_ERASURE = "review erasure"


class Reach(StrEnum):
    """On which objects a role may do an operation."""

    MEMBER = "collections of which one is a member"
    OWN = "one's own deposits"
    CURATED = "deposits of the collections that one curates"
    OPEN = "deposits of collections that are not closed"
    PUBLIC = "deposits of public collections that are done"
    ALL = "everything"


_O = Operation
TABLE: Mapping[Role, Mapping[Operation, Reach]] = {
    Role.ANYBODY: {
        _O.READ_ARCHIVED: Reach.PUBLIC,
    },
    Role.DEPOSITOR: {
        _O.DEPOSIT: Reach.MEMBER,
        _O.CHANGE: Reach.OWN,
        _O.READ: Reach.OWN,
        _O.READ_CONTENT: Reach.OWN,
        _O.READ_ARCHIVED: Reach.OWN,
        _O.REQUEST_DELETION: Reach.OWN,
    },
    Role.SOURCE: {
        _O.DEPOSIT: Reach.MEMBER,
        _O.CHANGE: Reach.OWN,
        _O.READ: Reach.OWN,
    },
    Role.CURATOR: {
        _O.READ: Reach.CURATED,
        _O.READ_CONTENT: Reach.CURATED,
        _O.READ_ARCHIVED: Reach.CURATED,
        _O.RECHECK: Reach.CURATED,
        _O.EXPIRE: Reach.CURATED,
        _O.REQUEST_DELETION: Reach.CURATED,
        _O.REVIEW_DELETION: Reach.CURATED,
        _O.REQUEST_ERASURE: Reach.CURATED,
    },
    Role.OPERATOR: {
        _O.READ: Reach.ALL,
        _O.READ_CONTENT: Reach.OPEN,
        _O.READ_ARCHIVED: Reach.OPEN,
        _O.RECHECK: Reach.ALL,
        _O.RESCHEDULE: Reach.ALL,
        _O.EXPIRE: Reach.ALL,
        _O.SEE_QUEUES: Reach.ALL,
        _O.REQUEST_DELETION: Reach.ALL,
    },
    Role.ADMINISTRATOR: {
        _O.READ: Reach.ALL,
        _O.READ_CONTENT: Reach.ALL,
        _O.READ_ARCHIVED: Reach.ALL,
        _O.RECHECK: Reach.ALL,
        _O.RESCHEDULE: Reach.ALL,
        _O.EXPIRE: Reach.ALL,
        _O.SEE_QUEUES: Reach.ALL,
        _O.ADMINISTER: Reach.ALL,
        _O.READ_AUDIT: Reach.ALL,
        _O.REQUEST_DELETION: Reach.ALL,
        _O.REVIEW_DELETION: Reach.ALL,
        _O.REQUEST_ERASURE: Reach.ALL,
        _O.REVIEW_ERASURE: Reach.ALL,
    },
}

# In a refusal: "ada may not …".
_DOINGS: Mapping[Operation, str] = {
    _O.DEPOSIT: "deposit here",
    _O.CHANGE: "change this deposit",
    _O.READ: "read this deposit",
    _O.READ_CONTENT: "read the files of this deposit",
    _O.READ_ARCHIVED: "read this in the archive",
    _O.RECHECK: "have this deposit checked again",
    _O.RESCHEDULE: "have this deposit loaded again",
    _O.EXPIRE: "end this deposit",
    _O.SEE_QUEUES: "see how the service works",
    _O.ADMINISTER: "administer accounts and collections",
    _O.READ_AUDIT: "read the audit",
    _O.REQUEST_DELETION: "ask for this deposit to be withdrawn",
    _O.REVIEW_DELETION: "decide on withdrawing this deposit",
    _O.REQUEST_ERASURE: "ask for this deposit to be erased",
    _O.REVIEW_ERASURE: "decide on erasing this deposit",
}

# What a token of each scope opens, at most. Nothing administrative: that takes a person who has logged in.
SCOPES: Mapping[Scope, frozenset[Operation]] = {
    Scope.READ: frozenset({_O.READ, _O.READ_CONTENT, _O.READ_ARCHIVED}),
    Scope.DEPOSIT: frozenset({_O.DEPOSIT, _O.CHANGE, _O.READ, _O.REQUEST_DELETION}),
    Scope.OPERATE: frozenset({_O.READ, _O.RECHECK, _O.RESCHEDULE, _O.EXPIRE, _O.SEE_QUEUES}),
}

PERMISSIONS: Mapping[Role, str] = {
    Role.OPERATOR: "deposit.operate",
    Role.ADMINISTRATOR: "deposit.administer",
}


def in_scope(actor: Actor, operation: Operation) -> bool:
    """Whether the credentials that were shown are good for this operation, whatever the user may."""
    return actor.token_id is None or any(operation in SCOPES[scope] for scope in actor.scopes)


def service_roles(actor: Actor) -> frozenset[Role]:
    """The roles that do not depend on a collection. Who stands at the machine is its administrator.

    Two queries at the first call for a user, none after. Nobody is an operator on behalf of another.
    """
    if isinstance(actor, SystemActor):
        return frozenset({Role.ADMINISTRATOR})
    if actor.user is None or actor.owner is not None or not actor.user.is_active:
        return frozenset()
    return frozenset(role for role, name in PERMISSIONS.items() if actor.user.has_perm(name))


def _personal_roles(actor: Actor) -> set[Role]:
    """The roles that depend on whose deposits, and on which collections. A source brings deposits and no more."""
    if actor.channel is Channel.SOURCE:
        return {Role.ANYBODY, Role.SOURCE}
    roles = {Role.ANYBODY, Role.DEPOSITOR} if actor.client else {Role.ANYBODY}
    return roles | ({Role.CURATOR} if actor.user is not None and actor.owner is None else set())


def _reaches(actor: Actor, operation: Operation) -> frozenset[Reach]:
    """How far the actor's roles carry an operation, before any object is looked at."""
    if not in_scope(actor, operation):
        return frozenset()
    roles = _personal_roles(actor) | service_roles(actor)
    return frozenset(TABLE[role][operation] for role in roles if operation in TABLE[role])


# In the archive; or there from an earlier load, whatever becomes of the next: what was handed out is found for ever.
ARCHIVED = Q(status=Status.DONE) | Q(
    swhid__isnull=False,
    status__in=[Status.DEPOSITED, Status.VERIFIED, Status.LOADING, Status.FAILED, Status.REJECTED],
)


# What there is anything left of.
NOT_ERASED = ~Q(pk__in=Withdrawal.objects.filter(erased=True).values("deposit"))

# Of what is withdrawn, too, by whoever may do them.
_ON_WITHDRAWN = frozenset({_O.REQUEST_DELETION, _O.REVIEW_DELETION, _O.REQUEST_ERASURE, _O.REVIEW_ERASURE})
# What is erased is read by nobody: there is nothing left to read.
_OF_CONTENT = frozenset({_O.CHANGE, _O.READ_CONTENT, _O.READ_ARCHIVED})


def _shown() -> Q:
    """What is not withdrawn; by the few rows of what is, so that lists keep the indexes they are read by."""
    return ~Q(pk__in=Withdrawal.objects.values("deposit"))


def _condition(
    actor: Actor, operation: Operation, archived: Q = ARCHIVED, *, withdrawn: bool = False
) -> Q | None:
    """Which deposits the actor may do an operation on; None for all of them.

    ``archived``: those open to the public. What is withdrawn stays with those who decide on it, and who run the
    service; ``withdrawn``: as if it were not.
    """
    reaches = _reaches(actor, operation)
    there = Q() if withdrawn or operation not in _OF_CONTENT else NOT_ERASED
    if Reach.ALL in reaches:
        return there or None
    shown = Q() if withdrawn or operation in _ON_WITHDRAWN else _shown()
    allowed = Q(pk__in=[])
    if Reach.OWN in reaches:
        allowed |= own_deposits(actor) & shown
    if Reach.CURATED in reaches:
        # Asked first: beside a subquery, PostgreSQL would not use the index on the client.
        curated = Curatorship.objects.filter(user=actor.user).values_list("collection", flat=True)
        allowed |= Q(collection__in=list(curated)) & there
    if Reach.OPEN in reaches:
        allowed |= Q(collection__closed=False) & shown
    if Reach.PUBLIC in reaches:
        public = Collection.objects.filter(public=True).values_list("pk", flat=True)
        allowed |= Q(collection__in=list(public)) & archived & shown
    return allowed


def deposits_for(actor: Actor, operation: Operation, *, withdrawn: bool = False) -> QuerySet[Deposit]:
    """The deposits that the actor may do an operation on; ``withdrawn``: or might, were they not withdrawn."""
    condition = _condition(actor, operation, withdrawn=withdrawn)
    return Deposit.objects.all() if condition is None else Deposit.objects.filter(condition)


def visible_deposits(actor: Actor) -> QuerySet[Deposit]:
    """The deposits that exist for the actor."""
    return deposits_for(actor, Operation.READ)


def visible_statistics(actor: Actor) -> QuerySet[DailyStatistics]:
    """The counted days of the deposits that exist for the actor."""
    condition = _condition(actor, Operation.READ, Q(status=Status.DONE), withdrawn=True)
    return DailyStatistics.objects.all() if condition is None else DailyStatistics.objects.filter(condition)


def own_deposits(actor: Actor) -> Q:
    """The deposits of the actor's client; of an owner's those where the mediator may act for it."""
    return Q(client=actor.client, collection__in=actor.places) if actor.owner else Q(client=actor.client)


def visible_collections(actor: Actor) -> QuerySet[Collection]:
    """The collections that exist for the actor: where it deposits, what it curates; all for who sees everything."""
    if Reach.ALL in _reaches(actor, Operation.READ):
        return Collection.objects.order_by("name")
    members = Membership.objects.filter(client=actor.client)
    if actor.owner is not None:
        members = members.filter(collection__in=actor.places)
    mine = Q(pk__in=members.values("collection"))
    if actor.user is not None and actor.owner is None:
        mine |= Q(pk__in=Curatorship.objects.filter(user=actor.user).values("collection"))
    return Collection.objects.filter(mine).order_by("name")


def may(actor: Actor, operation: Operation, deposit: Deposit) -> bool:
    """Whether the actor may do an operation on a deposit."""
    if actor.owner is None and actor.client is not None and deposit.client_id == actor.client.pk:
        role = Role.SOURCE if actor.channel is Channel.SOURCE else Role.DEPOSITOR
        own = TABLE[role].get(operation) is Reach.OWN
        hidden = operation not in _ON_WITHDRAWN and deposit.status == Status.DONE and is_withdrawn(deposit)
        if own and in_scope(actor, operation) and not hidden:
            return True
    return deposits_for(actor, operation).filter(pk=deposit.pk).exists()


def may_service(actor: Actor, operation: Operation) -> bool:
    """Whether the actor may do something that concerns the service as a whole (queues, accounts, audit)."""
    return Reach.ALL in _reaches(actor, operation)


def unknown_deposit(deposit_id: int) -> Refusal:
    """The one answer for a deposit that is missing and for one that is another's."""
    return Refusal(
        Kind.NOT_FOUND,
        UNKNOWN_DEPOSIT,
        f"Deposit with id {deposit_id} does not exist",
        "The collection's list shows your deposits.",
    )


def refuse_withdrawn(actor: Actor, operation: Operation, deposit_id: int, **fields: object) -> None:
    """Raise the tombstone of a deposit that the actor might do this to, were it not withdrawn; one query always.

    ``fields``: what it must be besides.
    """
    might = deposits_for(actor, operation, withdrawn=True).filter(pk=deposit_id, **fields)
    row = Withdrawal.objects.filter(deposit__in=might).first()
    if row is not None:
        raise tombstone_of(row)


def tombstone_of(row: Withdrawal) -> Withdrawn:
    """What stands in the place of a withdrawn deposit."""
    told = {"reason": row.reason, "decided_by": row.decided_by}
    at = f"{row.at:%Y-%m-%dT%H:%M:%SZ}"
    if row.erased:
        return Withdrawn(row.deposit_id, {**told, "erased_at": at})
    return Withdrawn(row.deposit_id, {"citation": row.citation, **told, "withdrawn_at": at})


def visible_deposit(actor: Actor, deposit_id: int) -> Deposit:
    """A deposit that exists for the actor. Raises the same 404 `Refusal` for all others."""
    found = visible_deposits(actor).select_related("collection", "client__user")
    deposit = found.filter(pk=min(deposit_id, LARGEST_ID)).first()
    if deposit is None:
        refuse_withdrawn(actor, Operation.READ, min(deposit_id, LARGEST_ID))
        raise unknown_deposit(deposit_id)
    return deposit


def require(actor: Actor, operation: Operation, deposit: Deposit) -> None:
    """Raise `Refusal` unless the actor may: 404 for a deposit that does not exist for it, else 403."""
    if may(actor, operation, deposit):
        return
    refuse_withdrawn(actor, operation, deposit.pk)
    if operation is not Operation.READ and may(actor, Operation.READ, deposit):
        raise forbidden(actor, operation)
    raise unknown_deposit(deposit.pk)


def deposit_to(actor: Actor, operation: Operation, deposit_id: int) -> Deposit:
    """A deposit to do an operation on. Raises `Refusal` as `require` does, after as many queries for a foreign one as
    for none: time must not tell which it is.
    """
    number = min(deposit_id, LARGEST_ID)
    allowed = deposits_for(actor, operation).select_related("collection", "client__user")
    deposit = allowed.filter(pk=number).first()
    if deposit is not None:
        return deposit
    refuse_withdrawn(actor, operation, number)
    if operation is not Operation.READ and visible_deposits(actor).filter(pk=number).exists():
        raise forbidden(actor, operation)
    raise unknown_deposit(deposit_id)


def require_service(actor: Actor, operation: Operation) -> None:
    """Raise a 403 `Refusal` unless the actor may do something that concerns the service as a whole."""
    if not may_service(actor, operation):
        raise forbidden(actor, operation)


def client_of(actor: Actor) -> Client:
    """The depositor that an actor is. Raises a 403 `Refusal` for users that only curate, operate or administer."""
    if actor.client is None:
        raise Refusal(
            Kind.FORBIDDEN,
            "auth.not_a_client",
            f"User {actor.user} is not a deposit client.",
            "An operator makes one with: manage.py user create",
        )
    return actor.client


def forbidden(actor: Actor, operation: Operation) -> Refusal:
    """The actor sees the object but may not do this."""
    if not in_scope(actor, operation):
        return Refusal(
            Kind.FORBIDDEN,
            "auth.scope",
            f"With this token you may not {_DOINGS[operation]}.",
            "Use a token with another scope; `manage.py token create` and your token page make them.",
        )
    return Refusal(
        Kind.FORBIDDEN,
        "auth.role",
        f"{actor.user or actor} may not {_DOINGS[operation]}: that is for {_those_who_may(operation)}.",
        "If it is your task, ask an administrator for the role; docs/reference/roles.md says what each role may.",
    )


def _those_who_may(operation: Operation) -> str:
    """The roles, in words, and how far each reaches: ``depositors (one's own deposits) and administrators``."""
    reaches = [(role, row[operation]) for role, row in TABLE.items() if operation in row]
    *first, last = [
        f"{role}s" if reach is Reach.ALL else f"{role}s ({reach})"
        for role, reach in reaches
        if role is not Role.ANYBODY
    ]
    return f"{', '.join(first)} and {last}" if first else last
