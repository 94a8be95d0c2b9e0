"""How to cite a deposit: as a sentence, as BibTeX (biblatex-software), and as CITATION.cff (version 1.2.0)."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from deposit.metadata.entry import Entry
from deposit.models import Deposit

_SPECIAL = re.compile(r"([&%$#_{}])")
_BREAKING = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


@dataclass(frozen=True, slots=True)
class Citation:
    """A deposit as literature has it."""

    sentence: str
    bibtex: str
    cff: str


def cite(deposit: Deposit, entry: Entry) -> Citation | None:
    """The citation of a deposit that is in the archive; None while it has no identifier."""
    if not deposit.swhid:
        return None
    title = entry.title or deposit.package_name or f"Deposit {deposit.pk}"
    authors = names_of(entry)
    moment = entry.author_date or deposit.complete_date
    year = str(moment.year) if moment else ""
    identifier = deposit.swhid_context or deposit.swhid
    version = deposit.software_version
    told = f"{_people(authors)} ({year}). {title}" + (f", version {version}" if version else "")
    return Citation(
        sentence=f"{told}. {deposit.swhid}",
        bibtex=_bibtex(deposit, title, authors, year, identifier),
        cff=_cff(deposit, title, authors, moment.date().isoformat() if moment else ""),
    )


def names_of(entry: Entry) -> list[str]:
    """The authors' names, each once: clients say them in Atom and in CodeMeta."""
    return list(dict.fromkeys(author.name for author in entry.authors))


def _people(authors: Sequence[str]) -> str:
    if len(authors) > 3:
        return f"{authors[0]} et al."
    return ", ".join(authors)


def _bibtex(deposit: Deposit, title: str, authors: Sequence[str], year: str, identifier: str) -> str:
    fields = {
        "title": tex(title),
        "author": " and ".join(f"{{{tex(name)}}}" for name in authors),
        "year": year,
        "version": tex(deposit.software_version or ""),
        "url": deposit.origin_url or "",
        "swhid": identifier,
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@softwareversion{{deposit{deposit.pk},\n{lines}}}\n"


def _cff(deposit: Deposit, title: str, authors: Sequence[str], day: str) -> str:
    """CITATION.cff, for the repository of what was deposited. A string of JSON is one of YAML, too."""
    fields = {
        "title": title,
        "version": deposit.software_version or "",
        "date-released": day,
        "repository-artifact": deposit.origin_url or "",
    }
    lines = [
        "cff-version: 1.2.0",
        'message: "If you use this software, please cite it as below."',
        "type: software",
    ]
    lines += [f"{name}: {_quoted(value)}" for name, value in fields.items() if value]
    lines += ["authors:", *(f"  - name: {_quoted(name)}" for name in authors or [title])]
    lines += ["identifiers:", "  - type: swh", f"    value: {_quoted(deposit.swhid or '')}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def tex(text: str) -> str:
    """A text as LaTeX shows it."""
    escaped = "".join(_BREAKING.get(character, character) for character in " ".join(text.split()))
    # The braces of what was just written stay as they are.
    pieces = re.split(r"(\\text\w+\{\})", escaped)
    return "".join(piece if piece.startswith(r"\text") else _SPECIAL.sub(r"\\\1", piece) for piece in pieces)
