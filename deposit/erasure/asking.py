"""What may be asked to be erased, and when it can be decided."""

from collections.abc import Sequence

from archive.errors import InvalidIdentifier
from archive.identifiers import SWHID, ObjectType
from archive.places import erased_among
from archive.retrieval import contains
from deposit.lifecycle import TransitionRefused
from deposit.models import DeletionKind, DeletionRequest, Deposit
from deposit.refusals import Kind, Refusal

# More than that is better said by a folder, or the whole deposit.
_MOST = 100


def named_objects(deposit: Deposit, texts: Sequence[str], kind: DeletionKind) -> list[str]:
    """The files and folders of a deposit that are named by SWHIDs, each once. Raises `Refusal`."""
    if not texts:
        return []
    if kind != DeletionKind.ERASE:
        raise _refused("Only erasing names objects: a deposit is withdrawn as a whole.")
    if len(set(texts)) > _MOST:
        raise _refused(f"At most {_MOST} objects are named at once.")
    try:
        named = [SWHID.parse(text) for text in dict.fromkeys(texts)]
    except InvalidIdentifier as error:
        raise _refused(str(error)) from error
    root = SWHID.parse(deposit.swhid) if deposit.swhid else None
    gone = erased_among(named)
    for one in named:
        if one.type not in (ObjectType.CONTENT, ObjectType.DIRECTORY):
            raise _refused(f"{one} is no file or folder.")
        if one == root:
            raise _refused(f"{one} is the whole deposit: ask for it without naming objects.")
        if one in gone:
            raise _refused(f"{one} is erased already.")
        if root is None or not contains([root.hash], one.hash):
            raise _refused(f"Deposit {deposit.pk} does not hold {one}.")
    return [str(one) for one in named]


def _refused(why: str) -> Refusal:
    return Refusal(
        Kind.UNPROCESSABLE,
        "deletion.objects",
        f"What is named cannot be erased: {why}",
        "Name files and folders of the deposit by their SWHIDs; the page of each shows it.",
    )


def require_plan(asked: DeletionRequest) -> None:
    """Nobody decides on what was not shown. Raises `TransitionRefused`."""
    if asked.plan is None:
        raise TransitionRefused(
            f"The plan of request {asked.pk} is still being made: look again in a moment, then decide."
        )
