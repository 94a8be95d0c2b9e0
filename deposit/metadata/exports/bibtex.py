"""BibTeX, with the fields of biblatex-software (https://ctan.org/pkg/biblatex-software) and biblatex."""

import re
from collections.abc import Iterator

from client.description.node import first
from deposit.metadata.exports.work import Person, Work, doi_of, identifiers, keywords, licences_of, people

_SPECIAL = re.compile(r"([&%$#_])")
_BREAKING = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
# BibTeX counts braces also behind a backslash, so that one alone would end its field.
_BREAKING |= {"{": r"\textbraceleft{}", "}": r"\textbraceright{}"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def bibtex(work: Work) -> str:
    """One entry. ``date`` has the precision given; ORCID iDs, affiliations and roles stand in fields of their own."""
    lines = "".join(f"  {name} = {value},\n" for name, value in _fields(work))
    return f"@softwareversion{{{work.key},\n{lines}}}\n"


def _fields(work: Work) -> Iterator[tuple[str, str]]:
    node, authors = work.node, people(work.node, "author")
    date, made = work.published[:10], work.made[:10]
    licences = [each.spdx or each.name for each in licences_of(node)]
    fields = {
        "title": tex(work.title),
        "author": " and ".join(map(_name, authors)),
        "editor": " and ".join(map(_name, people(node, "editor"))),
        "date": date,
        "origdate": made if made != date else "",
        "year": date[:4],
        "version": tex(work.version),
        "license": tex(" and ".join(licences)),
        "keywords": tex(", ".join(keywords(node))),
        "abstract": tex(first(node, "description")),
        "doi": tex(doi_of(node)),
        "url": _address(work.origin or first(node, "url", "id")),
        "repository": _address(first(node, "codeRepository")),
        "institution": " and ".join(f"{{{tex(each.name)}}}" for each in people(node, "publisher")),
        "swhid": work.context or work.swhid,
        "orcid": tex("; ".join(f"{each.name}: {each.orcid}" for each in authors if each.orcid)),
        "affiliation": tex("; ".join(filter(None, map(_affiliated, authors)))),
        "role": tex("; ".join(filter(None, map(_roles, authors)))),
        "contributor": tex("; ".join(each.name for each in people(node, "contributor"))),
        "identifier": tex(", ".join(each for each in identifiers(node) if "//doi.org/" not in each)),
        "note": tex("; ".join(each.url for each in licences_of(node) if each.url and not each.spdx)),
    }
    for name, value in fields.items():
        if value:
            yield name, f"{{{value}}}"
        if name == "year" and len(date) >= 7:
            yield "month", _MONTHS[int(date[5:7]) - 1]


def _name(person: Person) -> str:
    """A name in BibTeX's parts, ``von Last, Jr, First``; whole in braces where the parts are not known."""
    if person.is_organisation or not person.family:
        return f"{{{tex(person.name)}}}"
    last = " ".join(filter(None, (person.particle, _whole(person.family))))
    return ", ".join(
        [last, *([_whole(person.suffix)] if person.suffix else []), _whole(person.given)]
    ).rstrip(" ,")


def _whole(text: str) -> str:
    """A part of a name; in braces where BibTeX would take it apart."""
    escaped = tex(text)
    apart = re.search(r",|(?<!\S)and(?!\S)", text, re.IGNORECASE) or (text[:1].islower() and text)
    return f"{{{escaped}}}" if apart else escaped


def _address(text: str) -> str:
    """An address, which BibTeX takes as it is but for braces."""
    return text.replace("{", "%7B").replace("}", "%7D")


def _affiliated(person: Person) -> str:
    names = [f"{name} ({address})" if address else name for name, address in person.affiliations]
    return f"{person.name}: {', '.join(names)}" if names else ""


def _roles(person: Person) -> str:
    names = [role for role, _, _ in person.roles]
    return f"{person.name}: {', '.join(names)}" if names else ""


def tex(text: str) -> str:
    """A text as LaTeX shows it."""
    escaped = "".join(_BREAKING.get(character, character) for character in " ".join(text.split()))
    # The braces of what was just written stay as they are.
    pieces = re.split(r"(\\text\w+\{\})", escaped)
    return "".join(piece if piece.startswith(r"\text") else _SPECIAL.sub(r"\\\1", piece) for piece in pieces)
