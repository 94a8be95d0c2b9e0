"""Who may read which archived object: whoever may read what is archived of a deposit that is it, or holds it."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db.models import Q, QuerySet

from archive.identifiers import SWHID, ObjectType
from archive.models import ErasedObject
from archive.paths import paths_to
from archive.places import places
from archive.retrieval import held, targets_of
from deposit.actors import Actor, AnonymousActor
from deposit.models import DeletionRequest, Deposit, Identifier
from deposit.models.deletions import request_number
from deposit.permissions import ARCHIVED, Operation, deposits_for, forbidden, in_scope, tombstone_of
from deposit.refusals import Kind, Refusal, Withdrawn, unauthorized

# An object with thousands of parents (the empty file) is looked for in so many of the newest deposits only.
_NEWEST = 1000
# What is another's costs a walk through its parents, in milliseconds; seconds.
_REFUSED_AFTER = 0.05


def archived_deposits(actor: Actor, operation: Operation = Operation.READ_ARCHIVED) -> QuerySet[Deposit]:
    """The deposits with packages in the archive on which the actor may do this; those, too, that are loaded again."""
    return deposits_for(actor, operation).filter(ARCHIVED, type="code")


def readable(actor: Actor, swhid: SWHID, operation: Operation = Operation.READ_ARCHIVED) -> bool:
    """Whether a loaded deposit that the actor may read is, or holds, this object."""
    return swhid in readable_among(actor, [swhid], operation)


def readable_among(
    actor: Actor, swhids: Iterable[SWHID], operation: Operation = Operation.READ_ARCHIVED
) -> set[SWHID]:
    """Which of these objects the actor may read; a number of queries that depends on depth, not on how many."""
    mine = archived_deposits(actor, operation)
    # Not ``known``: of a damaged pack, what is whole stays readable.
    asked = set(places(swhids))
    files = {one.hash: one for one in asked if one.type in (ObjectType.CONTENT, ObjectType.DIRECTORY)}
    below = held(files, lambda some: _directories(mine, some), lambda: _newest(mine)) if files else set()
    return {files[one] for one in below} | _releases(mine, asked) | _snapshots(mine, asked)


def whereabouts(actor: Actor, swhid: SWHID, *, most: int) -> list[tuple[Deposit, bytes]]:
    """Deposits that the actor may read and that are or hold a file or folder, each with its path there; oldest first.

    The path of what is a deposit as a whole is empty. Releases and snapshots are found as deposits, too.
    """
    return _whereabouts(
        archived_deposits(actor).select_related("collection", "client__user"), swhid, most=most
    )


def refuse_withdrawn_object(actor: Actor, swhid: SWHID) -> None:
    """Raise the tombstone of a deposit that is or holds this, if the actor might read it, were it not withdrawn."""
    might = deposits_for(actor, Operation.READ_ARCHIVED, withdrawn=True)
    _refuse_erased(might, swhid)
    gone = might.filter(ARCHIVED, type="code", withdrawal__isnull=False).select_related("withdrawal")
    if gone.exists():
        for deposit, _path in _whereabouts(gone, swhid, most=1):
            raise tombstone_of(deposit.withdrawal)


def _refuse_erased(might: QuerySet[Deposit], swhid: SWHID) -> None:
    """Raise the tombstone of an object that was erased: nothing in the index leads from it to its deposits any more."""
    row = ErasedObject.objects.filter(sha1_git=swhid.hash).first()
    number = request_number(row.reference) if row else None
    if row is None or number is None:
        return
    asked = DeletionRequest.objects.select_related("reviewer").filter(pk=number, deposit__in=might).first()
    if asked is not None and asked.reviewer is not None:
        told = {"reason": asked.reason, "decided_by": asked.reviewer.get_username()}
        raise Withdrawn(asked.deposit_id, {**told, "erased_at": f"{row.erased_at:%Y-%m-%dT%H:%M:%SZ}"})


def _whereabouts(mine: QuerySet[Deposit], swhid: SWHID, *, most: int) -> list[tuple[Deposit, bytes]]:
    if swhid.type not in (ObjectType.CONTENT, ObjectType.DIRECTORY):
        earlier = Identifier.objects.filter(value=str(swhid)).values("deposit")
        told = mine.filter(Q(release_swhid=str(swhid)) | Q(snapshot_swhid=str(swhid)) | Q(pk__in=earlier))
        return [(deposit, b"") for deposit in told.order_by("id")[:most]]
    paths = dict(paths_to(swhid.hash, lambda some: _directories(mine, some), most=most))
    roots = {str(SWHID(ObjectType.DIRECTORY, root)): path for root, path in paths.items()}
    found = mine.filter(swhid__in=roots).order_by("id")[:most]
    return [(deposit, roots[deposit.swhid or ""]) for deposit in found]


def _directories(mine: QuerySet[Deposit], identifiers: set[bytes]) -> set[bytes]:
    """Which of these are the directories of deposits."""
    texts = [str(SWHID(ObjectType.DIRECTORY, one)) for one in identifiers]
    found = mine.filter(swhid__in=texts).order_by().values_list("swhid", flat=True).distinct()
    told = {text for text in found if text}
    return {SWHID.parse(text).hash for text in told | _handed_out(mine, set(texts) - told)}


def _newest(mine: QuerySet[Deposit]) -> set[bytes]:
    newest = mine.order_by("-id").values_list("swhid", flat=True)[:_NEWEST]
    return {SWHID.parse(text).hash for text in newest if text}


def _releases(mine: QuerySet[Deposit], asked: set[SWHID]) -> set[SWHID]:
    """Found by the directories they point at, because deposits are indexed by those."""
    wanted = {str(one): one for one in asked if one.type is ObjectType.RELEASE}
    directories = targets_of([one.hash for one in wanted.values()]) if wanted else set()
    return {wanted[text] for text in _with_identifiers(mine, directories, "release_swhid", list(wanted))}


def _snapshots(mine: QuerySet[Deposit], asked: set[SWHID]) -> set[SWHID]:
    wanted = {str(one): one for one in asked if one.type is ObjectType.SNAPSHOT}
    releases = targets_of([one.hash for one in wanted.values()]) if wanted else set()
    directories = targets_of(releases) if releases else set()
    return {wanted[text] for text in _with_identifiers(mine, directories, "snapshot_swhid", list(wanted))}


def _with_identifiers(
    mine: QuerySet[Deposit], directories: set[bytes], field: str, texts: list[str]
) -> set[str]:
    """Which identifiers in a field the deposits of these directories have, or had before they were loaded again."""
    if not directories:
        return set()
    roots = [str(SWHID(ObjectType.DIRECTORY, one)) for one in directories]
    found = mine.filter(swhid__in=roots, **{f"{field}__in": texts}).order_by()
    told = set(found.values_list(field, flat=True).distinct())
    return told | _handed_out(mine, set(texts) - told)


def _handed_out(mine: QuerySet[Deposit], texts: set[str]) -> set[str]:
    """Which identifiers these deposits were ever known by. By the index of values, whose rows are few."""
    if not texts:
        return set()
    rows = list(Identifier.objects.filter(value__in=texts).order_by().values_list("value", "deposit"))
    own = set(mine.filter(pk__in={pk for _value, pk in rows}).order_by().values_list("pk", flat=True))
    return {value for value, pk in rows if pk in own}


def require_in_scope(actor: Actor, operation: Operation = Operation.READ_ARCHIVED) -> None:
    """Raises a 403 `Refusal` for a token that was not made for reading."""
    if not in_scope(actor, operation):
        raise forbidden(actor, operation)


def require_readable(actor: Actor, swhid: SWHID) -> None:
    """Raises the same `Refusal` for an object that is not there and for one that is another's."""
    require_in_scope(actor)
    with same_time():
        if not readable(actor, swhid):
            refuse_withdrawn_object(actor, swhid)
            raise hidden(actor, str(swhid))


@contextmanager
def same_time() -> Iterator[None]:
    """A refusal comes after the same time, whether there was nothing to find or much to look through in vain."""
    began = time.monotonic()
    try:
        yield
    except Refusal:
        wait_in_vain(began)
        raise


def wait_in_vain(began: float) -> None:
    """Look no shorter for what nobody has than for what another has; ``began`` by the monotonic clock."""
    time.sleep(max(0.0, began + _REFUSED_AFTER - time.monotonic()))


def hidden(actor: Actor, name: str) -> Refusal:
    """The one answer for what is missing and for what is another's; who has not logged in may do so first."""
    if isinstance(actor, AnonymousActor):
        return unauthorized("auth.missing", "Authentication credentials were not provided.")
    return unknown(name)


def unknown(name: str) -> Refusal:
    """There is no such object for whoever asks."""
    return Refusal(
        Kind.NOT_FOUND,
        "archive.unknown",
        f"There is no {name} among your archived deposits.",
        "A deposit's status document names its directory once it is done.",
    )
