"""Metadata documents that come without a package: judged at once, archived by a worker."""

from deposit.actors import Actor
from deposit.findings import Severity
from deposit.metadata.checks import check_entry
from deposit.metadata.entry import Entry
from deposit.metadata.status_detail import render_status_detail
from deposit.models import Deposit, Part, PartKind
from deposit.queue.items import ask
from deposit.refusals import Kind, Refusal
from deposit.services.parts import Submission, add_parts
from deposit.services.work import DESCRIBE


def require_functional(entry: Entry) -> None:
    """Judge a document at once, as the checker would. Raises `Refusal` with all findings."""
    found = check_entry(entry.document)
    if any(finding.severity is Severity.ERROR for finding in found):
        raise Refusal(
            Kind.BAD_REQUEST,
            "metadata.functional",
            "Functional metadata checks failure",
            render_status_detail(found),
        )


def add_alone(deposit: Deposit, entry: Entry, actor: Actor) -> None:
    """Add a document to a locked deposit, and ask for the work that archives it; within the caller's transaction."""
    add_parts(deposit, Submission(entry=entry), actor)
    part = Part.objects.filter(deposit=deposit, kind=PartKind.METADATA).latest("id")
    ask(DESCRIBE.name, part.pk, deposit_id=deposit.pk, share=deposit.client_id)
