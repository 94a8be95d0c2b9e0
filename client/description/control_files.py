"""Files of fields and values with colons: R's ``DESCRIPTION``, and ``PKG-INFO`` of Python's source distributions.

https://cran.r-project.org/doc/manuals/R-exts.html#The-DESCRIPTION-file;
https://packaging.python.org/en/latest/specifications/core-metadata/
"""

import re
from typing import Any

from client.description.jsonld import read_tree
from client.description.node import Node, Notes, first
from client.description.people import person_of
from client.description.python_project import licences_of
from client.description.r_people import people_of
from client.description.text import decoded

MAX_SIZE = 1024 * 1024
_FIELD = re.compile(r"([A-Za-z@][A-Za-z0-9@/._-]*):(.*)")
_ENCODING = re.compile(rb"(?m)^Encoding:[ \t]*([A-Za-z0-9._-]{1,40})")
_R_LICENCES = {
    "AGPL-3": "AGPL-3.0-only",
    "Apache License 2.0": "Apache-2.0",
    "Apache License (== 2.0)": "Apache-2.0",
    "Apache License (== 2)": "Apache-2.0",
    "Apache License (>= 2)": "Apache-2.0",
    "BSD_2_clause": "BSD-2-Clause",
    "BSD_3_clause": "BSD-3-Clause",
    "CC BY 4.0": "CC-BY-4.0",
    "CC BY-SA 4.0": "CC-BY-SA-4.0",
    "CC0": "CC0-1.0",
    "EUPL": "EUPL-1.2",
    "GPL-2": "GPL-2.0-only",
    "GPL-3": "GPL-3.0-only",
    "GPL (== 2)": "GPL-2.0-only",
    "GPL (== 3)": "GPL-3.0-only",
    "GPL (>= 2)": "GPL-2.0-or-later",
    "GPL (>= 2.0)": "GPL-2.0-or-later",
    "GPL (>= 3)": "GPL-3.0-or-later",
    "GPL (>= 3.0)": "GPL-3.0-or-later",
    "LGPL-2": "LGPL-2.0-only",
    "LGPL-2.1": "LGPL-2.1-only",
    "LGPL-3": "LGPL-3.0-only",
    "LGPL (>= 2)": "LGPL-2.0-or-later",
    "LGPL (>= 2.1)": "LGPL-2.1-or-later",
    "LGPL (>= 3)": "LGPL-3.0-or-later",
    "MPL-2.0": "MPL-2.0",
    "Unlimited": "",
}


def fields_of(text: str) -> tuple[dict[str, list[str]], str]:
    """Fields with their values, which may go on in indented lines; and what follows the first blank line."""
    fields: dict[str, list[str]] = {}
    name = ""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not line.strip():
            if fields:
                return fields, "\n".join(lines[number + 1 :]).strip()
            continue
        found = _FIELD.fullmatch(line)
        if line[0] in " \t" and name:
            fields[name][-1] += "\n" + line.strip()
        elif found:
            name = found[1]
            fields.setdefault(name, []).append(found[2].strip())
    return fields, ""


def read_r_description(data: bytes, notes: Notes) -> Node:
    """The tree of an R package's DESCRIPTION; empty for a file of that name that is none. Raises `Unreadable`."""
    declared = _ENCODING.search(data)
    text = decoded(data, limit=MAX_SIZE, encoding=declared[1].decode() if declared else "")
    fields = {name: " ".join(values[0].split()) for name, values in fields_of(text)[0].items()}
    if not {"Package", "Version"} <= fields.keys():
        return {}
    package = fields["Package"]
    title = fields.get("Title", "")
    authors, contributors = people_of(fields)
    document: dict[str, Any] = {
        "type": "SoftwareSourceCode",
        "programmingLanguage": "R",
        "name": f"{package}: {title}" if title else package,
        "softwareVersion": fields["Version"],
        "description": fields.get("Description"),
        "author": authors,
        "contributor": contributors,
        "maintainer": [fields["Maintainer"]] if fields.get("Maintainer") else [],
        "license": _r_licences(fields.get("License", "")),
        "datePublished": fields.get("Date/Publication") or fields.get("Date"),
        "issueTracker": fields.get("BugReports"),
        **_r_links(fields.get("URL", "")),
    }
    return read_tree({term: value for term, value in document.items() if value}, notes)


def _r_licences(text: str) -> list[str]:
    """Alternatives stand between bars; ``+ file LICENSE`` names whose copyright it is."""
    names = [re.sub(r"\s*\+?\s*file LICEN[CS]E", "", each).strip() for each in text.split("|")]
    return [_R_LICENCES.get(name, name) for name in names if name]


def _r_links(text: str) -> dict[str, Any]:
    links: dict[str, Any] = {}
    for address in re.split(r"[\s,]+", text):
        if address:
            forge = re.match(r"https?://(?:github\.com|gitlab\.[a-z.]+|codeberg\.org)/", address)
            term = "codeRepository" if forge else "url"
            links.setdefault("relatedLink" if term in links else term, []).append(address)
    return links


def read_pkg_info(data: bytes, notes: Notes) -> Node:
    """The tree of a PKG-INFO. Raises `Unreadable`."""
    fields, _ = fields_of(decoded(data, limit=MAX_SIZE))
    if "Metadata-Version" not in fields or "Name" not in fields:
        return {}
    said = {name: values[0] for name, values in fields.items() if values[0] and values[0] != "UNKNOWN"}
    document: dict[str, Any] = {
        "type": "SoftwareSourceCode",
        "programmingLanguage": "Python",
        "name": said.get("Name"),
        "softwareVersion": said.get("Version"),
        "description": said.get("Summary"),
        "keywords": _words(said.get("Keywords", "")),
        "author": _python_people(said.get("Author", ""), said.get("Author-email", "")),
        "maintainer": _python_people(said.get("Maintainer", ""), said.get("Maintainer-email", "")),
        "license": _python_licences(said, fields.get("Classifier", [])),
        "url": said.get("Home-page"),
    }
    return read_tree({term: value for term, value in document.items() if value}, notes)


def _words(text: str) -> list[str]:
    return text.split(",") if "," in text else text.split()


def _python_licences(said: dict[str, str], classifiers: list[str]) -> list[str]:
    named = said.get("License-Expression") or said.get("License", "")
    return [named] if named and "\n" not in named and len(named) <= 100 else licences_of(list(classifiers))


def _python_people(names: str, addresses: str) -> list[Any]:
    """People whose names stand in one field and whose addresses, with or without names, in another."""
    people = [person_of(each) for each in re.split(r",(?![^<]*>)", addresses) if each.strip()]
    named = [each.strip() for each in names.split(",") if each.strip()]
    plain: list[Any] = []
    for number, person in enumerate(people):
        name, mail = first(person, "name"), first(person, "email")
        if not mail and "@" in name:
            name, mail = (named[number] if number < len(named) else ""), name
        plain.append({"name": name.strip('"'), "email": mail})
    known = {each["name"] for each in plain}
    return [each for each in plain if each["name"] or each["email"]] + [
        each for each in named if each not in known
    ]
