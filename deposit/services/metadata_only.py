"""Metadata on something that is archived already: judged at reception, done at once."""

from deposit.metadata.entry import Entry
from deposit.models import Client, Collection, Deposit
from deposit.refusals import Kind, Refusal


def reference_on_a_package_deposit() -> Refusal:
    """``swh:reference`` beside a package, or on a deposit that has one."""
    return Refusal(
        Kind.BAD_REQUEST,
        "metadata.reference_with_package",
        "A <swh:reference> makes a deposit metadata only: it cannot hold packages.",
        "Send the metadata as a deposit of its own, in one request, or leave the <swh:reference> out.",
    )


def create(
    *, client: Client, collection: Collection, entry: Entry, slug: str | None, packaged: bool
) -> Deposit:
    """Record metadata on an archived object or origin. Raises `Refusal`."""
    if packaged:
        raise reference_on_a_package_deposit()
    raise Refusal(Kind.BAD_REQUEST, "metadata.reference_unsupported", "Metadata-only deposits come next.")
