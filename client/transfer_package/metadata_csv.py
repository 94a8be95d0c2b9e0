"""metadata/metadata.csv: one row, which says what the package is."""

import re
from collections.abc import Iterator
from datetime import date

from client.transfer_package.contents import Contents, Finding
from client.transfer_package.layout import METADATA
from client.transfer_package.options import ACCESSION, CATALOGUED, Column, Options
from client.transfer_package.tables import Row, Table, read_table

_PREFIX = "transfer.metadata"
# As long as the index of the server bears.
MAX_IDENTIFIER = 500


def judge_metadata(contents: Contents, options: Options) -> Iterator[Finding]:
    """Everything that is wrong with metadata.csv, if there is one."""
    if METADATA not in contents.files:
        return
    table, found = read_table(contents, METADATA, _PREFIX, bom=True)
    yield from found
    if table is None:
        return
    wanted = wanted_columns(table, options)
    yield from _columns(table, wanted, options)
    if table.row_count != 1:
        yield _finding(
            "rows",
            f"{METADATA} has {table.row_count} rows below its header. It needs exactly one, for the whole package"
            + (": delete rows that only hold commas, too." if table.row_count else "."),
        )
    for row in table.rows:
        yield from _values(row, table, wanted, options)


def row_of(contents: Contents) -> Row | None:
    """The one row of metadata.csv; None unless it has exactly one of the right form."""
    if METADATA not in contents.files:
        return None
    table, _ = read_table(contents, METADATA, _PREFIX, bom=True)
    return table.rows[0] if table and table.row_count == 1 and table.rows else None


def wanted_columns(table: Table | None, options: Options) -> tuple[str, ...]:
    """The columns that identify the package: as asked for, or by the header."""
    if options.identifier_columns:
        return options.identifier_columns
    header = table.header if table else ()
    if CATALOGUED[0] not in header and any(name in header for name in ACCESSION):
        return ACCESSION
    return CATALOGUED


def _finding(code: str, message: str) -> Finding:
    return Finding(code=f"{_PREFIX}.{code}", subject=METADATA, message=message)


def _columns(table: Table, wanted: tuple[str, ...], options: Options) -> Iterator[Finding]:
    required = ("filename", *wanted, *(each.name for each in options.columns if each.required))
    lacking = [name for name in dict.fromkeys(required) if name not in table.header]
    if lacking:
        similar = {name.strip().lower(): name for name in table.header}
        hints = [f" The column {similar[n]!r} is not spelt {n!r}." for n in lacking if n in similar]
        yield _finding(
            "columns", f"{METADATA} has no column {', '.join(map(repr, lacking))}.{''.join(hints)}"
        )


def _values(row: Row, table: Table, wanted: tuple[str, ...], options: Options) -> Iterator[Finding]:
    where = f"line {row.line} of {METADATA}"
    if "filename" in table.header and row["filename"] != "objects/":
        yield _finding("filename", f"The filename in {where} is {row['filename']!r}. It must be 'objects/'.")
    for name in wanted:
        if name not in table.header:
            continue
        if not row[name]:
            yield _finding("identifier", f"The value of {name!r} in {where} is blank. Write the identifier.")
        elif len(row[name]) > MAX_IDENTIFIER or not row[name].isprintable():
            message = f"The value of {name!r} in {where} is too long, or holds characters that do not print."
            yield _finding("identifier", message)
    for column in options.columns:
        if column.name in table.header:
            yield from _by_schema(row[column.name], column, where)


def _by_schema(value: str, column: Column, where: str) -> Iterator[Finding]:
    """What a Table Schema says of one value."""
    if not value:
        if column.required:
            yield _finding("value", f"The value of {column.name!r} in {where} is blank.")
        return
    reason = _type_reason(value, column.type)
    if column.enum and value not in column.enum:
        reason = f"it must be one of: {', '.join(column.enum)}"
    elif column.pattern and not re.fullmatch(column.pattern, value):
        reason = f"it must match {column.pattern}"
    elif len(value) < column.min_length:
        reason = f"it must have at least {column.min_length} characters"
    elif column.max_length and len(value) > column.max_length:
        reason = f"it may have at most {column.max_length} characters"
    if reason:
        yield _finding(
            "value", f"The value {value!r} of {column.name!r} in {where} is not accepted: {reason}."
        )


def _type_reason(value: str, type_: str) -> str:
    patterns = {
        "integer": r"[+-]?\d+",
        "number": r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?",
        "boolean": r"(?i)true|false|1|0",
        "year": r"\d{4}",
    }
    if type_ in patterns and not re.fullmatch(patterns[type_], value, re.ASCII):
        return f"it must be of the type {type_}"
    if type_ == "date":
        try:
            date.fromisoformat(value)
        except ValueError:
            return "it must be a date such as 2026-03-05"
    return ""
