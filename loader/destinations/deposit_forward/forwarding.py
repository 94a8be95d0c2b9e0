"""The steps. Each begins with what the other server tells, so that a second run goes on instead of beginning anew."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from lxml import etree

from deposit.metadata.entry import Entry
from deposit.metadata.namespaces import DEPOSIT
from deposit.metadata.packaging import Packaging
from deposit.metadata.xml import parse
from deposit.models import Delivery, Deposit, Part, PartKind
from deposit.services.deposits import effective_entry
from deposit.staging.storage import chunks_of
from loader.destinations.deposit_forward.sword import Sword
from loader.secret_references import SecretMissing, read_secret
from loader.steps import Again, Context, Done, Outcome, Permanent, Transient

_UNDER_WAY = frozenset({"partial", "deposited", "verified", "loading"})


def server() -> Sword:
    """The other server. Raises `Permanent` where none is named, `Transient` where its key is not there."""
    if not settings.FORWARD_TO or not settings.FORWARD_COLLECTION:
        raise Permanent(
            "forward.place",
            "The service does not know where deposits are forwarded to: an operator has to set FORWARD_TO and "
            "FORWARD_COLLECTION.",
        )
    try:
        password = read_secret(settings.FORWARD_PASSWORD)
    except SecretMissing as error:
        raise Transient("The key for the other deposit server is not there.", fault=str(error)) from error
    return Sword(
        settings.FORWARD_TO,
        settings.FORWARD_COLLECTION,
        auth=(settings.FORWARD_USERNAME, password),
        timeout=settings.FORWARD_TIMEOUT,
    )


def create(context: Context) -> Outcome:
    """Make a partial deposit there, once: it is looked for when an attempt before may have made it."""
    deposit = context.deposit
    entry = effective_entry(deposit)
    if entry is None:
        raise Permanent(
            "forward.no_entry", "The deposit has no metadata document, which the other server demands."
        )
    # Another delivery of the same deposit is another deposit there.
    slug = f"{settings.FORWARD_SLUG}{deposit.pk}-{context.delivery.pk}"
    with server() as other:
        number = other.find(slug) if context.memory.get("asked") else None
        if number is None:
            context.save(asked=True)
            number = other.create(document_for(deposit, entry), slug=slug)
        context.save(number=number)
        return Done(result={"number": number, "address": f"{other.address}{number}/status/"})


def document_for(deposit: Deposit, entry: Entry) -> bytes:
    """The metadata document with the deposit's own origin, whether it was created or added to here."""
    root = parse(entry.document)
    told = root.find(f"{{{DEPOSIT}}}deposit")
    if told is None:
        told = etree.SubElement(root, f"{{{DEPOSIT}}}deposit")
    for name in ("create_origin", "add_to_origin"):
        for element in told.findall(f"{{{DEPOSIT}}}{name}"):
            told.remove(element)
    origin = etree.Element(f"{{{DEPOSIT}}}create_origin")
    etree.SubElement(origin, f"{{{DEPOSIT}}}origin", url=deposit.origin_url or "")
    told.insert(0, origin)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def send_packages(context: Context) -> Outcome:
    """Send all packages; the first takes the place of what an attempt before has sent."""
    number = context.memory["number"]
    parts = list(Part.objects.filter(deposit=context.deposit, kind=PartKind.PACKAGE).order_by("id"))
    with server() as other:
        if other.status(number).status != "partial":
            return Done(result={"packages": 0})
        for at, part in enumerate(parts):
            if part.packaging == Packaging.BINARY:
                raise Permanent(
                    "forward.binary", "The other server takes packages only, and this is a single file."
                )
            kind = "application/zip" if part.content_type == "application/zip" else "application/x-tar"
            other.put_package(
                number,
                first=at == 0,
                name=part.name,
                kind=kind,
                size=part.size,
                md5=_md5(part, context),
                chunks=_chunks(part, context),
            )
    return Done(result={"packages": len(parts), "bytes": sum(part.size for part in parts)})


def _chunks(part: Part, context: Context) -> Iterator[bytes]:
    for chunk in chunks_of(part.stored_as or "", 0, part.size):
        context.lease.check()
        yield chunk


def _md5(part: Part, context: Context) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in _chunks(part, context):
        digest.update(chunk)
    return digest.hexdigest()


def complete(context: Context) -> Outcome:
    """Say that nothing more will come, unless that was said."""
    number = context.memory["number"]
    with server() as other:
        if other.status(number).status == "partial":
            other.complete(number)
    return Done()


def follow(context: Context) -> Outcome:
    """Look where it stands there, until it has ended."""
    number = context.memory["number"]
    with server() as other:
        told = other.status(number)
        address = f"{other.address}{number}/status/"
    if told.status in _UNDER_WAY:
        return Again(
            after_seconds=settings.FORWARD_POLL_SECONDS,
            note=f"At the other deposit server it is {told.status}.",
        )
    if told.status != "done":
        raise Permanent(
            "forward.ended",
            f"At the other deposit server it is {told.status}: {told.detail or 'no reason given'}",
        )
    ours = context.deposit.directory_swhid
    if ours is not None and told.swhid != ours:
        raise Permanent(
            "forward.differs",
            "The other deposit server tells another identifier than the one that is known here.",
            fault=f"there {told.swhid}, here {ours}",
        )
    context.add_identifier("forward", address)
    context.add_identifier("forward-swhid", told.context or told.swhid)
    return Done(result={"number": number, "status": told.status, "there": told.context or told.swhid})


def clean_up(context: Context) -> Done | Again:
    """A deposit that was not completed there is removed there, when the delivery has ended."""
    number = context.memory.get("number")
    if number is None or context.delivery.state == "done":
        return Done()
    try:
        with server() as other:
            if other.status(number).status == "partial":
                other.delete(number)
                return Done(result={"removed": number})
    except Transient as error:
        return Again(after_seconds=error.after_seconds or 600, note=str(error))
    except Permanent:
        return Done()  # it is not there, or not ours any more
    return Done()


def inspect(delivery: Delivery) -> Mapping[str, Any]:
    """What the other server tells of it."""
    number = delivery.memory.get("number")
    if number is None:
        return {"stored": "nothing", "complete": False, "message": "Nothing was made there yet."}
    with server() as other:
        told = other.status(number)
    return {
        "stored": told.status,
        "complete": told.status == "done",
        "message": f"At the other deposit server it is number {number}, {told.status}. {told.detail}".strip(),
        "swhid": told.context or told.swhid,
    }
