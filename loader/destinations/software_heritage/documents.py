"""The metadata documents of a deposit, as swh-loader-core's deposit loader writes them.

Four: the entry and the list of packages, on the directory; the entry and the entry with where it comes from, on the
origin. Their date is the deposit's completion, so that the same deposit gives the same documents again.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings

from archive.identifiers import SWHID, ObjectType, origin_id
from archive.objects import Metadata
from deposit import __version__
from deposit.models import Deposit, Part, PartKind
from deposit.services.deposits import effective_entry
from loader.destinations.archive.extrinsic import FETCHER, WITH_PACKAGE, documents_alone
from loader.destinations.software_heritage.rpc import Wire, model

_PACKAGES = "original-artifacts-json"
_TOOL: dict[str, Any] = {"name": FETCHER[0], "version": __version__, "configuration": {"sword_version": "2"}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Documents:
    """The documents, who says so (as on the wire), and who fetched them."""

    items: list[Metadata]
    authorities: list[Wire]
    fetcher: Wire


def documents_of(deposit: Deposit, *, directory: str, release: str) -> Documents:
    """All documents of a deposit whose directory and release (SWHIDs) are there."""
    entry = effective_entry(deposit)
    client = deposit.client
    date = deposit.complete_date
    assert date is not None
    assert deposit.origin_url is not None
    on_directory: dict[str, Any] = {
        "target": SWHID.parse(directory),
        "origin": deposit.origin_url,
        "release": SWHID.parse(release),
    }
    on_origin: dict[str, Any] = {"target": SWHID(ObjectType.ORIGIN, origin_id(deposit.origin_url))}
    by_us, by_client = ("registry", settings.AUTHORITY_URL), ("deposit_client", client.provider_url)
    items = [_document(date, _PACKAGES, by_us, _packages(deposit), on_directory)]
    if entry is not None:
        provenance = {
            "metadata": [entry.document.decode("utf-8", "replace")],
            "provider": _provider(deposit),
            "tool": _TOOL,
        }
        items += [
            _document(date, WITH_PACKAGE, by_client, entry.document, on_directory),
            _document(date, WITH_PACKAGE, by_client, entry.document, on_origin),
            _document(date, _PACKAGES, by_client, json.dumps(provenance).encode(), on_origin),
        ]
    return _told(items, deposit)


def documents_of_part(part: Part) -> Documents:
    """The two of a document that came without a package: itself, and the record of its deposit on it."""
    return _told([_in_seconds(each) for each in documents_alone(part)], part.deposit)


def _in_seconds(one: Metadata) -> Metadata:
    return replace(one, discovery_date=one.discovery_date.replace(microsecond=0))


def _told(items: list[Metadata], deposit: Deposit) -> Documents:
    client = deposit.client
    by_client = {"type": "deposit_client", "url": client.provider_url}
    return Documents(
        items=items,
        authorities=[
            model("MetadataAuthority", type="registry", url=settings.AUTHORITY_URL, metadata={}),
            model("MetadataAuthority", **by_client, metadata={"name": client.user.last_name}),
        ],
        fetcher=model(
            "MetadataFetcher", name=FETCHER[0], version=FETCHER[1], metadata=_TOOL["configuration"]
        ),
    )


def _document(
    date: datetime, form: str, authority: tuple[str, str], document: bytes, about: dict[str, Any]
) -> Metadata:
    return Metadata(
        format=form,
        document=document,
        authority=authority,
        fetcher=FETCHER,
        discovery_date=date.replace(microsecond=0),
        **about,
    )


def _packages(deposit: Deposit) -> bytes:
    parts = Part.objects.filter(deposit=deposit, kind=PartKind.PACKAGE).order_by("id")
    told = [
        {"filename": each.name, "length": each.size, "checksums": {"sha256": each.sha256}} for each in parts
    ]
    return json.dumps(told).encode()


def _provider(deposit: Deposit) -> dict[str, Any]:
    return {
        "provider_name": deposit.client.user.last_name,
        "provider_url": deposit.client.provider_url,
        "provider_type": "deposit_client",
        "metadata": {},
    }
