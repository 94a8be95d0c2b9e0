"""CITATION.cff of all versions of the format."""

from tests.client.description.case import WITH_ORCID, Case, file

CFF = "cff-version: 1.2.0\nmessage: cite\ntitle: T\n"
FAMILY = {"type": "Person", "name": "F", "familyName": "F"}
CITATIONS = [
    file(
        "two licences",
        "CITATION.cff",
        f"{CFF}license: [MIT, Apache-2.0]\n",
        {"license": ["https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0"]},
    ),
    file(
        "an expression",
        "CITATION.cff",
        f"{CFF}license: MIT OR Apache-2.0\n",
        {"license": "MIT OR Apache-2.0"},
    ),
    file("version 1.10", "CITATION.cff", f"{CFF}version: 1.10\n", {"softwareVersion": "1.10"}),
    file("version 0x1F", "CITATION.cff", f"{CFF}version: 0x1F\n", {"softwareVersion": "0x1F"}),
    file("version 1e3", "CITATION.cff", f"{CFF}version: 1e3\n", {"softwareVersion": "1e3"}),
    file("version 1:30", "CITATION.cff", f"{CFF}version: 1:30\n", {"softwareVersion": "1:30"}),
    file("title yes", "CITATION.cff", "title: yes\n", {"name": "yes"}),
    file("title null", "CITATION.cff", "title: null\nmessage: m\n", {}, absent=("name",)),
    file("title 'null'", "CITATION.cff", "title: 'null'\n", {"name": "null"}),
    file("short date", "CITATION.cff", f"{CFF}date-released: 2024-3-5\n", {"datePublished": "2024-03-05"}),
    file("month", "CITATION.cff", f"{CFF}date-released: 2024-03\n", {"datePublished": "2024-03"}),
    file(
        "other order, comments, CRLF",
        "CITATION.cff",
        "# c\r\nauthors:\r\n  - family-names: F\r\ntitle: T\r\ncff-version: 1.0.3\r\n",
        {"name": "T", "author": FAMILY},
    ),
    file("folded text", "CITATION.cff", f"{CFF}abstract: >-\n  one\n  two\n", {"description": "one two"}),
    file(
        "entity",
        "CITATION.cff",
        f"{CFF}authors:\n- name: O\n- family-names: F\n",
        {"author": [{"type": "Organization", "name": "O"}, FAMILY]},
    ),
    file(
        "particle and suffix",
        "CITATION.cff",
        f"{CFF}authors:\n- {{given-names: L, name-particle: van, family-names: B, name-suffix: III}}\n",
        {
            "author": {
                "type": "Person",
                "name": "L van B III",
                "givenName": "L",
                "familyName": "B",
                "schema:honorificSuffix": "III",
            }
        },
    ),
    file(
        "alias only",
        "CITATION.cff",
        f"{CFF}authors:\n- alias: nick\n",
        {"author": {"name": "nick", "schema:alternateName": "nick"}},
    ),
    file(
        "ORCID bare",
        "CITATION.cff",
        f"{CFF}authors:\n- {{given-names: G, family-names: F, orcid: 0000-0002-1825-0097}}\n",
        {"author": WITH_ORCID},
    ),
    file("author null", "CITATION.cff", f"{CFF}authors: null\n", {"name": "T"}, absent=("author",)),
    file("author a string", "CITATION.cff", f"{CFF}authors: [Ada]\n", {"author": {"name": "Ada"}}),
    file(
        "doi and identifiers",
        "CITATION.cff",
        f"{CFF}doi: 10.1234/a\nidentifiers:\n- {{type: doi, value: 10.1234/b}}\n"
        f"- {{type: url, value: 'https://a.b/'}}\n- {{type: swh, value: 'swh:1:dir:{'0' * 40}'}}\n",
        {
            "identifier": ["https://doi.org/10.1234/a", "https://doi.org/10.1234/b", "https://a.b/"],
            "schema:identifier": f"swh:1:dir:{'0' * 40}",
        },
    ),
    file(
        "anchors",
        "CITATION.cff",
        f"{CFF}authors:\n- &a {{family-names: F, affiliation: O}}\ncontact:\n- *a\n",
        {"author": {**FAMILY, "affiliation": {"name": "O"}}},
    ),
    file(
        "preferred citation",
        "CITATION.cff",
        f"{CFF}preferred-citation:\n  type: article\n  title: P\n  journal: J\n  doi: 10.1234/p\n"
        f"  authors: [{{family-names: F}}]\n",
        {
            "referencePublication": {
                "name": "P",
                "author": FAMILY,
                "identifier": "https://doi.org/10.1234/p",
                "type": "ScholarlyArticle",
                "isPartOf": {"type": "Periodical", "name": "J"},
                "https://citation-file-format.github.io/1.2.0/type": "article",
            }
        },
    ),
    file("dataset", "CITATION.cff", f"{CFF}type: dataset\n", {"type": "Dataset"}),
    file("small letters", "citation.cff", CFF, {"name": "T"}),
    Case("with a mark", "CITATION.cff", b"\xef\xbb\xbf" + CFF.encode(), {"name": "T"}),
    Case("in UTF-16", "CITATION.cff", CFF.encode("utf-16"), {"name": "T"}),
]
