"""Archivematica's own conventions for a standard transfer, which are looser than those of a transfer package.

Objects lie at the root or below ``objects/``; ``metadata/`` may hold checksum files, metadata.csv, rights.csv,
identifiers.json, premis.xml and submissionDocumentation/.
"""

import json
from collections.abc import Iterator
from xml.parsers import expat

from client.transfer_package.checksum_files import judge_checksums
from client.transfer_package.contents import Contents, Finding
from client.transfer_package.layout import METADATA
from client.transfer_package.options import Options
from client.transfer_package.rights_csv import judge_rights
from client.transfer_package.rules import bounded
from client.transfer_package.tables import read_table

IDENTIFIERS = "metadata/identifiers.json"
PREMIS = "metadata/premis.xml"
DOCUMENTATION = "metadata/submissionDocumentation"
_PREMIS_3 = "http://www.loc.gov/premis/v3"


def judge(contents: Contents, options: Options | None = None) -> list[Finding]:
    """Every finding on a transfer by Archivematica's conventions."""
    options = options or Options()
    return bounded(
        [
            *_objects(contents),
            *judge_checksums(contents),
            *_metadata_csv(contents),
            *judge_rights(_as_objects(contents), required=options.rights_required),
            *_identifiers(contents),
            *_premis(contents),
        ]
    )


def _objects(contents: Contents) -> Iterator[Finding]:
    if not any(not path.startswith("metadata/") for path in contents.counted()):
        yield Finding(code="archivematica.content", subject="", message="The package holds no object.")
    if DOCUMENTATION in contents.files:
        message = f"{DOCUMENTATION} is a file. It must be a folder, which holds the documents."
        yield Finding(code="archivematica.submission-documentation", subject=DOCUMENTATION, message=message)


def _as_objects(contents: Contents) -> Contents:
    """The same package, with what lies below ``objects/`` also seen from there: rights.csv counts from there."""
    inside = {path.removeprefix("objects/"): size for path, size in contents.files.items()}
    return Contents(files={**contents.files, **inside}, small=contents.small)


def _metadata_csv(contents: Contents) -> Iterator[Finding]:
    if METADATA not in contents.files:
        return
    table, found = read_table(contents, METADATA, "archivematica", bom=True)
    for each in found:
        yield Finding(code="archivematica.csv", subject=each.subject, message=each.message)
    if table is None:
        return
    column = table.header[0] if table.header else ""
    if column not in ("filename", "parts"):
        message = f"The first column of {METADATA} must be 'filename' or 'parts', not {column!r}."
        yield Finding(code="archivematica.csv", subject=METADATA, message=message)
        return
    known = _places(contents)
    for row in table.rows:
        if row[column].rstrip("/") not in known:
            message = f"Line {row.line} of {METADATA} speaks of {row[column]!r}, which is not in the package."
            yield Finding(code="archivematica.csv", subject=METADATA, message=message)


def _places(contents: Contents) -> set[str]:
    """All paths that a metadata file may name, as they count from the root of the transfer: ``objects/...``."""
    known = {"objects"}
    for path in (*contents.files, *contents.folders):
        parts = f"objects/{path.removeprefix('objects/')}".split("/")
        known |= {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    return known


def _identifiers(contents: Contents) -> Iterator[Finding]:
    if IDENTIFIERS not in contents.files:
        return
    reason = ""
    try:
        listed = json.loads(contents.small.get(IDENTIFIERS, b"").decode("utf-8-sig"))
    except (ValueError, RecursionError):
        reason = "it is no JSON document"
    else:
        known = _places(contents)
        if not isinstance(listed, list):
            reason = "it is no list"
        elif not all(_is_identified(each) for each in listed):
            reason = "each entry needs a file, and identifiers with identifierType and identifierValue"
        elif lost := [each["file"] for each in listed if each["file"].rstrip("/") not in known]:
            reason = f"{lost[0]!r} is not in the package"
    if reason:
        message = f"{IDENTIFIERS} cannot be used: {reason}."
        yield Finding(code="archivematica.identifiers", subject=IDENTIFIERS, message=message)


def _is_identified(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        return False
    identifiers = entry.get("identifiers")
    return isinstance(identifiers, list) and all(
        isinstance(each, dict) and {"identifierType", "identifierValue"} <= set(each) for each in identifiers
    )


class _Doctype(Exception):
    pass


def _premis(contents: Contents) -> Iterator[Finding]:
    if PREMIS not in contents.files:
        return
    reason = _premis_reason(contents.small.get(PREMIS, b""))
    if reason:
        message = f"{PREMIS} cannot be used: {reason}."
        yield Finding(code="archivematica.premis", subject=PREMIS, message=message)


def _premis_reason(data: bytes) -> str:
    """Why these bytes are no PREMIS 3 document, or "". Entities are refused before one could be expanded."""
    roots: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def doctype(*_: object) -> None:
        raise _Doctype

    def start(name: str, attributes: dict[str, str]) -> None:
        if not roots:
            roots.append(name)

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = start
    try:
        parser.Parse(data, True)
    except _Doctype:
        return "it has a document type declaration"
    except (expat.ExpatError, ValueError) as error:
        return f"it is no well-formed XML ({error})"
    return "" if roots == [f"{_PREMIS_3} premis"] else "its root is not premis of PREMIS 3"
