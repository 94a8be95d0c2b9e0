"""codemeta.json in the forms that JSON-LD allows and people use."""

from tests.client.description.case import (
    CONTEXT_2,
    CONTEXT_3,
    ORCID,
    PERSON,
    WITH_ORCID,
    Case,
    codemeta,
)

CODEMETA = [
    codemeta(
        "author null", {"name": "X", "author": None}, {"name": "X"}, "author is null", absent=("author",)
    ),
    codemeta("author an empty list", {"name": "X", "author": []}, {"name": "X"}, absent=("author",)),
    codemeta("author among nulls", {"author": [None, {"name": "A"}]}, {"author": {"name": "A"}}),
    codemeta(
        "author without a name",
        {"author": [{"@type": "Person"}]},
        {},
        "someone without a name",
        absent=("author",),
    ),
    codemeta("author a string", {"author": "Ada <a@b.org>"}, {"author": {"name": "Ada", "email": "a@b.org"}}),
    codemeta("creator", {"creator": {"name": "A"}}, {"author": {"name": "A"}}),
    codemeta(
        "authors, as people write it", {"authors": ["A", "B"]}, {"author": [{"name": "A"}, {"name": "B"}]}
    ),
    codemeta("IRI keys", {"https://schema.org/version": "2"}, {"softwareVersion": "2"}),
    codemeta("IRI of http", {"http://schema.org/name": "N"}, {"name": "N"}),
    codemeta(
        "prefixed keys",
        {"schema:name": "N", "codemeta:issueTracker": "https://a.b/i"},
        {"name": "N", "issueTracker": "https://a.b/i"},
    ),
    codemeta(
        "another vocabulary", {"https://example.org/ns#level": "3"}, {"https://example.org/ns#level": "3"}
    ),
    codemeta("a key that is no name", {"what is this?": "x", "name": "N"}, {"name": "N"}, "was left out"),
    codemeta("an IRI that names nothing", {"https://example.org/": "x"}, {}, "was left out"),
    codemeta("a term of schema.org", {"alternateName": "N2"}, {"schema:alternateName": "N2"}),
    codemeta(
        "role in author, by reference",
        {
            "@context": CONTEXT_3,
            "type": "SoftwareSourceCode",
            "author": [
                {"id": "_:author_1", "type": "Person", "givenName": "G", "familyName": "F"},
                {"type": "schema:Role", "schema:author": "_:author_1", "schema:roleName": "Coding"},
            ],
        },
        {"author": {**PERSON, "Role": {"roleName": "Coding"}}},
    ),
    codemeta(
        "role before the person, with dates",
        {
            "@context": CONTEXT_3,
            "author": [
                {"type": "Role", "author": {"id": "_:a"}, "roleName": "Design", "startDate": "2020-01-01"},
                {"id": "_:a", "type": "Person", "givenName": "G", "familyName": "F"},
            ],
        },
        {"author": {**PERSON, "Role": {"roleName": "Design", "startDate": "2020-01-01"}}},
    ),
    codemeta(
        "role with the person inside",
        {
            "author": {
                "@type": "http://schema.org/Role",
                "author": {"givenName": "G", "familyName": "F"},
                "roleName": "Coding",
            }
        },
        {"author": {**PERSON, "Role": {"roleName": "Coding"}}},
    ),
    codemeta(
        "role of nobody",
        {"author": [{"@type": "Role", "roleName": "x"}, "A"]},
        {"author": {"name": "A"}},
        "names nobody",
    ),
    codemeta(
        "roleName on the person",
        {"author": {"name": "A", "roleName": ["x", "y"]}},
        {"author": {"name": "A", "Role": [{"roleName": "x"}, {"roleName": "y"}]}},
    ),
    codemeta(
        "ORCID as @id, two affiliations",
        {
            "author": [
                {
                    "@id": ORCID,
                    "@type": "Person",
                    "givenName": "G",
                    "familyName": "F",
                    "affiliation": [{"name": "O1"}, "O2"],
                }
            ]
        },
        {"author": {**WITH_ORCID, "affiliation": [{"name": "O1"}, {"name": "O2"}]}},
    ),
    codemeta(
        "ORCID as identifier",
        {"author": {"givenName": "G", "familyName": "F", "identifier": "0000-0002-1825-0097"}},
        {"author": WITH_ORCID},
    ),
    codemeta(
        "ORCID as PropertyValue",
        {
            "author": {
                "givenName": "G",
                "familyName": "F",
                "identifier": {
                    "@type": "PropertyValue",
                    "propertyID": "ORCID",
                    "value": "0000-0002-1825-0097",
                },
            }
        },
        {"author": WITH_ORCID},
    ),
    codemeta(
        "ORCID with http and small x",
        {"author": {"@id": "http://orcid.org/0000-0002-1694-233x", "name": "A"}},
        {"author": {"id": "https://orcid.org/0000-0002-1694-233X", "type": "Person", "name": "A"}},
    ),
    codemeta(
        "ORCID with a wrong digit",
        {"author": {"@id": "https://orcid.org/0000-0002-1825-0098", "name": "A"}},
        {"author": {"id": "https://orcid.org/0000-0002-1825-0098", "type": "Person", "name": "A"}},
        "no ORCID iD",
    ),
    codemeta(
        "ROR",
        {"author": {"name": "A", "affiliation": {"@id": "https://ror.org/02mhbdp94", "name": "O"}}},
        {"author": {"name": "A", "affiliation": {"id": "https://ror.org/02mhbdp94", "name": "O"}}},
    ),
    codemeta(
        "suffix",
        {"author": {"givenName": "G", "familyName": "F", "honorificSuffix": "Jr."}},
        {"author": {**PERSON, "name": "G F Jr.", "schema:honorificSuffix": "Jr."}},
    ),
    codemeta(
        "alias only",
        {"author": {"@type": "Person", "alternateName": "nick"}},
        {"author": {"type": "Person", "name": "nick", "schema:alternateName": "nick"}},
    ),
    codemeta(
        "given name only",
        {"author": {"givenName": "G"}},
        {"author": {"type": "Person", "name": "G", "givenName": "G"}},
    ),
    codemeta(
        "mailto",
        {"author": {"name": "A", "email": "mailto:a@b.org"}},
        {"author": {"name": "A", "email": "a@b.org"}},
    ),
    codemeta(
        "organisation",
        {"author": {"@type": "Organization", "name": "O"}},
        {"author": {"type": "Organization", "name": "O"}},
    ),
    codemeta(
        "name in languages",
        {"name": [{"@value": "Nom", "@language": "fr"}, {"@value": "Name", "@language": "en"}]},
        {"name": [("Name", "en"), ("Nom", "fr")]},
    ),
    codemeta(
        "language map", {"name": {"fr": "Nom", "en": "Name"}}, {"name": [("Name", "en"), ("Nom", "fr")]}
    ),
    codemeta(
        "language map without English",
        {"description": {"de": "Wort", "@none": "Word"}},
        {"description": ["Word", ("Wort", "de")]},
    ),
    codemeta(
        "language of the context",
        {"@context": [CONTEXT_2, {"@language": "fr"}], "name": "Nom"},
        {"name": ("Nom", "fr")},
    ),
    codemeta(
        "typed values",
        {"name": {"@value": "N", "@type": "Text"}, "dateCreated": {"@value": "2024-03-05", "@type": "Date"}},
        {"name": "N", "dateCreated": "2024-03-05"},
    ),
    codemeta(
        "@list and @set",
        {"author": {"@list": ["A", "B"]}, "keywords": {"@set": ["a", "b"]}},
        {"author": [{"name": "A"}, {"name": "B"}], "keywords": ["a", "b"]},
    ),
    codemeta("lists in lists", {"keywords": [["a"], ["b", ["c"]]]}, {"keywords": ["a", "b", "c"]}),
    codemeta(
        "@graph with references",
        {
            "@context": CONTEXT_2,
            "@graph": [
                {"@id": "#p", "@type": "Person", "givenName": "G", "familyName": "F"},
                {"@id": "#s", "@type": "SoftwareSourceCode", "name": "N", "author": {"@id": "#p"}},
            ],
        },
        {"name": "N", "author": PERSON, "type": "SoftwareSourceCode"},
    ),
    codemeta(
        "@graph with a dependency first",
        {
            "@context": CONTEXT_2,
            "@graph": [
                {"@id": "#d", "@type": "SoftwareSourceCode", "name": "D"},
                {
                    "@id": "#s",
                    "@type": "SoftwareSourceCode",
                    "name": "N",
                    "softwareRequirements": {"@id": "#d"},
                },
            ],
        },
        {"name": "N"},
        "describes 2 things",
    ),
    codemeta("a list of one document", [{"@context": CONTEXT_2, "name": "N"}], {"name": "N"}),
    codemeta(
        "own names for terms",
        {
            "@context": [
                CONTEXT_2,
                {"nom": "schema:name", "auteur": {"@id": "schema:author", "@container": "@list"}},
            ],
            "nom": "N",
            "auteur": ["A"],
        },
        {"name": "N", "author": {"name": "A"}},
    ),
    codemeta(
        "own names for keywords",
        {
            "@context": [CONTEXT_2, {"kind": "@type", "who": "@id"}],
            "who": "https://a.b/x",
            "kind": "SoftwareSourceCode",
            "name": "N",
        },
        {"id": "https://a.b/x", "name": "N"},
    ),
    codemeta(
        "own prefix", {"@context": [CONTEXT_2, {"s": "https://schema.org/"}], "s:name": "N"}, {"name": "N"}
    ),
    codemeta(
        "@nest and @included",
        {
            "@context": [CONTEXT_2, {"more": "@nest"}],
            "more": {"name": "N"},
            "@included": [{"@id": "_:p", "name": "A"}],
            "author": {"@id": "_:p"},
        },
        {"name": "N", "author": {"name": "A"}},
    ),
    codemeta(
        "unknown context",
        {"@context": "https://example.org/context", "name": "N"},
        {"name": "N"},
        "is not known",
    ),
    codemeta("no context", {"@context": None, "name": "N"}, {"name": "N"}),
    codemeta(
        "a circle of references",
        {
            "@id": "https://a.b/x",
            "name": "N",
            "isPartOf": {"@id": "https://a.b/y", "name": "Y", "hasPart": {"@id": "https://a.b/x"}},
        },
        {"isPartOf": {"id": "https://a.b/y", "name": "Y", "hasPart": {"id": "https://a.b/x"}}},
    ),
    Case("version a number", "codemeta.json", b'{"name": "N", "version": 1.10}', {"softwareVersion": "1.10"}),
    codemeta(
        "softwareVersion beside version", {"version": "2", "softwareVersion": "3"}, {"softwareVersion": "3"}
    ),
    codemeta("keywords in one text", {"keywords": "a, b;c"}, {"keywords": ["a", "b", "c"]}),
    codemeta("keywords as terms", {"keywords": [{"@type": "DefinedTerm", "name": "a"}]}, {"keywords": "a"}),
    codemeta(
        "licences in every form",
        {
            "license": [
                "MIT",
                "https://spdx.org/licenses/ISC",
                {"@id": "https://spdx.org/licenses/Zlib"},
                {"name": "Own", "url": "https://a.b/l"},
            ]
        },
        {
            "license": [
                "MIT",
                "https://spdx.org/licenses/ISC",
                "https://spdx.org/licenses/Zlib",
                {"name": "Own", "url": "https://a.b/l"},
            ]
        },
    ),
    codemeta("licence expression", {"license": "MIT OR Apache-2.0"}, {"license": "MIT OR Apache-2.0"}),
    codemeta(
        "DOIs in every form",
        {
            "identifier": [
                "10.1/x",
                "10.1234/a",
                "doi:10.1234/b",
                "https://dx.doi.org/10.1234/c",
                {
                    "@type": "PropertyValue",
                    "propertyID": "https://registry.identifiers.org/registry/doi",
                    "value": "10.1234/d",
                },
            ]
        },
        {"identifier": [f"https://doi.org/10.1234/{each}" for each in "abcd"], "schema:identifier": "10.1/x"},
    ),
    codemeta(
        "dates",
        {"dateCreated": "2024-3-5", "datePublished": "2024-03", "dateModified": "2024"},
        {"dateCreated": "2024-03-05", "datePublished": "2024-03", "dateModified": "2024"},
    ),
    codemeta(
        "a moment", {"dateCreated": "2024-03-05 7:08:09+0100"}, {"dateCreated": "2024-03-05T07:08:09+01:00"}
    ),
    codemeta("a date that is none", {"dateCreated": "last week"}, {}, "is no date", absent=("dateCreated",)),
    codemeta("an address that is none", {"url": "www.example.org"}, {"schema:url": "www.example.org"}),
    codemeta(
        "funding and publication",
        {
            "funding": "G1",
            "funder": {"@type": "Organization", "name": "F"},
            "referencePublication": {
                "@type": "ScholarlyArticle",
                "name": "P",
                "@id": "https://doi.org/10.1234/p",
            },
        },
        {
            "funding": "G1",
            "funder": {"type": "Organization", "name": "F"},
            "referencePublication": {
                "id": "https://doi.org/10.1234/p",
                "type": "ScholarlyArticle",
                "name": "P",
            },
        },
    ),
    codemeta(
        "control characters",
        {"name": "N", "description": "a\x07b"},
        {"name": "N"},
        refused=("U+0007 (BEL)",),
        absent=("description",),
    ),
    Case(
        "half a surrogate",
        "codemeta.json",
        b'{"name": "N", "description": "\\ud800"}',
        {"name": "N"},
        refused=("U+D800",),
        absent=("description",),
    ),
    Case("UTF-8 with a mark", "codemeta.json", b'\xef\xbb\xbf{"name": "N"}', {"name": "N"}),
    Case("UTF-16 with a mark", "codemeta.json", '{"name": "N\u00e9"}'.encode("utf-16"), {"name": "N\u00e9"}),
    Case("UTF-16 without a mark", "codemeta.json", '{"name": "N"}'.encode("utf-16-le"), {"name": "N"}),
]
