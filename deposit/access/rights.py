"""Who may read which archived object: whoever may read the content of a deposit that is it, or holds it."""

from archive.identifiers import SWHID
from archive.retrieval import contains, known
from deposit.actors import Actor
from deposit.models import Status
from deposit.permissions import Operation, deposits_for, forbidden, in_scope
from deposit.refusals import Kind, Refusal


def readable(actor: Actor, swhid: SWHID, operation: Operation = Operation.READ_CONTENT) -> bool:
    """Whether a loaded deposit whose content the actor may read is, or holds, this object."""
    mine = deposits_for(actor, operation).filter(status=Status.DONE, type="code")
    text = str(swhid)
    if mine.filter(swhid=text).exists():
        return True
    if not known([swhid]):
        return False
    roots = [SWHID.parse(root).hash for root in mine.values_list("snapshot_swhid", flat=True) if root]
    return contains(roots, swhid.hash)


def require_readable(actor: Actor, swhid: SWHID) -> None:
    """Raises the same 404 `Refusal` for an object that is not there and for one that is another's."""
    if not in_scope(actor, Operation.READ_CONTENT):
        raise forbidden(actor, Operation.READ_CONTENT)
    if not readable(actor, swhid):
        raise Refusal(
            Kind.NOT_FOUND,
            "archive.unknown",
            f"There is no {swhid} among your archived deposits.",
            "A deposit's status document names its directory once it is done.",
        )
