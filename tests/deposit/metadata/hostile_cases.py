"""Hostile documents and their benign look-alikes, each with its verdict: the code of the refusal, or "accepted".

Documents are made when asked for, so that no bomb lies in the repository or in memory.
"""

import codecs
import gzip
from collections.abc import Callable
from dataclasses import dataclass

from deposit.metadata.xml import MAX_ATTRIBUTE_SIZE, MAX_ATTRIBUTES, MAX_DEPTH, MAX_SIZE, MAX_TAGS
from tests.deposit.metadata.documents import ATOM, AUTHOR, TITLE, entry, whole

ACCEPTED = "accepted"


@dataclass(frozen=True)
class HostileCase:
    """What the document tries, how it is made, and the verdict."""

    name: str
    make: Callable[[], bytes]
    verdict: str


def _dtd(subset: str, use: str = "x") -> bytes:
    start = f'<?xml version="1.0"?>\n<!DOCTYPE entry {subset}>\n'
    return f'{start}<entry xmlns="{ATOM}"><title>{use}</title></entry>'.encode()


def _internal(declarations: str, use: str = "x") -> bytes:
    return _dtd(f"[{declarations}]", use)


def _laughs() -> bytes:
    levels = "".join('<!ENTITY e{} "{}">'.format(n, f"&e{n - 1};" * 10) for n in range(1, 12))
    return _internal(f'<!ENTITY e0 "ha">{levels}', "&e11;")


def _parameter_laughs() -> bytes:
    levels = "".join('<!ENTITY % p{} "{}">'.format(n, f"&#37;p{n - 1};" * 10) for n in range(1, 12))
    return _internal(f'<!ENTITY % p0 "<!-- ha -->">{levels}%p11;')


def _blow_up() -> bytes:
    return _internal(f'<!ENTITY a "{"a" * 100_000}">', "&a;" * 10_000)


def _declarations(one: str, count: int) -> bytes:
    return _internal("".join(one.replace("#", str(number)) for number in range(count)))


def _declared(encoding: str, codec: str | None = None, text: str = "é") -> bytes:
    document = (
        f'<?xml version="1.0" encoding="{encoding}"?><entry xmlns="{ATOM}"><title>{text}</title></entry>'
    )
    return document.encode(codec or encoding)


def _marked(mark: bytes, codec: str, declared: str = "") -> bytes:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return mark + f'{declaration}<entry xmlns="{ATOM}"><title>é</title></entry>'.encode(codec)


def _nested(depth: int) -> bytes:
    inside = depth - 1
    return b"".join([f'<entry xmlns="{ATOM}">'.encode(), b"<x>" * inside, b"</x>" * inside, b"</entry>"])


def _filled(piece: str, count: int) -> bytes:
    return whole(piece * count)


def _attributes(count: int) -> bytes:
    attributes = " ".join(f'a{number}="1"' for number in range(count))
    return whole(f"<x {attributes}/>")


def _prefixes(count: int) -> bytes:
    declarations = " ".join(f'xmlns:n{number}="u"' for number in range(count))
    return whole(f"<x {declarations}/>")


_FILE = '<!ENTITY x SYSTEM "file:///etc/passwd">'

TYPE_DECLARATIONS = [
    HostileCase("a bare declaration", lambda: _dtd(""), "metadata.doctype"),
    HostileCase("an empty internal subset", lambda: _internal(""), "metadata.doctype"),
    HostileCase("a harmless entity", lambda: _internal('<!ENTITY me "Ada">', "&me;"), "metadata.doctype"),
    HostileCase("an entity that is not used", lambda: _internal('<!ENTITY me "Ada">'), "metadata.doctype"),
    HostileCase("an external file", lambda: _internal(_FILE, "&x;"), "metadata.doctype"),
    HostileCase("an external file that is not used", lambda: _internal(_FILE), "metadata.doctype"),
    HostileCase(
        "an external address",
        lambda: _internal('<!ENTITY x SYSTEM "http://127.0.0.1:9/x">', "&x;"),
        "metadata.doctype",
    ),
    HostileCase(
        "a public identifier",
        lambda: _internal('<!ENTITY x PUBLIC "-//X" "ftp://127.0.0.1/x">', "&x;"),
        "metadata.doctype",
    ),
    HostileCase("an external subset", lambda: _dtd('SYSTEM "http://127.0.0.1:9/x.dtd"'), "metadata.doctype"),
    HostileCase("an external subset in a file", lambda: _dtd('SYSTEM "/etc/passwd"'), "metadata.doctype"),
    HostileCase(
        "a parameter entity from outside",
        lambda: _internal('<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;'),
        "metadata.doctype",
    ),
    HostileCase(
        "an unparsed entity",
        lambda: _internal('<!NOTATION n SYSTEM "n"><!ENTITY x SYSTEM "x" NDATA n>'),
        "metadata.doctype",
    ),
    HostileCase("a billion laughs", _laughs, "metadata.doctype"),
    HostileCase("a billion laughs in parameter entities", _parameter_laughs, "metadata.doctype"),
    HostileCase("a quadratic blow-up", _blow_up, "metadata.doctype"),
    HostileCase(
        "an entity in itself",
        lambda: _internal('<!ENTITY a "&b;"><!ENTITY b "&a;">', "&a;"),
        "metadata.doctype",
    ),
    HostileCase("a default attribute", lambda: _internal('<!ATTLIST title a CDATA "x">'), "metadata.doctype"),
    HostileCase(
        "attributes declared by the ten thousand",
        lambda: _declarations('<!ATTLIST title a# CDATA "x">', 90_000),
        "metadata.doctype",
    ),
    HostileCase(
        "entities declared by the ten thousand",
        lambda: _declarations('<!ENTITY e# "x">', 90_000),
        "metadata.doctype",
    ),
    HostileCase(
        "a declaration behind comments",
        lambda: b"<!-- a --><?b c?>" * 3 + _internal(_FILE, "&x;")[22:],
        "metadata.doctype",
    ),
    HostileCase(
        "a declaration behind ten thousand comments",
        lambda: b"<!---->" * 30_000 + b"<!DOCTYPE entry><entry/>",
        "metadata.doctype",
    ),
    HostileCase(
        "a declaration behind a second byte order mark",
        lambda: codecs.BOM_UTF8 * 2 + _internal(_FILE, "&x;"),
        "metadata.doctype",
    ),
    HostileCase(
        "a declaration in UTF-16",
        lambda: _internal(_FILE, "&x;").decode().encode("utf-16"),
        "metadata.doctype",
    ),
    HostileCase(
        "a declaration in UTF-7",
        lambda: b'<?xml version="1.0" encoding="utf-7"?>+ADw-!DOCTYPE e+AD4-<e/>',
        "metadata.encoding",
    ),
    HostileCase("a declaration in lower case", lambda: b"<!doctype html><html/>", "metadata.malformed"),
    HostileCase("a declaration after the root", lambda: whole() + b"<!DOCTYPE entry>", "metadata.malformed"),
    HostileCase("a declaration inside the root", lambda: whole("<!DOCTYPE x>"), "metadata.malformed"),
    HostileCase("the word in a comment", lambda: b"<!-- <!DOCTYPE entry [ -->" + whole(), ACCEPTED),
    HostileCase("the word in an instruction", lambda: b"<?note <!DOCTYPE entry [ ?>" + whole(), ACCEPTED),
    HostileCase(
        "the word in a CDATA section",
        lambda: whole("<summary><![CDATA[<!DOCTYPE html>]]></summary>"),
        ACCEPTED,
    ),
    HostileCase("the word in an attribute", lambda: whole('<x a="&lt;!DOCTYPE html>"/>'), ACCEPTED),
    HostileCase(
        "entities of XML itself",
        lambda: whole("<summary>&lt;&amp;&gt;&quot;&apos;&#233;&#xe9;</summary>"),
        ACCEPTED,
    ),
    HostileCase("an entity of HTML", lambda: whole("<summary>&nbsp;</summary>"), "metadata.malformed"),
]

INCLUSIONS = [
    HostileCase(
        "XInclude of a file",
        lambda: whole(
            '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
        ),
        ACCEPTED,
    ),
    HostileCase(
        "XInclude as the root",
        lambda: b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>',
        ACCEPTED,
    ),
    HostileCase(
        "a style sheet",
        lambda: b'<?xml-stylesheet type="text/xsl" href="http://127.0.0.1:9/x"?>' + whole(),
        ACCEPTED,
    ),
    HostileCase(
        "a schema location",
        lambda: whole(
            '<x xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:noNamespaceSchemaLocation="http://127.0.0.1:9/x"/>'
        ),
        ACCEPTED,
    ),
    HostileCase("a base", lambda: whole('<x xml:base="file:///etc/"/>'), ACCEPTED),
    HostileCase("a content from elsewhere", lambda: whole('<summary src="http://127.0.0.1:9/x"/>'), ACCEPTED),
]

SIZES = [
    HostileCase("nothing", lambda: b"", "metadata.empty"),
    HostileCase("white space", lambda: b" \n", "metadata.malformed"),
    HostileCase("one byte too much", lambda: b" " * (MAX_SIZE + 1), "metadata.size"),
    HostileCase("the greatest depth", lambda: _nested(MAX_DEPTH), ACCEPTED),
    HostileCase("one element too deep", lambda: _nested(MAX_DEPTH + 1), "metadata.depth"),
    HostileCase("a thousand deep", lambda: _nested(1_000), "metadata.depth"),
    HostileCase("depth without an end", lambda: b"<a>" * (MAX_TAGS - 1), "metadata.depth"),
    HostileCase("forty thousand elements", lambda: _filled("<x/>", 40_000), ACCEPTED),
    HostileCase("too many elements", lambda: _filled("<x/>", MAX_TAGS), "metadata.elements"),
    HostileCase("too many comments", lambda: _filled("<!---->", MAX_TAGS), "metadata.elements"),
    HostileCase("too many instructions", lambda: _filled("<?x?>", MAX_TAGS), "metadata.elements"),
    HostileCase("forty thousand instructions", lambda: _filled("<?x?>", 40_000), ACCEPTED),
    HostileCase(
        "forty thousand comments in a text", lambda: whole(f"<title>{'x<!---->' * 40_000}</title>"), ACCEPTED
    ),
    HostileCase("a long text", lambda: whole(f"<summary>{'x' * (MAX_SIZE - 1_000)}</summary>"), ACCEPTED),
    HostileCase(
        "a million character references", lambda: whole(f"<summary>{'&#65;' * 800_000}</summary>"), ACCEPTED
    ),
    HostileCase("many attributes", lambda: _attributes(MAX_ATTRIBUTES), ACCEPTED),
    HostileCase("one attribute too many", lambda: _attributes(MAX_ATTRIBUTES + 1), "metadata.attributes"),
    HostileCase("three hundred thousand attributes", lambda: _attributes(300_000), "metadata.attributes"),
    HostileCase("a long attribute", lambda: whole(f'<x a="{"x" * MAX_ATTRIBUTE_SIZE}"/>'), ACCEPTED),
    HostileCase(
        "a giant attribute",
        lambda: whole(f'<x a="{"x" * (MAX_ATTRIBUTE_SIZE + 1)}"/>'),
        "metadata.attribute_size",
    ),
    HostileCase("a long name", lambda: whole(f"<{'x' * 40_000}/>"), ACCEPTED),
    HostileCase("a giant name", lambda: whole(f"<{'x' * 60_000}/>"), "metadata.malformed"),
    HostileCase("a compressed document", lambda: gzip.compress(whole()), "metadata.encoding"),
]

ENCODINGS = [
    HostileCase("UTF-8 with a mark", lambda: codecs.BOM_UTF8 + whole(), ACCEPTED),
    HostileCase(
        "UTF-8 with a mark and declared", lambda: _marked(codecs.BOM_UTF8, "utf-8", "UTF-8"), ACCEPTED
    ),
    HostileCase("UTF-8 declared in lower case", lambda: _declared("utf-8"), ACCEPTED),
    HostileCase("ASCII", lambda: _declared("us-ascii", text="e"), ACCEPTED),
    HostileCase("Latin 1", lambda: _declared("ISO-8859-1"), ACCEPTED),
    HostileCase("Latin 9", lambda: _declared("ISO-8859-15", text="€"), ACCEPTED),
    HostileCase("Windows 1252", lambda: _declared("windows-1252", text="…"), ACCEPTED),
    HostileCase(
        "UTF-16, little end first", lambda: _marked(codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"), ACCEPTED
    ),
    HostileCase("UTF-16, big end first", lambda: _marked(codecs.BOM_UTF16_BE, "utf-16-be"), ACCEPTED),
    HostileCase("UTF-16 without a mark", lambda: _marked(b"", "utf-16-le", "UTF-16"), "metadata.encoding"),
    HostileCase(
        "UTF-16 cut in a character",
        lambda: _marked(codecs.BOM_UTF16_LE, "utf-16-le")[:-1],
        "metadata.encoding",
    ),
    HostileCase("UTF-16 only declared", lambda: _declared("UTF-16", "utf-8"), "metadata.encoding"),
    HostileCase("UTF-32 with a mark", lambda: _marked(codecs.BOM_UTF32_LE, "utf-32-le"), "metadata.encoding"),
    HostileCase("UTF-32 without a mark", lambda: _marked(b"", "utf-32-be"), "metadata.encoding"),
    HostileCase("UTF-7", lambda: _declared("UTF-7"), "metadata.encoding"),
    HostileCase("EBCDIC declared", lambda: _declared("ebcdic-cp-us", "utf-8"), "metadata.encoding"),
    HostileCase("EBCDIC", lambda: _declared("cp037"), "metadata.encoding"),
    HostileCase(
        "an encoding of Python's own", lambda: _declared("unicode_escape", "utf-8"), "metadata.encoding"
    ),
    HostileCase("a codec that decompresses", lambda: _declared("zlib", "utf-8"), "metadata.encoding"),
    HostileCase(
        "an encoding that does not exist", lambda: _declared("klingon", "utf-8"), "metadata.encoding"
    ),
    HostileCase(
        "a name of an encoding without an end",
        lambda: b'<?xml version="1.0" encoding="' + b"x" * 9_999,
        "metadata.malformed",
    ),
    HostileCase(
        "Latin 1 under UTF-8's mark",
        lambda: _marked(codecs.BOM_UTF8, "utf-8", "ISO-8859-1"),
        "metadata.encoding",
    ),
    HostileCase("Latin 1 called UTF-8", lambda: _declared("UTF-8", "iso-8859-1"), "metadata.encoding"),
    HostileCase("Latin 1 not declared", lambda: _marked(b"", "iso-8859-1"), "metadata.encoding"),
    HostileCase(
        "overlong UTF-8",
        lambda: whole("<summary>@</summary>").replace(b"@", b"\xc0\xbc"),
        "metadata.encoding",
    ),
    HostileCase(
        "surrogates in UTF-8", lambda: whole("@").replace(b"@", b"\xed\xa0\x80"), "metadata.encoding"
    ),
    HostileCase("a NUL", lambda: whole("@").replace(b"@", b"\0"), "metadata.malformed"),
    HostileCase("a NUL behind the end", lambda: whole() + b"\0<x/>", "metadata.malformed"),
    HostileCase("a NUL as a reference", lambda: whole("&#0;"), "metadata.malformed"),
    HostileCase("a control character", lambda: whole("\x08"), "metadata.malformed"),
    HostileCase("a surrogate as a reference", lambda: whole("&#xD800;"), "metadata.malformed"),
    HostileCase("a character too high", lambda: whole("&#x110000;"), "metadata.malformed"),
    HostileCase("a non-character", lambda: whole("\ufffe"), "metadata.malformed"),
    HostileCase("an emoji", lambda: whole("<summary>\N{GRINNING FACE}</summary>"), ACCEPTED),
    HostileCase("marks of direction", lambda: whole("<summary>\u202e\u2066x</summary>"), ACCEPTED),
]

NAMES = [
    HostileCase("an undeclared prefix", lambda: whole("<dc:title>x</dc:title>"), "metadata.malformed"),
    HostileCase("an undeclared prefix of an attribute", lambda: whole('<x y:z="1"/>'), "metadata.malformed"),
    HostileCase("xml bound to something else", lambda: whole('<x xmlns:xml="urn:x"/>'), "metadata.malformed"),
    HostileCase("a prefix bound to nothing", lambda: whole('<x xmlns:y=""/>'), "metadata.malformed"),
    HostileCase(
        "one attribute under two prefixes",
        lambda: whole('<x xmlns:a="urn:x" xmlns:b="urn:x" a:c="1" b:c="2"/>'),
        "metadata.malformed",
    ),
    HostileCase("two colons", lambda: whole('<a:b:c xmlns:a="urn:x"/>'), "metadata.malformed"),
    HostileCase("a namespace with a brace", lambda: whole('<x:y xmlns:x="urn}x"/>'), "metadata.malformed"),
    HostileCase(
        "an attribute whose namespace has a brace",
        lambda: whole('<x xmlns:x="urn{x" x:a="1"/>'),
        "metadata.malformed",
    ),
    HostileCase(
        "an undeclared prefix before a namespace that is a relative URI",
        lambda: whole('<y:z><x xmlns="/"/></y:z>'),
        "metadata.malformed",
    ),
    HostileCase("a namespace with a space", lambda: whole('<x xmlns="urn x"/>'), "metadata.malformed"),
    HostileCase("a prefix bound anew", lambda: whole('<codemeta:x xmlns:codemeta="urn:x"/>'), ACCEPTED),
    HostileCase("the default namespace taken away", lambda: whole('<x xmlns=""/>'), ACCEPTED),
    HostileCase(
        "Atom under a prefix", lambda: f'<a:entry xmlns:a="{ATOM}"><a:title/></a:entry>'.encode(), ACCEPTED
    ),
    HostileCase(
        "two hundred thousand prefixes",
        lambda: _prefixes(200_000),
        ACCEPTED,
    ),
    HostileCase(
        "forty thousand elements with a namespace each",
        lambda: whole(*(f'<x xmlns="urn:{number}"/>' for number in range(40_000))),
        ACCEPTED,
    ),
]

SHAPES = [
    HostileCase("two roots", lambda: whole() + whole(), "metadata.malformed"),
    HostileCase("no root", lambda: b"<?xml version='1.0'?><!-- nothing -->", "metadata.malformed"),
    HostileCase("text before the root", lambda: b"x" + whole(), "metadata.malformed"),
    HostileCase("JSON", lambda: b'{"title": "x"}', "metadata.malformed"),
    HostileCase("an open element", lambda: whole()[:-3], "metadata.malformed"),
    HostileCase("crossed elements", lambda: whole("<a><b></a></b>"), "metadata.malformed"),
    HostileCase("an attribute twice", lambda: whole('<x a="1" a="2"/>'), "metadata.malformed"),
    HostileCase("an attribute without quotes", lambda: whole("<x a=1/>"), "metadata.malformed"),
    HostileCase("an ampersand", lambda: whole("<summary>AT&T</summary>"), "metadata.malformed"),
    HostileCase("a declaration not at the start", lambda: b"\n" + _declared("utf-8"), "metadata.malformed"),
    HostileCase("an open comment", lambda: whole("<!-- "), "metadata.malformed"),
    HostileCase("an open CDATA section", lambda: whole("<![CDATA["), "metadata.malformed"),
    HostileCase("XML 1.1", lambda: b'<?xml version="1.1"?>' + entry(TITLE, AUTHOR), ACCEPTED),
    HostileCase("lines that end as on Windows", lambda: whole().replace(b"\n", b"\r\n"), ACCEPTED),
]

GROUPS = {
    "type declarations": TYPE_DECLARATIONS,
    "inclusions": INCLUSIONS,
    "sizes": SIZES,
    "encodings": ENCODINGS,
    "names": NAMES,
    "shapes": SHAPES,
}
CASES = [case for cases in GROUPS.values() for case in cases]
