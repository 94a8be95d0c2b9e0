"""Metadata documents in the archive: extrinsic metadata on an object, and a record of which deposit brought it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from lxml import etree
from lxml.builder import ElementMaker

from archive.identifiers import SWHID, ObjectType, QualifiedSWHID, origin_id
from archive.ingest import Ingest
from archive.objects import Metadata
from deposit import __version__
from deposit.metadata.entry import Entry, read_entry
from deposit.metadata.namespaces import DEPOSIT
from deposit.metadata.reference import OriginReference
from deposit.models import Client, DepositType, Part

# The formats are those of swh-deposit: a document on its own, and one that came with a package.
ALONE = "sword-v2-atom-codemeta"
WITH_PACKAGE = "sword-v2-atom-codemeta-v2"
_ABOUT_DEPOSIT = "xml-deposit-info"
FETCHER = ("deposit-server", __version__)


def context_of(swhid: QualifiedSWHID) -> dict[str, Any]:
    """The qualifiers of a reference as the context of extrinsic metadata."""
    context: dict[str, Any] = {"origin": swhid.origin, "path": swhid.path, "snapshot": swhid.visit}
    if swhid.anchor:
        names = {
            ObjectType.SNAPSHOT: "snapshot",
            ObjectType.RELEASE: "release",
            ObjectType.REVISION: "revision",
            ObjectType.DIRECTORY: "directory",
        }
        context[names[swhid.anchor.type]] = swhid.anchor
    return {name: value for name, value in context.items() if value is not None}


def add_document(ingest: Ingest, **fields: Any) -> None:
    """Put what `documents_of` makes of the same fields into a load that is under way."""
    for each in documents_of(**fields):
        ingest.add_metadata(each)


def documents_of(
    *,
    entry: Entry,
    target: SWHID,
    context: Mapping[str, Any],
    client: Client,
    collection: str,
    deposit_id: int,
    document_format: str,
    discovery_date: datetime,
) -> tuple[Metadata, Metadata]:
    """A document on ``target``, and the record of its deposit on the document."""
    document = Metadata(
        target=target,
        format=document_format,
        document=entry.document,
        authority=("deposit_client", client.provider_url),
        fetcher=FETCHER,
        discovery_date=discovery_date,
        **context,
    )
    about = Metadata(
        target=SWHID(ObjectType.METADATA, document.id),
        format=_ABOUT_DEPOSIT,
        document=_deposit_info(deposit_id, client, collection),
        authority=("registry", settings.AUTHORITY_URL),
        fetcher=FETCHER,
        discovery_date=discovery_date,
    )
    return document, about


def documents_alone(part: Part) -> tuple[Metadata, Metadata]:
    """The same of a part that came without a package: on what its entry refers to, or on its deposit's directory."""
    deposit = part.deposit
    entry = read_entry(bytes(part.document or b""))
    reference = entry.reference if deposit.type == DepositType.META else None
    context: Mapping[str, Any]
    if isinstance(reference, OriginReference):
        target, context = SWHID(ObjectType.ORIGIN, origin_id(reference.url)), {}
    elif reference is not None:
        target, context = reference.swhid.core, context_of(reference.swhid)
    else:
        assert deposit.swhid is not None
        target = SWHID.parse(deposit.swhid)
        context = {"origin": deposit.origin_url} if deposit.origin_url else {}
    return documents_of(
        entry=entry,
        target=target,
        context=context,
        client=deposit.client,
        collection=deposit.collection.name,
        deposit_id=deposit.pk,
        document_format=ALONE,
        discovery_date=part.created_at,
    )


def _deposit_info(deposit_id: int, client: Client, collection: str) -> bytes:
    make = ElementMaker(namespace=DEPOSIT, nsmap={None: DEPOSIT})
    info = make.deposit(
        make.deposit_id(str(deposit_id)),
        make.deposit_client(client.provider_url),
        make.deposit_collection(collection),
    )
    return etree.tostring(info, encoding="utf-8", pretty_print=True)
