"""The two steps: write the copy, then its receipt. Each replaces what an attempt before it may have left."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings

from deposit.archived.bags import Member, as_zip, bag, payload
from deposit.refusals import Refusal
from loader.destinations.export.places import place_of
from loader.steps import Context, Done, Outcome, Permanent


def write_copy(context: Context) -> Outcome:
    """Write the bag, or the packages and documents as they were sent. The result lists files with their digests."""
    if not settings.EXPORT_TO:
        raise Permanent(
            "export.place", "The service does not know where copies go: an operator has to set EXPORT_TO."
        )
    place = place_of(settings.EXPORT_TO)
    written = []
    try:
        for name, size, chunks in _files(context):
            digest = hashlib.sha256()
            place.write(name, size, _watched(chunks, digest, context))
            written.append({"name": name, "size": size, "sha256": digest.hexdigest()})
    except Refusal as refusal:
        raise Permanent("export.package", f"{refusal.summary} {refusal.hint}".strip()) from refusal
    return Done(result={"form": settings.EXPORT_FORM, "files": written})


def _files(context: Context) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """Name, length in bytes and content of each file of the copy."""
    top = f"deposit-{context.deposit.pk}"
    if settings.EXPORT_FORM == "bag":
        size, chunks = as_zip(bag(context.deposit))
        yield f"{top}.zip", size, chunks
        return
    for member in payload(context.deposit):
        yield f"{top}/{_flat(member)}", member.size, member.chunks()


def _flat(member: Member) -> str:
    """``data/packages/7/a.zip`` -> ``7-a.zip``."""
    return "-".join(member.name.split("/")[2:])


def _watched(chunks: Iterator[bytes], digest: "hashlib._Hash", context: Context) -> Iterator[bytes]:
    for chunk in chunks:
        context.lease.check()
        digest.update(chunk)
        yield chunk


def write_receipt(context: Context) -> Outcome:
    """Write what was exported and of what, as JSON beside the copy."""
    copy = context.results["write the copy"]
    deposit = context.deposit
    place = place_of(settings.EXPORT_TO)
    receipt = {
        "deposit": deposit.pk,
        "collection": deposit.collection.name,
        "client": deposit.client.user.get_username(),
        "external_id": deposit.external_id,
        "title": deposit.title,
        "swhid": deposit.directory_swhid,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **copy,
    }
    data = json.dumps(receipt, ensure_ascii=False, indent=1).encode() + b"\n"
    name = f"deposit-{deposit.pk}.json"
    place.write(name, len(data), iter([data]))
    context.add_identifier("export", place.address(copy["files"][0]["name"]))
    return Done(result={"name": name})
