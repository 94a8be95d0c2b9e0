"""The one place where bytes become XML.

Every document is hostile until read. libxml2 is told to load nothing and to expand nothing; a document type
declaration is refused whole; the size, the number of tags, the depth and the attributes are bounded, so that
no document costs more than a fraction of a second. Comments and processing instructions are dropped: they say
nothing to us, and the document is kept as it was sent.
"""

import codecs
import re

from lxml import etree

from deposit.metadata.catalogue import shown
from deposit.metadata.errors import MetadataError

MAX_SIZE = 4 * 1024 * 1024
MAX_TAGS = 100_000
MAX_DEPTH = 64
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE_SIZE = 65_536

_DECLARATION = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")

# A document type declaration stands before the first element, among comments and processing instructions. It
# is looked for before libxml2 sees it: declarations alone can cost it minutes.
_DOCTYPE = re.compile(rb"(?>[^<]|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)

# Byte order marks; UTF-32 begins like UTF-16, so it is asked first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
    "utf-16": "utf-16",
}

_E = etree.ErrorTypes
_REASONS: dict[int, str] = {
    _E.ERR_DOCUMENT_EMPTY: "There is no XML element here. Send an Atom entry.",
    _E.ERR_DOCUMENT_END: "Something follows the end of the entry. Remove it.",
    _E.ERR_TAG_NOT_FINISHED: "The document ends before its elements are closed. Send it whole.",
    _E.ERR_TAG_NAME_MISMATCH: (
        "The closing tag does not match the element that is open. Close elements in order."
    ),
    _E.ERR_UNDECLARED_ENTITY: "An entity is used that XML does not have. Write the character itself (UTF-8).",
    _E.ERR_INVALID_CHAR: "A character is used that XML does not allow. Remove it.",
    _E.ERR_NAME_REQUIRED: "A name is missing; a literal '&' is written &amp; and a literal '<' &lt;.",
    _E.ERR_ENTITYREF_SEMICOL_MISSING: "A literal '&' is written &amp;, and an entity ends with a semicolon.",
    _E.ERR_LT_IN_ATTRIBUTE: "An attribute holds a literal '<'. Write it as &lt;.",
    _E.ERR_ATTRIBUTE_NOT_STARTED: "An attribute's value is not quoted. Put it between quotation marks.",
    _E.ERR_ATTRIBUTE_REDEFINED: "An attribute is given twice. Keep one.",
    _E.NS_ERR_ATTRIBUTE_REDEFINED: "An attribute is given twice. Keep one.",
    _E.NS_ERR_UNDEFINED_NAMESPACE: (
        "A namespace prefix is used that is not declared. Add its xmlns declaration."
    ),
    _E.WAR_NS_URI: "A namespace declaration is not a URI. Correct the xmlns attribute.",
    _E.ERR_RESERVED_XML_NAME: "The XML declaration must be the very first thing in the document.",
}
_NOT_WELL_FORMED = "The document is not well-formed XML here. Check it with an XML editor."


def parse(data: bytes, *, max_size: int = MAX_SIZE) -> etree._Element:
    """Return the root element of an XML document, without comments and processing instructions.

    ``data`` is the document as received; UTF-8 (with or without a byte order mark), US-ASCII, ISO-8859-1,
    ISO-8859-15, Windows-1252 and UTF-16 with a mark are read, nothing else. Raises :class:`MetadataError`
    with one of the codes ``metadata.empty``, ``.size``, ``.encoding``, ``.malformed``, ``.doctype``,
    ``.depth``, ``.elements``, ``.attributes``, ``.attribute_size``.
    """
    if not data:
        raise MetadataError("metadata.empty")
    if len(data) > max_size:
        raise MetadataError("metadata.size", size=len(data), limit=max_size)
    document = _decode(data).encode()
    if _DOCTYPE.match(document):
        raise MetadataError("metadata.doctype")
    if document.count(b"<") > MAX_TAGS:
        raise MetadataError("metadata.elements", limit=MAX_TAGS)
    root = _build(document)
    _refuse_excess(root)
    return root


def parse_as_sent(data: bytes, *, max_size: int) -> etree._Element:
    """Return the root element of another system's document, with all that it holds, so that it can be hashed or kept.

    For documents that are larger than any client's, from systems that the operator named. Comments and processing
    instructions stay; nothing is loaded or expanded, a document type declaration is refused, and libxml2's own bounds
    on depth and text hold. Raises :class:`MetadataError` as :func:`parse` does.
    """
    if not data:
        raise MetadataError("metadata.empty")
    if len(data) > max_size:
        raise MetadataError("metadata.size", size=len(data), limit=max_size)
    if _DOCTYPE.match(data):
        raise MetadataError("metadata.doctype")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = _parsed(data, parser)
    if root.getroottree().docinfo.internalDTD is not None:  # in an encoding that the look above cannot read
        raise MetadataError("metadata.doctype")
    return root


def _decode(data: bytes) -> str:
    encoding = _encoding(data)
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        reason = f"The document is not {encoding.upper()} at byte {error.start}."
        raise MetadataError("metadata.encoding", reason=reason) from None


def _encoding(data: bytes) -> str:
    """The encoding to decode with; where mark and declaration disagree the document is refused, not guessed
    at.
    """
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    if marked is None and b"\0" in data[:4]:
        raise MetadataError(
            "metadata.encoding", reason="The document is UTF-16 or UTF-32 without a byte order mark."
        )
    if marked == "utf-16":
        return marked
    match = _DECLARATION.match(data.removeprefix(codecs.BOM_UTF8)[:400])
    declared = match[1].decode("ascii").lower() if match else "utf-8"
    known = _ENCODINGS.get(declared)
    if marked == "utf-32" or known is None:
        reason = f"The encoding {shown(marked or declared)} is not accepted."
        raise MetadataError("metadata.encoding", reason=reason)
    if (marked and known != marked) or (not marked and known == "utf-16"):
        reason = f"The document declares {shown(declared)}, but its first bytes say otherwise."
        raise MetadataError("metadata.encoding", reason=reason)
    return known


def _build(document: bytes) -> etree._Element:
    # A parser per document: lxml locks a parser while it is used, and threads would queue at a shared one.
    parser = etree.XMLParser(
        encoding="utf-8",  # decided above; overrides the declaration
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    return _parsed(document, parser)


def _parsed(document: bytes, parser: etree.XMLParser) -> etree._Element:
    try:
        return etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        code = error.code  # type: ignore[attr-defined]  # the stubs lack it
        if code == _E.ERR_RESOURCE_LIMIT:  # libxml2's own bound, 256
            raise MetadataError("metadata.depth", limit=MAX_DEPTH) from None
        line, column = error.position
        reason = _REASONS.get(code, _NOT_WELL_FORMED)
        raise MetadataError("metadata.malformed", line=line, column=column, reason=reason) from None


def _refuse_excess(root: etree._Element) -> None:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        if depth > MAX_DEPTH:
            raise MetadataError("metadata.depth", limit=MAX_DEPTH)
        _refuse_odd_names(element)
        if len(element.attrib) > MAX_ATTRIBUTES:
            raise MetadataError("metadata.attributes", line=element.sourceline, limit=MAX_ATTRIBUTES)
        for name, value in element.items():
            if len(value) > MAX_ATTRIBUTE_SIZE:
                raise MetadataError(
                    "metadata.attribute_size",
                    line=element.sourceline,
                    name=shown(str(name)),
                    limit=MAX_ATTRIBUTE_SIZE,
                )


def _refuse_odd_names(element: etree._Element) -> None:
    """No URI has braces: names in which one does cannot be told from their namespaces.

    Nor has a name a colon when its prefix is declared; that it is not is forgotten when a warning follows.
    """
    for name in map(str, (element.tag, *element.keys())):
        space, _, local = name[1:].partition("}") if name.startswith("{") else ("", "", name)
        odd = (
            _E.WAR_NS_URI
            if "{" in space or "}" in local
            else _E.NS_ERR_UNDEFINED_NAMESPACE
            if ":" in local
            else None
        )
        if odd:
            line = element.sourceline
            raise MetadataError("metadata.malformed", line=line, column=1, reason=_REASONS[odd])
