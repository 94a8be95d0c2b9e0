"""Who may read which archived object: whoever deposited something that holds it."""

from archive.identifiers import SWHID
from archive.retrieval import contains, known
from deposit.models import Client, Deposit, Status
from deposit.refusals import Kind, Refusal


def readable(client: Client, swhid: SWHID) -> bool:
    """Whether one of the client's own loaded deposits is, or holds, this object."""
    mine = Deposit.objects.filter(client=client, status=Status.DONE, type="code")
    text = str(swhid)
    if mine.filter(swhid=text).exists():
        return True
    if not known([swhid]):
        return False
    roots = [SWHID.parse(root).hash for root in mine.values_list("snapshot_swhid", flat=True) if root]
    return contains(roots, swhid.hash)


def require_readable(client: Client, swhid: SWHID) -> None:
    """Raises the same 404 `Refusal` for an object that is not there and for one that is another's."""
    if not readable(client, swhid):
        raise Refusal(
            Kind.NOT_FOUND,
            "archive.unknown",
            f"There is no {swhid} among your archived deposits.",
            "A deposit's status document names its directory once it is done.",
        )
