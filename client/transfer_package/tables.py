"""Reading the CSV files of a package: header and rows, with everything that is wrong with their form."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from client.transfer_package.contents import MAX_SMALL_FILE, Contents, Finding

MAX_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line on which it ends, its values by column, stripped."""

    line: int
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file. ``rows`` holds those whose form is right; ``row_count`` counts all."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    row_count: int


def read_table(
    contents: Contents, path: str, prefix: str, *, bom: bool
) -> tuple[Table | None, list[Finding]]:
    """The table at ``path`` and what is wrong with its form; codes begin with ``prefix``. ``bom``: it may have one."""
    text, found = _text(contents, path, prefix, bom=bom)
    if text is None:
        return None, found
    rows: list[Row] = []
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = _header(lines)
        if header is None:
            return None, [_finding(prefix, "empty", path, f"{path} is empty. It needs a header and a row.")]
        found += _header_findings(header, path, prefix)
        count = 0
        for cells in lines:
            if not cells:
                continue  # a blank line
            count += 1
            if count > MAX_ROWS:
                return None, [
                    *found,
                    _finding(prefix, "rows", path, f"{path} has more than {MAX_ROWS} rows."),
                ]
            wrong = _row_finding(header, cells, lines.line_num, path, prefix)
            if wrong:
                found.append(wrong)
            else:
                values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
                rows.append(Row(lines.line_num, values))
    except csv.Error as error:
        message = f'Line {lines.line_num} of {path} cannot be read as CSV: {error}. Quote values as "…".'
        return None, [*found, _finding(prefix, "csv", path, message)]
    return Table(tuple(header), tuple(rows), count), found


def _finding(prefix: str, code: str, path: str, message: str) -> Finding:
    return Finding(code=f"{prefix}.{code}", subject=path, message=message)


def _text(contents: Contents, path: str, prefix: str, *, bom: bool) -> tuple[str | None, list[Finding]]:
    data = contents.small.get(path)
    if data is None:
        most = MAX_SMALL_FILE // 1024 // 1024
        return None, [_finding(prefix, "size", path, f"{path} is larger than {most} MiB and was not read.")]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        message = f"{path} is not UTF-8. Save it as CSV in UTF-8 (in Excel: “CSV UTF-8”)."
        return None, [_finding(prefix, "encoding", path, message)]
    found = []
    if "\ufeff" in text and not bom:
        message = f"{path} has a byte-order mark. Save it as UTF-8 without one (in Notepad: “UTF-8”)."
        found.append(_finding(prefix, "bom", path, message))
    if "\0" in text:
        return None, [*found, _finding(prefix, "csv", path, f"{path} holds NUL bytes; it is no CSV file.")]
    return text.replace("\ufeff", ""), found


def _header(lines: "Iterator[list[str]]") -> list[str] | None:
    return next((cells for cells in lines if cells), None)


def _header_findings(header: list[str], path: str, prefix: str) -> list[Finding]:
    doubled = sorted({name for name in header if header.count(name) > 1})
    if not doubled:
        return []
    names = ", ".join(repr(name) for name in doubled)
    return [_finding(prefix, "columns", path, f"{path} has columns more than once: {names}.")]


def _row_finding(header: list[str], cells: list[str], line: int, path: str, prefix: str) -> Finding | None:
    where = f"Line {line} of {path}"
    if len(cells) > len(header):
        message = (
            f"{where} has {len(cells)} values for {len(header)} columns. Quote values that hold a comma."
        )
        return _finding(prefix, "surplus", path, message)
    if len(cells) < len(header):
        lacking = ", ".join(header[len(cells) :])
        return _finding(
            prefix, "short", path, f"{where} has no values for: {lacking}. Add the commas for them."
        )
    return None
