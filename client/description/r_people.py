"""The people of an R package: ``Authors@R``, which is R code, read as far as it names persons; else ``Author``.

Nothing is run: calls of ``person()`` are found by their brackets, and their arguments are strings or ``c(…)`` of them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'')
_ORDER = ("given", "family", "middle", "email", "role", "comment")
# Which of the codes of MARC relators that R uses make an author; "cre" is who maintains the package.
_ROLE_NAMES = {
    "cre": "maintainer",
    "ctb": "contributor",
    "cph": "copyright holder",
    "fnd": "funder",
    "ths": "thesis advisor",
}
_CALL = re.compile(r"\bperson\s*\(")
_WORD = re.compile(r"([A-Za-z.]+)\s*=(?!=)")
_MOST = 500
# Characters of one call.
_LONGEST = 5000


def people_of(fields: Mapping[str, str]) -> tuple[list[Any], list[Any]]:
    """The authors, and the other contributors."""
    authors: list[Any] = []
    others: list[Any] = []
    for person, roles in _persons(fields.get("Authors@R", "")):
        is_author = not roles or {"aut", "cre"} & set(roles)
        named = [_ROLE_NAMES[role] for role in roles if role in _ROLE_NAMES]
        if named:
            person["roleName"] = named
        (authors if is_author else others).append(person)
    if not authors and not others:
        text = re.sub(r"\[[^\]]*\]|\([^)]*\)", " ", fields.get("Author", ""))
        authors = [each.strip() for each in re.split(r",|;|\band\b", text) if each.strip()]
    return authors, others


def _persons(code: str) -> Iterator[tuple[dict[str, Any], list[str]]]:
    start = 0
    for _ in range(_MOST):
        found = _CALL.search(code, start)
        if found is None:
            return
        arguments, start = _arguments(code, found.end())
        said = {name: [value for value, _ in values] for name, values in arguments.items()}
        labelled = [each for values in arguments.values() for each in values]
        orcid = next((value for value, label in labelled if label.upper() == "ORCID"), "")
        ror = next((value for value, label in labelled if label.upper() == "ROR"), "")
        given = " ".join([*said.get("given", []), *said.get("first", []), *said.get("middle", [])])
        family = " ".join([*said.get("family", []), *said.get("last", [])])
        person = {
            "name": f"{given} {family}".strip(),
            "givenName": given if family else None,
            "familyName": family,
            "type": "Person" if family else None,
            "email": said.get("email"),
            "orcid": orcid,
            "id": ror if ror.startswith("http") else f"https://ror.org/{ror}" if ror else None,
        }
        yield {term: value for term, value in person.items() if value}, said.get("role", [])


def _arguments(code: str, start: int) -> tuple[dict[str, list[tuple[str, str]]], int]:
    """The strings among the arguments of a call that begins at ``start``, and where it ends.

    By the argument's name, each with a label of its own, as in ``comment = c(ORCID = "…")``.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    depth, position, name, label, number = 1, start, "", "", 0
    end = min(len(code), start + _LONGEST)
    while position < end and depth:
        string, word = _STRING.match(code, position, end), _WORD.match(code, position, end)
        if string:
            text = re.sub(r"\\(.)", r"\1", string[1] if string[1] is not None else string[2])
            key = name or (_ORDER[number] if number < len(_ORDER) else "")
            found.setdefault(key, []).append((text, label))
            label, position = "", string.end()
        elif word:
            name, label = (word[1], "") if depth == 1 else (name, word[1])
            position = word.end()
        else:
            depth += {"(": 1, ")": -1}.get(code[position], 0)
            if code[position] == "," and depth == 1:
                name, label, number = "", "", number + 1
            position += 1
    return found, position
