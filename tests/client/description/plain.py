"""Trees as plain data, to be compared: lists of one are their member, texts without a language are strings."""

from typing import Any


def plain(node: dict[str, list[Any]]) -> dict[str, Any]:
    """A node of the server's or the client's reading."""
    told: dict[str, Any] = {}
    for term, values in node.items():
        said = [_value(value) for value in values]
        told[term] = said[0] if len(said) == 1 else said
    return told


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return plain(value)
    return (value.value, value.language) if value.language else value.value
