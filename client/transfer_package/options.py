"""What a collection or the command line may ask for beyond the rules themselves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CATALOGUED = ("dc.identifier",)
ACCESSION = ("collection_reference", "accession_number")

_TYPES = ("string", "integer", "number", "boolean", "date", "year")
_CONSTRAINTS = ("required", "enum", "pattern", "minLength", "maxLength")


class OptionsError(ValueError):
    """Options that make no sense, worded for whoever wrote them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column that metadata.csv must or may have, as a field of a Table Schema (frictionlessdata.io) words it."""

    name: str
    type: str = "string"
    required: bool = False
    enum: tuple[str, ...] = ()
    pattern: str = ""
    min_length: int = 0
    max_length: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How strict the rules are.

    ``identifier_columns``: the columns of metadata.csv whose values identify the package; empty: ``dc.identifier``, or
    ``collection_reference`` with ``accession_number``. ``rights_required``: whether metadata/rights.csv must be there.
    ``columns``: further rules for the columns of metadata.csv. ``testing_prefix``: identifiers that begin so belong to
    the testing collection.
    """

    identifier_columns: tuple[str, ...] = ()
    rights_required: bool = False
    columns: tuple[Column, ...] = field(default=())
    testing_prefix: str = ""
    testing_collection: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Options":
        """Read options from JSON: the fields above, ``columns`` as a Table Schema. Raises `OptionsError`."""
        names = {"identifier_columns", "rights_required", "columns", "testing_prefix", "testing_collection"}
        if unknown := sorted(set(given) - names):
            raise OptionsError(f"Unknown option {unknown[0]!r}; there are {', '.join(sorted(names))}.")
        return cls(
            identifier_columns=identifier_columns(given.get("identifier_columns") or ()),
            rights_required=bool(given.get("rights_required")),
            columns=columns_of(given["columns"]) if given.get("columns") else (),
            testing_prefix=str(given.get("testing_prefix") or ""),
            testing_collection=str(given.get("testing_collection") or ""),
        )


def identifier_columns(given: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """The names in ``a,b`` or in a list. Raises `OptionsError`."""
    names = tuple(name.strip() for name in (given.split(",") if isinstance(given, str) else given))
    if "" in names and given:
        raise OptionsError("A name in the list of identifier columns is empty.")
    if len(set(names)) != len(names) or "filename" in names:
        raise OptionsError("An identifier column is named twice, or is 'filename'.")
    return names


def columns_of(schema: Any) -> tuple[Column, ...]:
    """The columns of a Table Schema: a mapping with ``fields``. Raises `OptionsError` for what is not understood."""
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if not isinstance(fields, list) or not all(isinstance(each, dict) for each in fields):
        raise OptionsError('A table schema is a JSON object with a list of objects in "fields".')
    return tuple(_column(each) for each in fields)


def _column(given: dict[str, Any]) -> Column:
    name = given.get("name")
    if not isinstance(name, str) or not name:
        raise OptionsError('A field of the table schema has no "name".')
    constraints = given.get("constraints") or {}
    type_ = given.get("type", "string")
    if type_ not in _TYPES:
        raise OptionsError(f"The type of column {name!r} is not one of {', '.join(_TYPES)}.")
    if unknown := sorted(set(constraints) - set(_CONSTRAINTS)):
        raise OptionsError(f"The constraint {unknown[0]!r} of column {name!r} is not known here.")
    pattern = str(constraints.get("pattern", ""))
    try:
        re.compile(pattern)
    except re.error as error:
        raise OptionsError(f"The pattern of column {name!r} is no regular expression: {error}.") from error
    return Column(
        name=name,
        type=type_,
        required=bool(constraints.get("required")),
        enum=tuple(map(str, constraints.get("enum", ()))),
        pattern=pattern,
        min_length=int(constraints.get("minLength", 0)),
        max_length=int(constraints.get("maxLength", 0)),
    )
