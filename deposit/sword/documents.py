"""The documents of the SWORD 2 face: service document, receipt, status, content, list, error.

Shapes are those of swh-deposit, because its clients read them; what SWORD 2 and Atom require beyond is added. All
functions are pure: values in, UTF-8 XML out.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from lxml import etree
from lxml.builder import ElementMaker

from deposit.http.text import sendable_iri, sendable_type
from deposit.lists.numbered import Listed
from deposit.metadata.media_types import ANNOUNCED_TYPES
from deposit.metadata.namespaces import APP, ATOM, DCTERMS, DEPOSIT, SWORD
from deposit.metadata.packaging import Packaging
from deposit.models import STATUS_TEXTS, Collection, Deposit, Part
from deposit.refusals import Refusal
from deposit.sword.errors import ERROR_IRI
from deposit.sword.headers import ENTRY_TYPE
from deposit.sword.iris import Iris

NAMESPACES = {None: ATOM, "app": APP, "sword": SWORD, "dcterms": DCTERMS, "sd": DEPOSIT}

REL_ADD = "http://purl.org/net/sword/terms/add"
REL_STATEMENT = "http://purl.org/net/sword/terms/statement"
REL_ORIGINAL = "http://purl.org/net/sword/terms/originalDeposit"
# AtomPub's type for service documents, and the older one that some clients ask for.
SERVICE_TYPES = ("application/atomsvc+xml", "application/atomserv+xml")
FEED_TYPE = "application/atom+xml;type=feed"
TREATMENT = "The package is checked and then loaded into the archive as it is; the status document tells how far it is."

A = ElementMaker(namespace=ATOM, nsmap=NAMESPACES)
P = ElementMaker(namespace=APP, nsmap=NAMESPACES)
W = ElementMaker(namespace=SWORD, nsmap=NAMESPACES)
D = ElementMaker(namespace=DCTERMS, nsmap=NAMESPACES)
S = ElementMaker(namespace=DEPOSIT, nsmap=NAMESPACES)

Fields = Sequence[tuple[str, str]]

_DECLARATION = "<?xml version='1.0' encoding='utf-8'?>\n"

_NOT_XML = re.compile("[^\\t\\n\\r\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def xml(root: etree._Element) -> bytes:
    """Serialise with declaration."""
    etree.cleanup_namespaces(root, keep_ns_prefixes=["sd", "sword"])
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def printable(text: str) -> str:
    """The text without the characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub("", text)


def atom_date(moment: datetime) -> str:
    """RFC 3339, as Atom wants it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: str) -> str:
    """As text of an element: what XML cannot hold is left out, and a carriage return survives its reader."""
    return escape(printable(value), quote=False).replace("\r", "&#13;")


def _attribute(value: str) -> str:
    """As the value of an attribute, in double quotes; white space survives its reader, too."""
    return _text(value).replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;")


def _line(tag: str, text: str, indent: str = "  ") -> str:
    return f"{indent}<{tag}>{_text(text)}</{tag}>\n"


def _link(**attributes: str) -> str:
    """An ``atom:link``; its attributes in the order given."""
    told = "".join(f' {name}="{_attribute(value)}"' for name, value in attributes.items())
    return f"  <link{told}/>\n"


def _both(fields: Fields) -> str:
    """The fields in our namespace, then again in Atom's, where older clients look for them."""
    ours = "".join(_line(f"sd:{name}", value) for name, value in fields)
    return ours + "".join(_line(name, value) for name, value in fields)


def _entry(*lines: str, core: bool = False) -> bytes:
    """An ``atom:entry``, written as text: to build a tree takes longer than all else that it is made of.

    ``core``: it holds elements of Dublin Core.
    """
    dcterms = f' xmlns:dcterms="{DCTERMS}"' if core else ""
    head = f'<entry xmlns="{ATOM}" xmlns:sword="{SWORD}"{dcterms} xmlns:sd="{DEPOSIT}">\n'
    return "".join((_DECLARATION, head, *lines, "</entry>\n")).encode()


def service_document(
    *,
    collections: Sequence[Collection],
    iris: Iris,
    max_upload_size: int,
    title: str,
    release_author: str,
) -> bytes:
    """The service document (SWORD 2 section 6.1). ``max_upload_size`` is in bytes, as swh-deposit says it.

    ``release_author`` is who signs releases: with it, clients compute identifiers beforehand.
    """
    workspace = P("workspace", A("title", title))
    for collection in collections:
        workspace.append(
            P(
                "collection",
                {"href": iris.collection(collection.name)},
                A("title", collection.title or f"{collection.name} Software Collection"),
                *(P("accept", kind) for kind in (*ANNOUNCED_TYPES, f"{ENTRY_TYPE};type=entry")),
                *(P("accept", kind, {"alternate": "multipart-related"}) for kind in ANNOUNCED_TYPES),
                W("collectionPolicy", "Collection Policy"),
                D("abstract", "Software packages with their metadata"),
                W("treatment", TREATMENT),
                W("mediation", "true" if getattr(collection, "mediates", False) else "false"),
                W("metadataRelevantHeader", "false"),
                *(W("acceptPackaging", packaging) for packaging in Packaging),
                W("service", iris.collection(collection.name)),
                W("name", collection.name),
            )
        )
    return xml(
        P(
            "service",
            W("version", "2.0"),
            W("maxUploadSize", str(max_upload_size)),
            S("release_author", printable(release_author)),
            workspace,
        )
    )


def receipt(
    deposit: Deposit,
    *,
    collection: str,
    iris: Iris,
    packages: Sequence[Part],
    dublin_core: Fields = (),
    detail: str = "",
) -> bytes:
    """The deposit receipt (SWORD 2 section 10) with the fields that swh-deposit's clients read.

    ``packages`` are the deposit's, oldest first; ``detail`` is what its checks found, if anything.
    """
    moment = deposit.complete_date or deposit.reception_date
    newest = packages[-1] if packages else None
    fields = [
        ("deposit_id", str(deposit.pk)),
        ("deposit_date", moment.isoformat()),
        ("deposit_archive", newest.name if newest else "None"),
        ("deposit_status", deposit.status),
        *([("deposit_status_detail", detail)] if detail else []),
    ]
    number = deposit.pk
    edit, media = iris.edit(collection, number), iris.edit_media(collection, number)
    return _entry(
        _both(fields),
        _line("id", edit),
        f"  <title>{_text(deposit.title) or f'Deposit {number}'}</title>\n",
        _line("updated", atom_date(deposit.status_changed_at)),
        f'  <content type="application/zip" src="{_attribute(media)}"/>\n',
        _link(rel="edit", href=edit),
        _link(rel="edit-media", href=media),
        _link(rel="edit-media", type=FEED_TYPE, href=iris.media_feed(collection, number)),
        _link(rel=REL_ADD, href=iris.sword_edit(collection, number)),
        _link(rel="alternate", href=iris.state(collection, number)),
        _page_link(deposit, iris),
        _link(rel=REL_STATEMENT, type=FEED_TYPE, href=iris.statement(collection, number, "atom")),
        _link(rel=REL_STATEMENT, type="application/rdf+xml", href=iris.statement(collection, number, "rdf")),
        *(_original_link(deposit, collection, iris, part) for part in packages),
        _line("sword:packaging", sendable_iri(newest.packaging if newest else "") or Packaging.SIMPLE_ZIP),
        _line("sword:treatment", TREATMENT),
        *(_line(f"dcterms:{name}", text) for name, text in dublin_core),
        core=bool(dublin_core),
    )


def _page_link(deposit: Deposit, iris: Iris) -> str:
    """Where people look at the deposit."""
    return _link(rel="alternate", type="text/html", href=iris.page(deposit.pk))


def _original_link(deposit: Deposit, collection: str, iris: Iris, part: Part) -> str:
    href = iris.file(collection, deposit.pk, part.pk)
    return _link(rel=REL_ORIGINAL, type=sendable_type(part.content_type), href=href)


def status_fields(deposit: Deposit, detail: str) -> list[tuple[str, str]]:
    """What the State-IRI tells of a deposit, in the contract's order; ``detail`` may be empty."""
    fields = [
        ("deposit_id", str(deposit.pk)),
        ("deposit_status", deposit.status),
        ("deposit_status_detail", detail or STATUS_TEXTS[deposit.status]),
    ]
    if deposit.swhid:
        fields.append(("deposit_swh_id", deposit.swhid))
    if deposit.swhid_context:
        fields.append(("deposit_swh_id_context", deposit.swhid_context))
    fields.append(("deposit_external_id", deposit.external_id or ""))
    return fields


def status(deposit: Deposit, detail: str, iris: Iris, *, held: bool = False) -> bytes:
    """The status document of the State-IRI. ``held``: the deposit waits for its depositor's word on warnings."""
    fields = status_fields(deposit, detail)
    return _entry(
        _both(fields),
        _line("sd:deposit_origin_url", deposit.origin_url) if deposit.origin_url else "",
        _line("sd:deposit_waits_for", "confirmation") if held else "",
        _page_link(deposit, iris),
    )


def content(deposit: Deposit) -> bytes:
    """The document of the Cont-IRI; all but the date in Atom's namespace too, where swh-deposit's client reads."""
    fields = [
        ("deposit_id", str(deposit.pk)),
        ("deposit_status", deposit.status),
        ("deposit_status_detail", STATUS_TEXTS[deposit.status]),
    ]
    return _entry(_line("sd:deposit_date", deposit.reception_date.isoformat()), _both(fields))


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def deposit_list(
    deposits: Sequence[Listed], *, count: int, collection: str, iris: Iris, details: dict[int, str]
) -> bytes:
    """One page of the deposits of a client: a feed of all fields, as swh-deposit's ``list`` reads them.

    Its entries are written as text: a tree for each of a hundred rows takes longer than all else in the request.
    """
    feed = A(
        "feed",
        S("count", str(count)),
        A("id", iris.collection(collection)),
        A("title", f"Deposits in {collection}"),
        A("updated", atom_date(max((d.status_changed_at for d in deposits), default=datetime.now(UTC)))),
    )
    head, end, tail = xml(feed).rpartition(b"</feed>")
    addresses = _Addresses(iris)
    entries = (_list_entry(deposit, addresses, details.get(deposit.pk, "")) for deposit in deposits)
    return b"".join((head, "".join(entries).encode(), end, tail))


class _Addresses:
    """The addresses of many deposits: asked for once in each collection."""

    def __init__(self, iris: Iris) -> None:
        self._iris = iris
        self._edits: dict[str, tuple[str, str]] = {}
        self._page = _around_number(iris.page(_NUMBER))

    def edit(self, collection: str, number: int) -> str:
        """The Edit-IRI, fit for text and for an attribute."""
        if collection not in self._edits:
            self._edits[collection] = _around_number(self._iris.edit(collection, _NUMBER))
        before, after = self._edits[collection]
        return f"{before}{number}{after}"

    def page(self, number: int) -> str:
        """Where people look at the deposit."""
        before, after = self._page
        return f"{before}{number}{after}"


# A number that stands in no other place of an address.
_NUMBER = 9_007_199_254_740_991


def _around_number(address: str) -> tuple[str, str]:
    before, _, after = _attribute(address).rpartition(str(_NUMBER))
    return before, after


def _list_entry(deposit: Listed, addresses: _Addresses, detail: str) -> str:
    fields: list[tuple[str, object]] = [
        ("id", deposit.pk),
        ("reception_date", _iso(deposit.reception_date)),
        ("complete_date", _iso(deposit.complete_date)),
        ("collection", deposit.collection_id),
        ("external_id", deposit.external_id or ""),
        ("origin_url", deposit.origin_url),
        ("client", deposit.client_id),
        ("swhid", deposit.swhid),
        ("swhid_context", deposit.swhid_context),
        ("status", deposit.status),
        ("status_detail", detail or None),
        ("parent", deposit.parent_id),
        ("type", deposit.type),
        ("software_version", deposit.software_version),
        ("release_notes", deposit.release_notes),
    ]
    told = "".join(
        f"    <sd:{name}>{_text(str(value))}</sd:{name}>\n" for name, value in fields if value is not None
    )
    edit = addresses.edit(deposit.collection__name, deposit.pk)
    return (
        f"  <entry>\n{told}    <id>{edit}</id>\n"
        f"    <title>{_text(deposit.title) or f'Deposit {deposit.pk}'}</title>\n"
        f"    <updated>{atom_date(deposit.status_changed_at)}</updated>\n"
        f'    <link rel="edit" href="{edit}"/>\n'
        f'    <link rel="alternate" type="text/html" href="{addresses.page(deposit.pk)}"/>\n'
        "  </entry>\n"
    )


def error(refusal: Refusal) -> bytes:
    """An error document (SWORD 2 section 12)."""
    root = W(
        "error",
        {"href": ERROR_IRI[refusal.kind]},
        A("title", "ERROR"),
        A("updated", atom_date(datetime.now(UTC))),
        A("summary", printable(refusal.summary)),
        W("treatment", "processing failed"),
    )
    if refusal.hint:
        root.append(W("verboseDescription", printable(refusal.hint)))
    return xml(root)
