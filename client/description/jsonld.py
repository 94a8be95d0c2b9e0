"""JSON-LD (https://www.w3.org/TR/json-ld11/) as people write it, as one tree. Nothing is ever fetched.

Contexts inside the document are applied: names of their own for terms, keywords and prefixes, containers, a language.
The contexts of CodeMeta 2 and 3 and of schema.org are built in; terms of others are taken for theirs. ``@graph``,
``@list``, ``@set``, ``@included``, ``@nest``, language maps, and nodes that are named by their ``@id`` in one place and
told in another come out as the same tree. This reading forgives what a strict processor would refuse or drop.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from client.description.node import Node, Notes, Text, Unreadable, Value, shown
from client.description.text import decoded
from client.description.vocabulary import IN_LANGUAGES, MEANT, PREFIXES, TERMS, term_of

Json = Any
MAX_SIZE = 1024 * 1024
# Bounds of the tree: how deep, and how many values, counted again wherever a node is named again.
MAX_DEPTH = 40
MAX_VALUES = 20_000

_KNOWN = re.compile(r"schema\.org|codemeta", re.IGNORECASE)
_LANGUAGE = re.compile(r"@none|[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_WORDS = """
    @id @type @value @language @list @set @graph @included @nest @index @reverse @context @none @direction @json
    @base @vocab @version @container @import @propagate @protected @prefix
"""
_KEYWORDS = frozenset(_WORDS.split())
_MAIN = ("SoftwareSourceCode", "SoftwareApplication", "Dataset", "CreativeWork")


@dataclass(frozen=True, slots=True)
class _Context:
    """What names mean here: ``terms`` maps to an IRI or keyword, ``containers`` to JSON-LD's words for maps."""

    terms: Mapping[str, str] = field(default_factory=dict)
    containers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    language: str = ""

    def meaning(self, name: str) -> str:
        """A keyword, or the IRI or plain name of a property; empty where a context says that it means nothing."""
        for _ in range(8):
            if name in _KEYWORDS:
                return name
            if name in self.terms:
                if self.terms[name] == name:
                    return name
                name = self.terms[name]
                continue
            prefix, colon, rest = name.partition(":")
            if not colon or rest.startswith("//"):
                break
            expansion = self.terms.get(prefix) or PREFIXES.get(prefix)
            return self.meaning_of_iri(expansion, rest) if expansion else name
        return {"id": "@id", "type": "@type"}.get(name, name)

    def meaning_of_iri(self, prefix: str, rest: str) -> str:
        """A compact IRI in full; its prefix may be named by another."""
        head, colon, tail = prefix.partition(":")
        if colon and not tail.startswith("//") and head in PREFIXES:
            prefix = PREFIXES[head] + tail
        return prefix + rest


def loads(data: bytes) -> Json:
    """A JSON document, numbers as they are written. Raises `Unreadable`."""
    text = decoded(data, limit=MAX_SIZE)
    try:
        return json.loads(text, parse_int=str, parse_float=str)
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    except ValueError as error:
        raise Unreadable(f"it is not JSON: {error}"[:200]) from None


def read_tree(document: Json, notes: Notes) -> Node:
    """The tree of a parsed document's main node. Raises `Unreadable` where there is none."""
    reader = _Reader(notes)
    found = [each for each in reader.values(document, _Context(), "", 0) if not isinstance(each, Text)]
    if not found:
        raise Unreadable("it holds no object")
    main = _main(found)
    others = [each for each in found if each is not main and _types(each) & set(_MAIN)]
    if others:
        notes.say(f"it describes {len(others) + 1} things, and the first was taken")
    return reader.resolved(main)


def _types(node: Node) -> set[str]:
    return {value.value for value in node.get("type", ()) if isinstance(value, Text)}


def _main(found: list[Node]) -> Node:
    """Of several nodes the one that the document is about: by its type, and that no other node refers to it."""
    named = {
        each.value
        for node in found
        for term, values in node.items()
        if term not in ("id", "type")
        for value in values
        for each in ([value] if isinstance(value, Text) else value.get("id", []))
        if isinstance(each, Text)
    }
    ids = {id(node): {each.value for each in node.get("id", ()) if isinstance(each, Text)} for node in found}
    free = [node for node in found if not ids[id(node)] & named] or found
    for kind in _MAIN:
        for node in (*free, *found):
            if kind in _types(node):
                return node
    return next((node for node in free if "name" in node), free[0])


class _Reader:
    """Reads a document into trees, and knows every node in it that has an ``@id``."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._told: dict[str, Node] = {}
        self._count = 0

    def values(self, value: Json, context: _Context, term: str, depth: int) -> Iterator[Value]:
        """What a JSON value says under a term; null says nothing."""
        self._counted(depth)
        if isinstance(value, list):
            for each in value:
                yield from self.values(each, context, term, depth + 1)
        elif isinstance(value, dict):
            yield from self._of_object(value, context, term, depth)
        elif value is not None:
            said = ("true" if value else "false") if isinstance(value, bool) else str(value)
            yield Text(said, context.language if term in IN_LANGUAGES else "")

    def _counted(self, depth: int) -> None:
        self._count += 1
        if depth > MAX_DEPTH:
            raise Unreadable(f"it is nested more than {MAX_DEPTH} deep")
        if self._count > MAX_VALUES:
            raise Unreadable(f"it holds more than {MAX_VALUES:,} values")

    def _of_object(self, value: dict[str, Json], context: _Context, term: str, depth: int) -> Iterator[Value]:
        if "@context" in value:
            context = self._context(value["@context"], context)
        keys = {context.meaning(name): name for name in value}
        if "@value" in keys:
            language = value.get(keys.get("@language", ""), context.language)
            for each in self.values(value[keys["@value"]], context, term, depth + 1):
                yield each._replace(language=str(language or "")) if isinstance(each, Text) else each
        elif "@list" in keys or "@set" in keys:
            yield from self.values(value[keys.get("@list") or keys["@set"]], context, term, depth + 1)
        elif "@graph" in keys and set(keys) <= {"@graph", "@context", "@id", "@index"}:
            yield from self.values(value[keys["@graph"]], context, term, depth + 1)
        elif self._is_language_map(value, context, term):
            for language, inner in value.items():
                told = "" if language == "@none" else language
                for each in self.values(inner, context, term, depth + 1):
                    yield each._replace(language=told) if isinstance(each, Text) else each
        elif {"@index", "@id", "@type"} & set(context.containers.get(term, ())):
            yield from self._of_map(value, context, term, depth)
        else:
            yield self._node(value, context, depth)

    def _is_language_map(self, value: dict[str, Json], context: _Context, term: str) -> bool:
        if "@language" in context.containers.get(term, ()):
            return True
        return (
            term in IN_LANGUAGES
            and bool(value)
            and all(_LANGUAGE.fullmatch(name) and name not in TERMS for name in value)
            and all(isinstance(inner, str | list | None) for inner in value.values())
        )

    def _of_map(self, value: dict[str, Json], context: _Context, term: str, depth: int) -> Iterator[Value]:
        """An index, id or type map: its keys name what its values are."""
        container = context.containers[term]
        for key, inner in value.items():
            for each in self.values(
                inner, replace(context, containers={**context.containers, term: ()}), term, depth + 1
            ):
                word = "id" if "@id" in container else "type" if "@type" in container else ""
                if word and not isinstance(each, Text):
                    each.setdefault(word, [Text(key)])
                yield each

    def _node(self, value: dict[str, Json], context: _Context, depth: int) -> Node:
        node: Node = {}
        for name, inner in value.items():
            self._property(node, name, inner, context, depth)
        for identifier in node.get("id", ())[:1]:
            if isinstance(identifier, Text) and len(node) > 1:
                known = self._told.setdefault(identifier.value, node)
                if known is not node:
                    for term, values in node.items():
                        known.setdefault(term, values)
        return node

    def _property(self, node: Node, name: str, inner: Json, context: _Context, depth: int) -> None:
        meaning = context.meaning(name)
        if meaning == "@id":
            node.setdefault("id", []).extend(_strings(inner))
        elif meaning == "@type":
            kinds = [term_of(context.meaning(each.value)) or each.value for each in _strings(inner)]
            node.setdefault("type", []).extend(Text(kind.removeprefix("schema:")) for kind in kinds)
        elif meaning in ("@nest", "@included"):
            for each in inner if isinstance(inner, list) else [inner]:
                if meaning == "@nest" and isinstance(each, dict):
                    for key, value in each.items():
                        self._property(node, key, value, context, depth + 1)
                else:
                    list(self.values(each, context, "", depth + 1))
        elif meaning == "@graph":
            list(self.values(inner, context, "", depth + 1))
        elif meaning == "@reverse":
            self._notes.say("@reverse was left out")
        elif meaning and not meaning.startswith("@"):
            self._term(node, name, meaning, inner, context, depth)

    def _term(self, node: Node, name: str, meaning: str, inner: Json, context: _Context, depth: int) -> None:
        term = term_of(meaning)
        term = MEANT.get(term.removeprefix("schema:"), term)
        if not term:
            self._notes.say(f"{shown(name)} was left out: it is no name that a metadata document can have")
            return
        if inner is None and term in TERMS:
            self._notes.say(f"{term} is null and was left out")
        named = replace(context, containers={**context.containers, term: context.containers.get(name, ())})
        values = list(self.values(inner, named, term, depth + 1))
        if values:
            node.setdefault(term, []).extend(values)

    def _context(self, told: Json, context: _Context) -> _Context:
        for each in told if isinstance(told, list) else [told]:
            if each is None:
                context = _Context()
            elif isinstance(each, str):
                if not _KNOWN.search(each):
                    self._notes.say(
                        f"the context {shown(each)} is not known; its terms were read as CodeMeta's"
                    )
            elif isinstance(each, dict):
                context = _with_definitions(context, each)
        return context

    def resolved(self, node: Node) -> Node:
        """The tree with those nodes in it that it only names."""
        self._count = 0
        return self._resolved(node, 0, frozenset())

    def _resolved(self, node: Node, depth: int, above: frozenset[str]) -> Node:
        self._counted(depth)
        own = next((each.value for each in node.get("id", ()) if isinstance(each, Text)), "")
        if own in above:
            return {"id": [Text(own)]}
        # What is said here counts more than what is said of the same thing elsewhere.
        told = {**self._told.get(own, {}), **node}
        above |= {own} if own else set()
        result: Node = {}
        for term, values in told.items():
            result[term] = [
                each if term in ("id", "type") else self._followed(each, term, depth, above)
                for each in values
            ]
        return result

    def _followed(self, value: Value, term: str, depth: int, above: frozenset[str]) -> Value:
        if isinstance(value, Text):
            known = value.value in self._told and (value.value.startswith("_:") or term not in IN_LANGUAGES)
            if not known or value.value in above:
                return value
            value = {"id": [value]}
        return self._resolved(value, depth + 1, above)


def _with_definitions(context: _Context, told: dict[str, Json]) -> _Context:
    terms, containers = dict(context.terms), dict(context.containers)
    language = context.language
    for name, definition in told.items():
        if name == "@language":
            language = str(definition or "")
        elif name.startswith("@"):
            continue
        elif isinstance(definition, str) or definition is None:
            terms[name] = definition or ""
        elif isinstance(definition, dict):
            if isinstance(definition.get("@id"), str):
                terms[name] = definition["@id"]
            container = definition.get("@container")
            if container:
                containers[name] = tuple(each.value for each in _strings(container))
    return _Context(terms, containers, language)


def _strings(value: Json) -> list[Text]:
    return [Text(each) for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
