"""Dates, addresses, licences, identifiers, texts and people in one form; what has none is left out, with a note."""

import re
from collections.abc import Callable
from datetime import date

from client.description.node import Node, Notes, Text, Value, first, labels, nodes, shown, texts
from client.description.people import agents_of
from client.description.text import one_line, unfit_character
from client.description.vocabulary import (
    AGENTS,
    DATES,
    DAYS,
    IN_LANGUAGES,
    SCHEMA,
    TEXTS,
    URIS,
)

_DAY = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?")
_MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d\d)(?::(\d\d)(\.\d{1,40})?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?"
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)")
_DOI = re.compile(
    r"(?:https?://(?:dx\.|www\.)?doi\.org/|(?:info:)?doi:\s*/?)?(10\.\d{4,9}/\S+)", re.IGNORECASE
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/<>\"{}|\\^`]+[^\s<>\"]*")
_NODE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_HAL = re.compile(r"hal-\d+")
# What tools that were never told a version write.
_NO_VERSION = frozenset(("none", "null", "n/a", "unknown"))


def normalised(node: Node, notes: Notes) -> Node:
    """A tree in the one form; its texts are trimmed, and those that nothing can keep are left out."""
    node = _fit(node, notes, "", top=True)
    _version(node)
    _language_first(node)
    return node


def day_of(text: str) -> str:
    """A date as XML Schema writes it, in the precision given: year, month, day, or moment; empty for what is none."""
    text = one_line(text)
    found = _DAY.fullmatch(text) or _COMPACT.fullmatch(text)
    if found:
        year, *rest = (each for each in found.groups() if each)
        said = "-".join([year, *(each.zfill(2) for each in rest)])
        return said if _exists(said) else ""
    moment = _MOMENT.fullmatch(text)
    if moment is None:
        return ""
    year, month, day, hour, minute, second, fraction, zone = moment.groups()
    said = f"{year}-{month.zfill(2)}-{day.zfill(2)}"
    zone = {"UTC": "Z", None: ""}.get(zone, zone)
    zone = f"{zone[:3]}:{zone[3:]}" if len(zone) == 5 else zone
    valid = int(hour) < 24 and int(minute) < 60 and int(second or 0) < 60 and _exists(said)
    return f"{said}T{hour.zfill(2)}:{minute}:{second or '00'}{fraction or ''}{zone}" if valid else ""


def _exists(said: str) -> bool:
    try:
        date.fromisoformat((said + "-01-01")[:10])
    except ValueError:
        return False
    return True


def doi_of(text: str) -> str:
    """A DOI as its address; empty for what is none."""
    found = _DOI.fullmatch(text.strip())
    return f"https://doi.org/{found[1]}" if found else ""


def is_uri(text: str) -> bool:
    """Whether a text is the absolute address of something, with a host."""
    return bool(_URI.fullmatch(text))


def _fit(node: Node, notes: Notes, place: str, *, top: bool) -> Node:
    result: Node = {}
    for term, values in node.items():
        where = f"{place}{term}"
        kept = [each for each in (_kept(value, notes, where) for value in values) if each is not None]
        if term in AGENTS:
            kept = agents_of(kept, term, notes, top=top)
        for name, value in _placed(kept, term, notes, where, top=top):
            result.setdefault(name, []).append(value)
    return {term: _once(values) for term, values in result.items()}


def _once(values: list[Value]) -> list[Value]:
    """Values without the texts that were there before."""
    said = dict.fromkeys(value for value in values if isinstance(value, Text))
    return [value for value in values if not isinstance(value, Text) or said.pop(value, value) is None]


def _kept(value: Value, notes: Notes, where: str) -> Value | None:
    """A value with its inner parts in their form; None for what says nothing or cannot be kept."""
    if not isinstance(value, Text):
        inner = _fit(value, notes, f"{where}/", top=False)
        return inner or None
    unfit = unfit_character(value.value)
    if unfit:
        notes.refuse(f"{where} holds {unfit}")
        return None
    text = value.value.strip()
    return value._replace(value=text) if text else None


_Form = Callable[[Value], Value | None]


def _placed(
    values: list[Value], term: str, notes: Notes, where: str, *, top: bool
) -> list[tuple[str, Value]]:
    """Values in the form of their term, each with the name that it may stand under."""
    placed: list[tuple[str, Value]] = []
    for value in values:
        if term in DATES | DAYS:
            said = day_of(next(labels({term: [value]}, term), ""))
            said = said[:10] if term in DAYS and len(said) >= 10 else "" if term in DAYS else said
            if said:
                placed.append((term, Text(said)))
            else:
                notes.say(f"{where} was left out: {shown(_label(value))} is no date; write YYYY-MM-DD")
        elif term in TEXTS:
            placed += _text(value, term)
        elif term in URIS:
            said = _label(value)
            placed.append((term if is_uri(said) else SCHEMA + term, Text(said)))
        elif term == "id":
            placed += _id(value, top=top)
        elif term == "identifier":
            placed += _identifier(value, top=top)
        elif term == "license":
            placed.append((term, _licence(value)))
        elif term == "codeRepository":
            placed.append((term, Text(repository_of(_label(value)))))
        else:
            placed.append((term, value))
    return [(name, value) for name, value in placed if not isinstance(value, Text) or value.value]


def _label(value: Value) -> str:
    return next(labels({"": [value]}, ""), "")


def _text(value: Value, term: str) -> list[tuple[str, Value]]:
    if not isinstance(value, Text):
        value = next((each for each in value.get("name", ()) if isinstance(each, Text)), Text(_label(value)))
    if term == "keywords":
        return [(term, value._replace(value=word)) for word in split_words(value.value)]
    return [(term, value._replace(value=one_line(value.value)) if term == "name" else value)]


def split_words(text: str) -> list[str]:
    """Keywords that stand in one text, with commas or semicolons between."""
    return [one_line(word) for word in re.split(r"[;,\n]", text) if word.strip()]


def _id(value: Value, *, top: bool) -> list[tuple[str, Value]]:
    text = _label(value)
    if top:
        return [("id", Text(text))] if is_uri(text) else []
    is_name = _NODE_NAME.fullmatch(text) and not text.lower().startswith(("http:", "https:"))
    return [("id", Text(text))] if is_uri(text) or is_name else []


def _identifier(value: Value, *, top: bool) -> list[tuple[str, Value]]:
    """Identifiers as addresses; those that are none stand under schema.org's own name."""
    if not isinstance(value, Text):
        scheme = first(value, "schema:propertyID", "propertyID")
        text = first(value, "schema:value", "value", "url", "id", "identifier")
        doi = doi_of(text) if scheme.lower().rpartition("/")[2] in ("", "doi") else ""
        if not top:
            return [("identifier", Text(doi) if doi else value)]
        if not doi and not (is_uri(text) and not scheme):
            return [(SCHEMA + "identifier", value if scheme or not text else Text(text))]
        value = Text(doi or text)
    said = doi_of(value.value) or value.value
    fits = not top or is_uri(said) or _HAL.match(said)
    return [("identifier" if fits else SCHEMA + "identifier", Text(said))]


def _licence(value: Value) -> Value:
    """A licence: its SPDX expression, its address, or a node with both."""
    if isinstance(value, Text):
        return value._replace(value=one_line(value.value))
    said = set(value) - {"type"}
    if said <= {"id"} or said <= {"url"} or said <= {"name"} or said <= {"id", "url"}:
        return Text(first(value, "url", "id", "name"))
    if "url" not in value and first(value, "id"):
        return {**value, "url": value["id"]}
    return value


def repository_of(text: str) -> str:
    """The address of a repository, as browsers read it: without ``git+``, and of ``user/name`` at a forge."""
    text = one_line(text).removeprefix("git+").removeprefix("scm:git:")
    short = re.fullmatch(r"(?:(github|gitlab|bitbucket):)?([\w.-]+/[\w.-]+)", text)
    if short:
        host = {"gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}.get(short[1] or "", "github.com")
        return f"https://{host}/{short[2]}"
    ssh = re.fullmatch(r"(?:ssh://)?git@([\w.-]+)[:/](\S+?)(?:\.git)?", text)
    if ssh:
        return f"https://{ssh[1]}/{ssh[2]}"
    return "https://" + text.removeprefix("git://") if text.startswith("git://") else text


def _version(node: Node) -> None:
    """One version, under CodeMeta's older name of it, which archives read."""
    said = [text for text in texts(node, "softwareVersion", "version") if text.lower() not in _NO_VERSION]
    node.pop("version", None)
    node.pop("softwareVersion", None)
    if said:
        node["softwareVersion"] = [Text(one_line(said[0]))]


def _language_first(node: Node) -> None:
    """Of a name or description in several languages the English one stands first, or the one without a language."""
    for term in IN_LANGUAGES - {"keywords"}:
        values = [value for value in node.get(term, ()) if isinstance(value, Text)]
        if len({value.language for value in values}) > 1:
            values.sort(key=_rank)
            node[term] = [*values]


def _rank(value: Text) -> int:
    language = value.language.lower().partition("-")[0]
    return 0 if language == "en" else 1 if not language else 2


def has_people(node: Node) -> bool:
    """Whether a tree names an author."""
    return any(first(each, "name") for each in nodes(node, "author"))
