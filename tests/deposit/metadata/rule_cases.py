"""One case per rule: a document and the findings it must have, as (code, subject) without the warning's."""

from dataclasses import dataclass, field

from tests.deposit.metadata.documents import (
    AUTHOR,
    CODEMETA_3,
    PROVENANCE,
    TITLE,
    entry,
    origin,
    person,
    referenced,
    whole,
)

SWHID = "swh:1:dir:" + "1" * 40
CREATE, ADD = origin("create_origin"), origin("add_to_origin")


@dataclass(frozen=True)
class Case:
    """A document with what the checks must find in it."""

    name: str
    document: bytes
    expected: list[tuple[str, str]] = field(default_factory=list)


def _in_deposit(name: str, inside: str, *expected: tuple[str, str]) -> Case:
    document = entry(TITLE, AUTHOR, f"<swh:deposit>{PROVENANCE}{inside}</swh:deposit>")
    return Case(name, document, list(expected))


def _on_line_5(name: str, line: str, *expected: tuple[str, str], codemeta: str | None = None) -> Case:
    document = whole(line, codemeta=codemeta) if codemeta else whole(line)
    return Case(name, document, list(expected))


def _value(name: str, element: str, text: str, code: str | None = None, codemeta: str | None = None) -> Case:
    expected = [(code, f"entry/codemeta:{element}, line 5")] if code else []
    line = f"<codemeta:{element}>{text}</codemeta:{element}>"
    return _on_line_5(f"{element} {name}", line, *expected, codemeta=codemeta)


DEPOSIT = "entry/swh:deposit"
_NAME_MISSING = ("metadata.mandatory", "atom:name or atom:title or codemeta:name")
_AUTHOR_MISSING = ("metadata.mandatory", "atom:author or codemeta:author")
_PROVENANCE_MISSING = ("metadata.suggested", "swh:metadata-provenance")

_BLANKS = {
    "nothing": "",
    "spaces": "  ",
    "lines": "\n\t\r\n",
    "spaces that do not break": "\u00a0\u202f",
    "spaces without width": "\u200b\ufeff\u2060",
}

ROOT = [
    Case("feed as root", entry(TITLE, AUTHOR, root="feed"), [("metadata.root", "feed, line 1")]),
    Case("entry without namespace", b"<entry><title/></entry>", [("metadata.root", "entry, line 1")]),
    Case("codemeta root", entry(TITLE, root="codemeta:entry"), [("metadata.root", "codemeta:entry, line 1")]),
]

MANDATORY = [
    Case("title and author", whole()),
    Case("atom name", entry("<name>x</name>", AUTHOR), [_PROVENANCE_MISSING]),
    Case(
        "codemeta name and author", entry("<codemeta:name>x</codemeta:name>", person()), [_PROVENANCE_MISSING]
    ),
    Case(
        "codemeta 3 name and author",
        entry("<codemeta:name>x</codemeta:name>", person(), codemeta=CODEMETA_3),
        [_PROVENANCE_MISSING],
    ),
    Case("no name", entry(AUTHOR), [_NAME_MISSING, _PROVENANCE_MISSING]),
    Case("no author", entry(TITLE), [_AUTHOR_MISSING, _PROVENANCE_MISSING]),
    Case("neither", entry("<id>x</id>"), [_NAME_MISSING, _AUTHOR_MISSING, _PROVENANCE_MISSING]),
    Case(
        "name and author only deeper",
        entry(f"<source>{TITLE}{AUTHOR}</source>"),
        [_NAME_MISSING, _AUTHOR_MISSING, _PROVENANCE_MISSING],
    ),
    *(
        Case(
            f"a title of {name}",
            entry(f"<title>{blanks}</title>", AUTHOR),
            [_NAME_MISSING, _PROVENANCE_MISSING],
        )
        for name, blanks in _BLANKS.items()
    ),
    *(
        Case(
            f"an author of {name}",
            entry(TITLE, f"<author><name>{blanks}</name><email>a@b.example</email></author>"),
            [_AUTHOR_MISSING, _PROVENANCE_MISSING],
        )
        for name, blanks in _BLANKS.items()
    ),
    Case("an author of nothing", entry(TITLE, "<author/>"), [_AUTHOR_MISSING, _PROVENANCE_MISSING]),
    Case(
        "a codemeta title and author of blanks",
        entry("<codemeta:name> </codemeta:name>", person(inside="<codemeta:name>\n</codemeta:name>")),
        [
            _NAME_MISSING,
            _AUTHOR_MISSING,
            ("metadata.agent", "entry/codemeta:author, line 3"),
            _PROVENANCE_MISSING,
        ],
    ),
    Case("a title of blanks beside one", entry("<title> </title>", TITLE, AUTHOR), [_PROVENANCE_MISSING]),
    Case("an author of plain text", entry(TITLE, "<author>Ada</author>"), [_PROVENANCE_MISSING]),
    Case(
        "provenance without a URL",
        entry(TITLE, AUTHOR, "<swh:deposit><swh:metadata-provenance/></swh:deposit>"),
        [_PROVENANCE_MISSING],
    ),
    Case(
        "provenance with a blank URL",
        entry(
            TITLE,
            AUTHOR,
            "<swh:deposit><swh:metadata-provenance><schema:url> </schema:url></swh:metadata-provenance></swh:deposit>",
        ),
        [_PROVENANCE_MISSING],
    ),
]

_SECOND = f"{DEPOSIT}[2], line 5"
DEPOSIT_ELEMENT = [
    _in_deposit("create_origin", CREATE),
    _in_deposit("add_to_origin", ADD),
    _in_deposit("reference to an origin", origin("reference")),
    _in_deposit("reference to an object", referenced(SWHID)),
    _in_deposit(
        "an unknown element", "<swh:note/>", ("metadata.deposit_element", f"{DEPOSIT}/swh:note, line 4")
    ),
    _in_deposit("an element of Atom", "<title/>", ("metadata.deposit_element", f"{DEPOSIT}/title, line 4")),
    Case(
        "a schema location",
        entry(
            TITLE,
            AUTHOR,
            '<swh:deposit xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">'
            f"{PROVENANCE}</swh:deposit>",
        ),
    ),
    Case(
        "anything in the provenance",
        entry(
            TITLE,
            AUTHOR,
            '<swh:deposit><swh:metadata-provenance>from <x xmlns="urn:x">us</x> <schema:url>https://a.example'
            "</schema:url></swh:metadata-provenance></swh:deposit>",
        ),
    ),
    _in_deposit(
        "create_origin twice",
        CREATE + CREATE,
        ("metadata.deposit_repeated", f"{DEPOSIT}/swh:create_origin[2], line 4"),
    ),
    _in_deposit(
        "provenance twice",
        PROVENANCE,
        ("metadata.deposit_repeated", f"{DEPOSIT}/swh:metadata-provenance[2], line 4"),
    ),
    _in_deposit(
        "create and add", CREATE + ADD, ("metadata.deposit_exclusive", f"{DEPOSIT}/swh:add_to_origin, line 4")
    ),
    _in_deposit(
        "create and reference",
        CREATE + referenced(SWHID),
        ("metadata.deposit_exclusive", f"{DEPOSIT}/swh:reference, line 4"),
    ),
    _in_deposit(
        "add and reference",
        referenced(SWHID) + ADD,
        ("metadata.deposit_exclusive", f"{DEPOSIT}/swh:add_to_origin, line 4"),
    ),
    _in_deposit(
        "create_origin without origin",
        "<swh:create_origin/>",
        ("metadata.deposit_content", f"{DEPOSIT}/swh:create_origin, line 4"),
    ),
    _in_deposit(
        "two origins",
        '<swh:add_to_origin><swh:origin url="a"/><swh:origin url="b"/></swh:add_to_origin>',
        ("metadata.deposit_content", f"{DEPOSIT}/swh:add_to_origin, line 4"),
    ),
    _in_deposit(
        "an object to create",
        f'<swh:create_origin><swh:object swhid="{SWHID}"/></swh:create_origin>',
        ("metadata.deposit_content", f"{DEPOSIT}/swh:create_origin, line 4"),
        ("metadata.deposit_element", f"{DEPOSIT}/swh:create_origin/swh:object, line 4"),
    ),
    _in_deposit(
        "an origin and an object",
        f'<swh:reference><swh:origin url="a"/><swh:object swhid="{SWHID}"/></swh:reference>',
        ("metadata.deposit_content", f"{DEPOSIT}/swh:reference, line 4"),
    ),
    _in_deposit(
        "an attribute of an origin",
        origin("create_origin", 'url="https://provider.example/a" visit="full"'),
        ("metadata.deposit_attribute", f"{DEPOSIT}/swh:create_origin/swh:origin, line 4"),
    ),
    _in_deposit(
        "an attribute of create_origin",
        '<swh:create_origin now="yes"><swh:origin url="a"/></swh:create_origin>',
        ("metadata.deposit_attribute", f"{DEPOSIT}/swh:create_origin, line 4"),
    ),
    _in_deposit("text", "create it", ("metadata.deposit_text", f"{DEPOSIT}, line 4")),
    _in_deposit(
        "text in an origin",
        "<swh:create_origin><swh:origin>https://provider.example</swh:origin></swh:create_origin>",
        ("metadata.deposit_text", f"{DEPOSIT}/swh:create_origin/swh:origin, line 4"),
    ),
    _in_deposit(
        "an element in an origin",
        '<swh:create_origin><swh:origin url="a"><swh:x/></swh:origin></swh:create_origin>',
        ("metadata.deposit_element", f"{DEPOSIT}/swh:create_origin/swh:origin/swh:x, line 4"),
    ),
    _on_line_5("two swh:deposit", "<swh:deposit/>", ("metadata.deposit_repeated", _SECOND)),
]

_URI = "metadata.uri"
URIS = [
    *(
        _value("as a web address", name, "https://example.org/x")
        for name in ("id", "url", "issueTracker", "readme", "installUrl", "identifier")
    ),
    *(
        _value("relative", name, "x/y", _URI)
        for name in ("id", "url", "issueTracker", "readme", "installUrl")
    ),
    _value("with white space around", "url", "\n https://example.org \n"),
    _value("empty", "url", "", _URI),
    _value("without host", "url", "mailto:ada@example.org", _URI),
    _value("with a space in the host", "url", "https://exa mple.org/", _URI),
    _value("with a broken host", "url", "https://[::1/", _URI),
    _value("with an element", "url", "<codemeta:url>https://example.org</codemeta:url>", _URI),
    _value("of HAL", "identifier", "hal-01234567"),
    _value("of HAL with a version", "identifier", "hal-01234567v2"),
    _value("of HAL without digits", "identifier", "hal-x", "metadata.identifier"),
    _value("as a bare DOI", "identifier", "10.1234/x", "metadata.identifier"),
    _value(
        "with an element",
        "identifier",
        "<codemeta:id>https://example.org</codemeta:id>",
        "metadata.identifier",
    ),
]

_GOOD_DATES_LINES = """
    2024 2024-02 2024-02-29 2024-02-29T23:59:59 2024-02-29T23:59:59Z 2024-02-29T23:59:59.123456789+05:30
    2024-02-29T24:00:00 2024-02-29+14:00 2024Z 2024-02-14:00 0001 9999-12-31T09:59:59-14:00
"""
GOOD_DATES = _GOOD_DATES_LINES.split()
_BAD_DATES_LINES = """
    2024-13 2023-02-29 24 20240229 2024-2-9 2024/02/29 29.02.2024 2024-02-29T24:00:01 2024-02-29T12:00
    2024-02-29T25:00:00 2024-02-29T12:60:00 2024-02-29T12:00:60 2024-02-29T12:00:00+15:00 2024-02-29T12:00:00+14:30
    2024-W09 2024-060 today 0000 9999-12-31T24:00:00 9999-12-31T23:59:59-14:00 2024-02-29T12:00:00.  -2024 ٢٠٢٤
"""
BAD_DATES = _BAD_DATES_LINES.split()

DATES = [
    *(_value(text, "dateCreated", text) for text in GOOD_DATES),
    *(_value(text, "datePublished", text, "metadata.date") for text in BAD_DATES),
    _value("empty", "dateModified", "", "metadata.date"),
    _value("with white space around", "dateModified", " 2024 \n"),
    _value("as a day", "embargoDate", "2024-02-29"),
    _value("as a day with a zone", "embargoDate", "2024-02-29Z"),
    _value("as a year", "embargoDate", "2024", "metadata.day"),
    _value("as a month", "embargoDate", "2024-02", "metadata.day"),
    _value("as a time", "embargoDate", "2024-02-29T12:00:00", "metadata.day"),
    _value("as no day", "embargoDate", "2024-02-30", "metadata.day"),
    _value("as a day", "embargoEndDate", "2024-02-29", codemeta=CODEMETA_3),
    _value("as a year", "embargoEndDate", "2024", "metadata.day", codemeta=CODEMETA_3),
    _value("as no date", "dateCreated", "soon", "metadata.date", codemeta=CODEMETA_3),
]

_AGENTS = ("author", "contributor", "copyrightHolder", "creator", "maintainer")
_AFFILIATION = "entry/codemeta:author/codemeta:affiliation, line 5"
_NAMED = "<codemeta:name>Ada</codemeta:name>"
AGENTS = [
    *(_on_line_5(f"{name} with a name", person(name)) for name in _AGENTS),
    *(
        _on_line_5(f"{name} without", person(name, ""), ("metadata.agent", f"entry/codemeta:{name}, line 5"))
        for name in _AGENTS
    ),
    _on_line_5(
        "author as text",
        person("author", "Ada"),
        ("metadata.agent", "entry/codemeta:author, line 5"),
        ("metadata.agent_text", "entry/codemeta:author, line 5"),
    ),
    _on_line_5(
        "author with text and name",
        person("author", _NAMED + "of London"),
        ("metadata.agent_text", "entry/codemeta:author, line 5"),
    ),
    *(
        _on_line_5(
            f"author with a name of {name}",
            person("author", f"<codemeta:name>{blanks}</codemeta:name>"),
            ("metadata.agent", "entry/codemeta:author, line 5"),
        )
        for name, blanks in _BLANKS.items()
        if "\n" not in blanks
    ),
    _on_line_5("author with two names", person("author", _NAMED + _NAMED)),
    _on_line_5(
        "author with an identifier that is none",
        person("author", _NAMED + "<codemeta:id>0000-0001</codemeta:id>"),
        ("metadata.uri", "entry/codemeta:author/codemeta:id, line 5"),
    ),
    _on_line_5(
        "author with given and family name only",
        person(
            "author", "<codemeta:givenName>A</codemeta:givenName><codemeta:familyName>L</codemeta:familyName>"
        ),
        ("metadata.agent", "entry/codemeta:author, line 5"),
    ),
    _on_line_5(
        "affiliation as text", person("author", f"{_NAMED}<codemeta:affiliation>X</codemeta:affiliation>")
    ),
    _on_line_5(
        "affiliation as element",
        person(
            "author", f"{_NAMED}<codemeta:affiliation><codemeta:name>X</codemeta:name></codemeta:affiliation>"
        ),
    ),
    _on_line_5(
        "empty affiliation",
        person("author", f"{_NAMED}<codemeta:affiliation> </codemeta:affiliation>"),
        ("metadata.affiliation", _AFFILIATION),
    ),
    _on_line_5(
        "affiliation with an empty name",
        person("author", f"{_NAMED}<codemeta:affiliation><codemeta:name/></codemeta:affiliation>"),
        ("metadata.affiliation", _AFFILIATION),
    ),
    _on_line_5(
        "affiliation without name",
        person(
            "author", f"{_NAMED}<codemeta:affiliation><codemeta:url>x</codemeta:url></codemeta:affiliation>"
        ),
        ("metadata.affiliation", _AFFILIATION),
        ("metadata.uri", f"{_AFFILIATION.partition(',')[0]}/codemeta:url, line 5"),
    ),
    _on_line_5(
        "author of version 3 without name",
        person("author", ""),
        ("metadata.agent", "entry/codemeta:author, line 5"),
        codemeta=CODEMETA_3,
    ),
    _on_line_5(
        "second author without name",
        person() + person("author", "<codemeta:email>x</codemeta:email>"),
        ("metadata.agent", "entry/codemeta:author[2], line 5"),
    ),
]


def _in_author(element: str, text: str, code: str | None = None) -> Case:
    expected = [(code, f"entry/codemeta:author/codemeta:{element}, line 5")] if code else []
    inside = f"{_NAMED}<codemeta:{element}>{text}</codemeta:{element}>"
    return _on_line_5(f"{element} {text!r} of an author", person("author", inside), *expected)


_LICENCE = (
    "<codemeta:license><codemeta:name>MIT</codemeta:name><codemeta:url>{}</codemeta:url></codemeta:license>"
)
NESTED = [
    _in_author("id", "http://not a url/", "metadata.uri"),
    _in_author("id", "https://", "metadata.uri"),
    _in_author("id", "Ada Lovelace", "metadata.uri"),
    _in_author("id", "", "metadata.uri"),
    _in_author("id", "https://orcid.org/0000-0002-1825-0097"),
    _in_author("id", "_:author_1"),
    _in_author("id", "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    _in_author("id", "mailto:ada@example.org"),
    _in_author("url", "example.org/ada", "metadata.uri"),
    _in_author("url", "https://example.org/ada"),
    _in_author("identifier", "0000-0002-1825-0097"),
    _in_author("email", "ada@example.org"),
    _in_author("email", "<codemeta:name>x</codemeta:name>", "metadata.text"),
    _on_line_5("a licence with a URL", _LICENCE.format("https://spdx.org/licenses/MIT")),
    _on_line_5(
        "a licence with a URL that is none",
        _LICENCE.format("spdx MIT"),
        ("metadata.uri", "entry/codemeta:license/codemeta:url, line 5"),
    ),
    _on_line_5(
        "a date three levels down",
        "<codemeta:isPartOf><codemeta:citation><codemeta:datePublished>soon</codemeta:datePublished>"
        "</codemeta:citation></codemeta:isPartOf>",
        ("metadata.date", "entry/codemeta:isPartOf/codemeta:citation/codemeta:datePublished, line 5"),
    ),
    _on_line_5(
        "an author of a citation that has no name",
        "<codemeta:citation><codemeta:author><codemeta:familyName>L</codemeta:familyName></codemeta:author>"
        "</codemeta:citation>",
    ),
    _on_line_5(
        "a version 3 author's id that is none",
        person("author", f"{_NAMED}<codemeta:id>x y</codemeta:id>"),
        ("metadata.uri", "entry/codemeta:author/codemeta:id, line 5"),
        codemeta=CODEMETA_3,
    ),
]

_TEXTS_LINES = """
    name givenName familyName email applicationCategory applicationSubCategory releaseNotes softwareVersion version
    keywords description
"""
_TEXTS = _TEXTS_LINES.split()
TEXTS = [
    *(_value("as text", name, "some text") for name in _TEXTS),
    *(
        _value("with elements", name, "<codemeta:url>https://u</codemeta:url>", "metadata.text")
        for name in _TEXTS
    ),
    _value(
        "with a foreign element", "description", '<p xmlns="http://www.w3.org/1999/xhtml"/>', "metadata.text"
    ),
    *(
        _value("that is known", "license", text)
        for text in (
            "GPL-3.0-or-later",
            "apache-2.0",
            "MIT OR Apache-2.0",
            "LicenseRef-Own",
            "",
            "https://spdx.org/licenses/MIT",
            "https://spdx.org/licenses/MIT.html",
            "https://example.org/own",
        )
    ),
    *(
        _value("that is none", "license", text, "metadata.licence")
        for text in ("Apache", "see the file", "https://spdx.org/licenses/Apache", "GPL " * 200)
    ),
    _value("with elements", "license", "<codemeta:name>GPL</codemeta:name>"),
]

VOCABULARIES = [
    _on_line_5("content", "<content/>", ("metadata.atom_element", "entry/content, line 5")),
    _on_line_5("feed inside", "<feed/>", ("metadata.atom_element", "entry/feed, line 5")),
    _on_line_5(
        "unknown deeper",
        "<source><author><x/></author></source>",
        ("metadata.atom_element", "entry/source/author/x, line 5"),
    ),
    _on_line_5(
        "external_identifier",
        "<external_identifier>x</external_identifier>",
        ("metadata.external_identifier", "entry/external_identifier, line 5"),
    ),
    _on_line_5(
        "codemeta term as Atom", "<version>1</version>", ("metadata.atom_swapped", "entry/version, line 5")
    ),
    _on_line_5("codemeta 3 term as Atom", "<roleName/>", ("metadata.atom_swapped", "entry/roleName, line 5")),
    _on_line_5(
        "Atom element as codemeta",
        "<codemeta:summary/>",
        ("metadata.codemeta_swapped", "entry/codemeta:summary, line 5"),
    ),
    _on_line_5("unknown term", "<codemeta:foo/>", ("metadata.codemeta_term", "entry/codemeta:foo, line 5")),
    _on_line_5(
        "unknown term deeper",
        person("author", f"{_NAMED}<codemeta:foo/>"),
        ("metadata.codemeta_term", "entry/codemeta:author/codemeta:foo, line 5"),
    ),
    _on_line_5(
        "term of 3.0 in 2.0",
        "<codemeta:continuousIntegration/>",
        ("metadata.codemeta_renamed", "entry/codemeta:continuousIntegration, line 5"),
    ),
    _on_line_5(
        "term of 2.0 in 3.0",
        "<codemeta:contIntegration/>",
        ("metadata.codemeta_renamed", "entry/codemeta:contIntegration, line 5"),
        codemeta=CODEMETA_3,
    ),
    _on_line_5(
        "new term of 3.0 in 2.0",
        "<codemeta:roleName/>",
        ("metadata.codemeta_term", "entry/codemeta:roleName, line 5"),
    ),
    _on_line_5("other namespaces", '<x xmlns="urn:x"><anything at="all"/></x>'),
    _on_line_5("elements without namespace", '<name xmlns="">x</name>'),
    _on_line_5(
        "terms below other namespaces",
        '<x xmlns="urn:x"><codemeta:foo/></x>',
        ("metadata.codemeta_term", "entry/x/codemeta:foo, line 5"),
    ),
]

CASES = [*ROOT, *MANDATORY, *DEPOSIT_ELEMENT, *URIS, *DATES, *AGENTS, *NESTED, *TEXTS, *VOCABULARIES]
