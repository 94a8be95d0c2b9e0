"""``pyproject.toml``, with Poetry's older table.

https://packaging.python.org/en/latest/specifications/pyproject-toml/. A version that a build computes is not in the
file: it comes from ``PKG-INFO``, which source distributions have.
"""

import tomllib
from collections.abc import Mapping
from typing import Any

from client.description.jsonld import read_tree
from client.description.node import Node, Notes, Unreadable
from client.description.text import decoded, unfit_character

MAX_SIZE = 512 * 1024
# A key of many parts costs the square of their number.
MAX_DOTS = 1000
# What Poetry's plugin for versions from tags wants to stand in the file.
_NO_VERSION = ("0", "0.0.0")
# Links, by what their labels come to without punctuation (the specification of well-known labels).
_LINKS = {
    "homepage": "url",
    "source": "codeRepository",
    "sourcecode": "codeRepository",
    "repository": "codeRepository",
    "github": "codeRepository",
    "code": "codeRepository",
    "issues": "issueTracker",
    "bugs": "issueTracker",
    "issue": "issueTracker",
    "tracker": "issueTracker",
    "issuetracker": "issueTracker",
    "bugtracker": "issueTracker",
    "documentation": "softwareHelp",
    "docs": "softwareHelp",
    "download": "downloadUrl",
    "changelog": "schema:releaseNotes",
    "funding": "funding",
    "sponsor": "funding",
}
# Classifiers that name one licence, for files that say it there only.
LICENCES = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
}


def read_pyproject(data: bytes, notes: Notes) -> Node:
    """The tree of a pyproject.toml that names a project. Raises `Unreadable`."""
    text = decoded(data, limit=MAX_SIZE)
    if any(line.count(".") > MAX_DOTS for line in text.split("\n")):
        raise Unreadable(f"a line has more than {MAX_DOTS:,} dots")
    try:
        told = tomllib.loads(text)
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    except ValueError as error:
        raise Unreadable(f"it is not TOML: {error}"[:200]) from None
    unfit = unfit_character(str(told.get("project") or ""))
    if unfit:
        raise Unreadable(f"it holds {unfit}")
    project, poetry = _table(told, "project"), _table(_table(told, "tool"), "poetry")
    document = {**_of_poetry(poetry), **_of_project(project, notes)}
    if not document.get("name"):
        return {}
    return read_tree({"type": "SoftwareSourceCode", "programmingLanguage": "Python", **document}, notes)


def _of_project(told: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    dynamic = [each for each in _list(told.get("dynamic")) if isinstance(each, str)]
    document = {
        "name": told.get("name"),
        "softwareVersion": None if "version" in dynamic else told.get("version"),
        "description": told.get("description"),
        "keywords": [{"name": each} for each in _list(told.get("keywords"))],
        "author": _people(told.get("authors")),
        "maintainer": _people(told.get("maintainers")),
        "license": _licences(told, notes),
        **_links(_table(told, "urls")),
    }
    if isinstance(told.get("requires-python"), str):
        document["runtimePlatform"] = f"Python {told['requires-python']}"
    return {term: value for term, value in document.items() if value}


def _licences(told: Mapping[str, Any], notes: Notes) -> list[str]:
    named = told.get("license")
    if isinstance(named, str):
        return [named]
    text = _table(told, "license").get("text")
    if isinstance(text, str) and len(text) <= 100:
        return [text]
    classified = licences_of(_list(told.get("classifiers")))
    if isinstance(named, dict) and not classified:
        notes.say("license names no licence, only a text or a file: write its SPDX identifier")
    return classified


def licences_of(classifiers: list[Any]) -> list[str]:
    """The licences that classifiers name."""
    names = [
        str(each).rpartition("::")[2].strip() for each in classifiers if str(each).startswith("License ::")
    ]
    return [spdx for name in names if (spdx := LICENCES.get(name, ""))]


def _of_poetry(told: Mapping[str, Any]) -> dict[str, Any]:
    links = {
        label: told.get(label) for label in ("homepage", "repository", "documentation") if told.get(label)
    }
    version = told.get("version")
    document = {
        "name": told.get("name"),
        "softwareVersion": None if version in _NO_VERSION else version,
        "description": told.get("description"),
        "keywords": [{"name": each} for each in _list(told.get("keywords"))],
        "author": _people(told.get("authors")),
        "maintainer": _people(told.get("maintainers")),
        "license": [each for each in _list(told.get("license")) if isinstance(each, str)]
        or licences_of(_list(told.get("classifiers"))),
        **_links({**links, **_table(told, "urls")}),
    }
    return {term: value for term, value in document.items() if value}


def _people(told: Any) -> list[Any]:
    people: list[Any] = []
    for each in _list(told):
        if isinstance(each, str):
            people.append(each)
        elif isinstance(each, dict) and (each.get("name") or each.get("email")):
            people.append({term: each[term] for term in ("name", "email") if isinstance(each.get(term), str)})
    return people


def _links(told: Mapping[str, Any]) -> dict[str, Any]:
    links: dict[str, Any] = {}
    for label, address in told.items():
        term = _LINKS.get("".join(each for each in str(label).lower() if each.isalnum()), "relatedLink")
        if isinstance(address, str):
            links.setdefault(term, []).append(address)
    return links


def _table(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
