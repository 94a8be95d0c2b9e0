"""metadata/rights.csv: what may be done with the files, in the terms of Archivematica's rights import."""

from collections.abc import Iterator

from client.transfer_package.contents import Contents, Finding
from client.transfer_package.layout import RIGHTS
from client.transfer_package.tables import Row, Table, read_table

_PREFIX = "transfer.rights"

REQUIRED = ("file", "basis")
OPTIONAL = (
    "status",
    "determination_date",
    "start_date",
    "end_date",
    "jurisdiction",
    "terms",
    "citation",
    "note",
    "grant_act",
    "grant_restriction",
    "grant_start_date",
    "grant_end_date",
    "grant_note",
    "doc_id_type",
    "doc_id_value",
    "doc_id_role",
)
_OF_A_BASIS = OPTIONAL[:8]
# What Archivematica keeps of a row, by its basis; it drops the other fields in silence.
KEPT = {
    "copyright": {"status", "determination_date", "start_date", "end_date", "jurisdiction", "note"},
    "donor": {"start_date", "end_date", "note"},
    "license": {"start_date", "end_date", "note", "terms"},
    "other": {"start_date", "end_date", "note"},
    "policy": {"start_date", "end_date", "note"},
    "statute": {"determination_date", "start_date", "end_date", "jurisdiction", "citation", "note"},
}
NEEDED = {
    "copyright": ("status", "jurisdiction", "note", "grant_act", "grant_note"),
    "license": ("note", "grant_act", "grant_note"),
    "statute": ("citation", "jurisdiction"),
}
NOTES = {
    "copyright": ("In copyright", "All Rights Reserved"),
    "license": (
        "CC-0",
        "CC-BY",
        "CC-BY-NC",
        "CC-BY-NC-ND",
        "CC-BY-NC-SA",
        "CC-BY-SA",
        "OGL",
        "OPL",
        "PDM",
    ),
}
RESTRICTIONS = ("allow", "conditional", "disallow")


def judge_rights(contents: Contents, *, required: bool) -> Iterator[Finding]:
    """Everything that is wrong with rights.csv, if there is one; or that there is none though one is ``required``."""
    if RIGHTS not in contents.files:
        if required:
            message = f"The package has no {RIGHTS}, which this collection requires."
            yield Finding(code=f"{_PREFIX}.missing", subject=RIGHTS, message=message)
        return
    table, found = read_table(contents, RIGHTS, _PREFIX, bom=False)
    yield from found
    if table is None:
        return
    yield from _columns(table)
    if not table.row_count:
        yield _finding("rows", f"{RIGHTS} has no row below its header. Add one, or remove the file.")
    earlier: dict[tuple[str, str, str], int] = {}
    for row in table.rows:
        for code, message in (*_place(row, contents, table), *_row(row)):
            yield _finding(code, f"Line {row.line} of {RIGHTS}: {message}")
        key = (row["file"], row["basis"].lower(), row["grant_act"].lower())
        if key in earlier:
            yield _finding(
                "duplicate",
                f"Line {row.line} of {RIGHTS} says again what line {earlier[key]} says: the same file, basis and "
                "grant_act. Put both into one row, or give them different acts.",
            )
        earlier.setdefault(key, row.line)


def _finding(code: str, message: str) -> Finding:
    return Finding(code=f"{_PREFIX}.{code}", subject=RIGHTS, message=message)


def _columns(table: Table) -> Iterator[Finding]:
    unknown = [name for name in table.header if name not in (*REQUIRED, *OPTIONAL)]
    if unknown:
        yield _finding("columns", f"{RIGHTS} has unknown columns: {', '.join(map(repr, unknown))}.")
    lacking = [name for name in REQUIRED if name not in table.header]
    if lacking:
        yield _finding("columns", f"{RIGHTS} has no column {', '.join(map(repr, lacking))}.")


def _place(row: Row, contents: Contents, table: Table) -> Iterator[tuple[str, str]]:
    if "file" not in table.header:
        return
    path = row["file"]
    inside = path.removeprefix("objects/")
    if not path:
        yield "file", "the file is blank."
    elif not path.startswith("objects/"):
        yield "file", f"the file {path!r} must begin with 'objects/'."
    elif inside not in contents.files or inside.startswith("metadata/"):
        yield "file", f"there is no file {inside!r} in the package, which {path!r} means."


def _row(row: Row) -> Iterator[tuple[str, str]]:
    if "basis" not in row.values:
        return
    basis = row["basis"].lower()
    if not basis:
        yield "basis", "the basis is blank."
    elif basis not in KEPT:
        yield "basis", f"the basis {row['basis']!r} is not one of: {', '.join(KEPT)}."
    else:
        yield from _by_basis(row, basis)
    yield from _documentation(row)
    yield from _grant(row)


def _by_basis(row: Row, basis: str) -> Iterator[tuple[str, str]]:
    for name in NEEDED.get(basis, ()):
        if not row[name]:
            yield "required", f"the basis {basis!r} needs a value of {name!r}."
    note = row["note"]
    if note and basis in NOTES and note not in NOTES[basis]:
        yield "note", f"the note {note!r} is not one of: {', '.join(NOTES[basis])}."
    lost = [name for name in _OF_A_BASIS if row[name] and name not in KEPT[basis]]
    if lost:
        yield "lost", f"the basis {basis!r} has no {', '.join(map(repr, lost))}; the values would be lost."
    if basis == "copyright" and row["end_date"].lower() == "open":
        yield "end-date", "the end_date of a copyright cannot be 'open'. Leave it empty."


def _documentation(row: Row) -> Iterator[tuple[str, str]]:
    given = [name for name in ("doc_id_type", "doc_id_value", "doc_id_role") if row[name]]
    lacking = [name for name in ("doc_id_type", "doc_id_value") if not row[name]]
    if given and lacking:
        yield "documentation", f"{given[0]!r} needs a value of {', '.join(map(repr, lacking))} beside it."


def _grant(row: Row) -> Iterator[tuple[str, str]]:
    details = ("grant_restriction", "grant_start_date", "grant_end_date", "grant_note")
    if any(row[name] for name in details) and not row["grant_act"]:
        yield "grant", "the details of a grant need a value of 'grant_act'."
    if (row["grant_start_date"] or row["grant_end_date"]) and not row["grant_restriction"]:
        yield "grant", "the dates of a grant need a value of 'grant_restriction'."
    restriction = row["grant_restriction"].lower()
    if restriction and restriction not in RESTRICTIONS:
        yield "grant", f"the grant_restriction {restriction!r} is not one of: {', '.join(RESTRICTIONS)}."
