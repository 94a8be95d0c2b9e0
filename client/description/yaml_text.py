"""YAML as plain lists, dicts and texts: scalars stay as they are written, and no document can cost more than its size.

1.10 stays 1.10, 2024-3-5 is no date yet, ``no`` is a word. Only null means nothing. Anchors are followed, but what they
repeat counts each time. Tags are not looked at.
"""

from collections.abc import Iterator
from typing import Any

from client.description.node import Unreadable
from client.description.text import decoded, unfit_character

MAX_SIZE = 512 * 1024
MAX_DEPTH = 40
MAX_VALUES = 20_000

_NULL = frozenset(("", "~", "null", "Null", "NULL"))


def loads(data: bytes) -> Any:
    """The first document of a file. Raises `Unreadable`."""
    try:
        import yaml  # noqa: PLC0415  optional in the client
    except ImportError:
        raise Unreadable("PyYAML is not installed; pip install 'deposit-client[cff]'") from None

    text = decoded(data, limit=MAX_SIZE)
    unfit = unfit_character(text)
    if unfit:
        raise Unreadable(f"it holds {unfit}")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Builder(yaml.parse(text, Loader=loader)).document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" on line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise Unreadable(f"it is not YAML{place}: {problem}") from None
    except RecursionError:
        raise Unreadable("it is nested too deep") from None


class _Builder:
    """Builds values from the parser's events, counting as it goes."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = 0

    def document(self) -> Any:
        for event in self._events:
            if type(event).__name__ not in ("StreamStartEvent", "DocumentStartEvent"):
                return None if type(event).__name__ == "StreamEndEvent" else self._value(event, 0)
        return None

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self._alias(event)
        self._counted(1)
        if depth > MAX_DEPTH:
            raise Unreadable(f"it is nested more than {MAX_DEPTH} deep")
        before = self._count
        if kind == "ScalarEvent":
            value: Any = None if not event.style and event.value in _NULL else event.value
        elif kind == "SequenceStartEvent":
            value = [self._value(each, depth + 1) for each in self._until("SequenceEndEvent")]
        else:
            value = self._mapping(depth)
        if event.anchor:
            self._anchors[event.anchor] = value, self._count - before + 1
        return value

    def _until(self, end: str) -> Iterator[Any]:
        for event in self._events:
            if type(event).__name__ == end:
                return
            yield event

    def _mapping(self, depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for event in self._until("MappingEndEvent"):
            key = self._value(event, depth + 1)
            inner = self._value(next(self._events), depth + 1)
            if key == "<<" and isinstance(inner, dict):
                value = {**inner, **value}
            elif isinstance(key, str):
                value[key] = inner
        return value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise Unreadable(f"it names an anchor that it does not have, {event.anchor[:40]!r}")
        value, size = self._anchors[event.anchor]
        self._counted(size)
        return value

    def _counted(self, number: int) -> None:
        self._count += number
        if self._count > MAX_VALUES:
            raise Unreadable(f"it holds more than {MAX_VALUES:,} values")
