"""Metadata documents in the archive: extrinsic metadata on an object, and a record of which deposit brought it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from lxml import etree
from lxml.builder import ElementMaker

from archive.identifiers import SWHID, ObjectType, QualifiedSWHID
from archive.ingest import Ingest
from archive.objects import Metadata
from deposit import __version__
from deposit.metadata.entry import Entry
from deposit.metadata.namespaces import DEPOSIT
from deposit.models import Client

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


def add_document(
    ingest: Ingest,
    *,
    entry: Entry,
    target: SWHID,
    context: Mapping[str, Any],
    client: Client,
    collection: str,
    deposit_id: int,
    document_format: str,
    discovery_date: datetime,
) -> None:
    """Put a document and the record of its deposit into a load that is under way."""
    document = Metadata(
        target=target,
        format=document_format,
        document=entry.document,
        authority=("deposit_client", client.provider_url),
        fetcher=FETCHER,
        discovery_date=discovery_date,
        **context,
    )
    identifier = ingest.add_metadata(document)
    ingest.add_metadata(
        Metadata(
            target=SWHID(ObjectType.METADATA, identifier),
            format=_ABOUT_DEPOSIT,
            document=_deposit_info(deposit_id, client, collection),
            authority=("registry", settings.AUTHORITY_URL),
            fetcher=FETCHER,
            discovery_date=discovery_date,
        )
    )


def _deposit_info(deposit_id: int, client: Client, collection: str) -> bytes:
    make = ElementMaker(namespace=DEPOSIT, nsmap={None: DEPOSIT})
    info = make.deposit(
        make.deposit_id(str(deposit_id)),
        make.deposit_client(client.provider_url),
        make.deposit_collection(collection),
    )
    return etree.tostring(info, encoding="utf-8", pretty_print=True)
