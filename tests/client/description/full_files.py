"""One file of each kind with all the fields that are looked at, and the value by which each is found again."""

CFF = """\
cff-version: 1.2.0
type: software
message: m-message
title: m-title
abstract: m-abstract
version: m-version
date-released: 2024-03-05
commit: m-commit
keywords: [m-keyword]
license: [MIT]
license-url: https://example.org/m-license-url
url: https://example.org/m-url
repository: https://example.org/m-repository
repository-code: https://example.org/m-code
repository-artifact: https://example.org/m-artifact
doi: 10.1234/m-doi
identifiers:
- {type: swh, value: "swh:1:dir:m-identifier"}
authors:
- given-names: m-given
  name-particle: von
  family-names: m-family
  name-suffix: m-suffix
  alias: m-alias
  email: m-mail@example.org
  website: https://example.org/m-website
  orcid: https://orcid.org/0000-0002-1825-0097
  affiliation: m-affiliation
  address: m-address
  tel: m-telephone
- name: m-entity
contact:
- {name: m-contact}
references:
- {type: book, title: m-reference, authors: [{name: m-by}], publisher: {name: m-press}}
preferred-citation:
  type: article
  title: m-preferred
  journal: m-journal
  year: m-year
  authors: [{family-names: m-writer}]
"""

CODEMETA = """\
{"@context": "https://w3id.org/codemeta/3.0", "type": "SoftwareSourceCode", "id": "https://example.org/m-id",
"name": "m-name", "description": "m-description", "version": "m-version", "keywords": "m-one, m-two",
"license": "https://spdx.org/licenses/MIT", "dateCreated": "2023-07-01", "datePublished": "2024-03",
"codeRepository": "https://example.org/m-code", "issueTracker": "https://example.org/m-issues",
"identifier": ["10.1234/m-doi", "m-number"], "funding": "m-funding",
"funder": {"type": "Organization", "name": "m-funder"},
"author": [{"id": "_:a", "givenName": "m-given", "familyName": "m-family", "honorificSuffix": "m-suffix",
"email": "m-mail@example.org", "identifier": "0000-0002-1825-0097",
"affiliation": {"name": "m-affiliation", "id": "https://ror.org/m-ror"}},
{"type": "schema:Role", "schema:author": "_:a", "schema:roleName": "m-role", "startDate": "2020"}],
"contributor": {"name": "m-contributor"}, "referencePublication": {"name": "m-paper"},
"https://example.org/terms/own": "m-own", "alternateName": "m-other-name"}
"""

ZENODO = """\
{"title": "m-title", "description": "<p>m-description</p>", "version": "m-version",
"publication_date": "2024-03-05", "keywords": ["m-keyword"], "license": {"id": "m-licence"},
"doi": "10.1234/m-doi", "notes": "m-notes", "language": "m-language",
"creators": [{"name": "m-family, m-given", "orcid": "0000-0002-1825-0097", "affiliation": "m-affiliation"}],
"contributors": [{"name": "m-contributor", "type": "m-type"}],
"grants": [{"id": "10.13039/501100000780::m-grant"}],
"related_identifiers": [{"relation": "isSupplementTo", "identifier": "10.1234/m-paper"},
{"relation": "isDerivedFrom", "identifier": "10.1234/m-older"}]}
"""

PYPROJECT = """\
[project]
name = "m-name"
version = "m-version"
description = "m-description"
keywords = ["m-keyword"]
license = "m-licence"
requires-python = ">=3.m-python"
authors = [{name = "m-author", email = "m-mail@example.org"}]
maintainers = [{name = "m-maintainer"}]
[project.urls]
Homepage = "https://example.org/m-home"
Repository = "https://example.org/m-code"
Issues = "https://example.org/m-issues"
Documentation = "https://example.org/m-docs"
"""

PACKAGE_JSON = """\
{"name": "m-name", "version": "m-version", "description": "m-description", "keywords": ["m-keyword"],
"author": "m-author <m-mail@example.org> (https://example.org/m-site)", "contributors": [{"name": "m-contributor"}],
"maintainers": [{"name": "m-maintainer"}], "license": "m-licence", "homepage": "https://example.org/m-home",
"repository": {"type": "git", "url": "git+https://example.org/m-code"}, "bugs": "https://example.org/m-bugs",
"funding": "https://example.org/m-funding", "engines": {"node": "m-node"}, "os": ["m-os"]}
"""

DESCRIPTION = """\
Package: mpackage
Title: m-title
Version: m-version
Description: m-description
License: GPL (>= 3) | file LICENSE
Date: 2024-03-05
URL: https://example.org/m-home, https://github.com/m-code/x
BugReports: https://example.org/m-bugs
Authors@R: c(person("m-given", "m-family", email = "m-mail@example.org", role = c("aut", "cre"),
    comment = c(ORCID = "0000-0002-1825-0097")), person("m-other", role = "ctb"))
"""

# By kind: the file, and (field, what its value holds).
FULL: dict[str, tuple[str, dict[str, str]]] = {
    "codemeta.json": (
        CODEMETA,
        {
            "@id": "m-id",
            "name": "m-name",
            "description": "m-description",
            "version, softwareVersion": "m-version",
            "keywords": "m-one",
            "license": "licenses/MIT",
            "dateCreated": "2023-07-01",
            "datePublished": "2024-03",
            "codeRepository": "m-code",
            "issueTracker": "m-issues",
            "identifier (DOI, address)": "m-doi",
            "identifier (others)": "m-number",
            "funding": "m-funding",
            "funder": "m-funder",
            "author, creator": "m-given m-family",
            "author/givenName": "m-given",
            "author/familyName": "m-family",
            "author/honorificSuffix": "m-suffix",
            "author/email": "m-mail",
            "author/identifier (ORCID iD)": "0000-0002-1825-0097",
            "author/affiliation": "m-affiliation",
            "author/affiliation/@id": "m-ror",
            "Role/roleName": "m-role",
            "Role/startDate": "2020",
            "contributor": "m-contributor",
            "referencePublication": "m-paper",
            "other terms of schema.org": "m-other-name",
            "terms of other vocabularies": "m-own",
        },
    ),
    "CITATION.cff": (
        CFF,
        {
            "title": "m-title",
            "message": "m-message",
            "abstract": "m-abstract",
            "version": "m-version",
            "date-released": "2024-03-05",
            "commit": "m-commit",
            "keywords": "m-keyword",
            "license": "licenses/MIT",
            "license-url": "m-license-url",
            "url": "m-url",
            "repository": "m-repository",
            "repository-code": "m-code",
            "repository-artifact": "m-artifact",
            "doi": "m-doi",
            "identifiers": "m-identifier",
            "authors": "m-given von m-family",
            "authors: given-names": "m-given",
            "authors: family-names": "m-family",
            "authors: name-suffix": "m-suffix",
            "authors: alias": "m-alias",
            "authors: email": "m-mail",
            "authors: website": "m-website",
            "authors: orcid": "0000-0002-1825-0097",
            "authors: affiliation": "m-affiliation",
            "authors: address, city, country, region, post-code": "m-address",
            "authors: tel, fax": "m-telephone",
            "authors: name (entity)": "m-entity",
            "contact": "m-contact",
            "references": "m-reference",
            "references: publisher": "m-press",
            "preferred-citation": "m-preferred",
            "preferred-citation: authors": "m-writer",
            "preferred-citation: journal": "m-journal",
            "preferred-citation: year": "m-year",
        },
    ),
    ".zenodo.json": (
        ZENODO,
        {
            "title": "m-title",
            "description": "m-description",
            "version": "m-version",
            "publication_date": "2024-03-05",
            "keywords": "m-keyword",
            "license": "m-licence",
            "doi": "m-doi",
            "notes": "m-notes",
            "language": "m-language",
            "creators: name": "m-given m-family",
            "creators: orcid": "0000-0002-1825-0097",
            "creators: affiliation": "m-affiliation",
            "contributors": "m-contributor",
            "contributors: type": "m-type",
            "grants": "m-grant",
            "related_identifiers (isSupplementTo)": "m-paper",
            "related_identifiers (isDerivedFrom)": "m-older",
        },
    ),
    "pyproject.toml": (
        PYPROJECT,
        {
            "name": "m-name",
            "version": "m-version",
            "description": "m-description",
            "keywords": "m-keyword",
            "license": "m-licence",
            "requires-python": "m-python",
            "authors": "m-author",
            "authors: email": "m-mail",
            "maintainers": "m-maintainer",
            "urls: Homepage": "m-home",
            "urls: Repository, Source": "m-code",
            "urls: Issues, Tracker": "m-issues",
            "urls: Documentation": "m-docs",
        },
    ),
    "package.json": (
        PACKAGE_JSON,
        {
            "name": "m-name",
            "version": "m-version",
            "description": "m-description",
            "keywords": "m-keyword",
            "license": "m-licence",
            "author": "m-author",
            "contributors": "m-contributor",
            "maintainers": "m-maintainer",
            "homepage": "m-home",
            "repository": "m-code",
            "bugs": "m-bugs",
            "funding": "m-funding",
            "engines": "m-node",
            "os": "m-os",
        },
    ),
    "DESCRIPTION": (
        DESCRIPTION,
        {
            "Package, Title": "mpackage",
            "Version": "m-version",
            "Description": "m-description",
            "License": "GPL-3.0-or-later",
            "Date": "2024-03-05",
            "URL": "m-home",
            "URL (of a forge)": "m-code",
            "BugReports": "m-bugs",
            "Authors@R": "m-given m-family",
            "Authors@R: email": "m-mail",
            "Authors@R: comment = c(ORCID = …)": "0000-0002-1825-0097",
            "Authors@R: role": "maintainer",
            "Authors@R (ctb and others)": "m-other",
        },
    ),
}
