"""Contents of packages for the tests of the rules."""

from client.transfer_package import Contents

METADATA = b"filename,dc.identifier\nobjects/,GARDEN/1\n"
RIGHTS_HEADER = (
    "file,basis,status,determination_date,start_date,end_date,jurisdiction,terms,citation,note,grant_act,"
    "grant_restriction,grant_start_date,grant_end_date,grant_note,doc_id_type,doc_id_value,doc_id_role"
)
COPYRIGHT = {
    "file": "objects/minutes.pdf",
    "basis": "copyright",
    "status": "copyrighted",
    "jurisdiction": "gb",
    "note": "In copyright",
    "grant_act": "Disseminate",
    "grant_note": "Ask first",
}
LICENSE = {
    "file": "objects/minutes.pdf",
    "basis": "license",
    "note": "CC-BY",
    "grant_act": "Disseminate",
    "grant_restriction": "Allow",
    "grant_start_date": "2026-01-01",
    "grant_note": "With attribution",
}


def package(files: dict[str, bytes] | None = None, *, folders: tuple[str, ...] = ()) -> Contents:
    """A package with these files; by default one that is valid."""
    files = {"minutes.pdf": b"%PDF", "metadata/metadata.csv": METADATA} if files is None else files
    return Contents(
        files={path: len(data) for path, data in files.items()},
        folders=frozenset(folders),
        small={path: data for path, data in files.items() if path.startswith("metadata/")},
    )


def with_metadata(text: str | bytes, **others: bytes) -> Contents:
    """A package with this metadata.csv."""
    data = text.encode() if isinstance(text, str) else text
    return package({"minutes.pdf": b"%PDF", "metadata/metadata.csv": data, **others})


def with_rights(*rows: dict[str, str] | str, header: str = RIGHTS_HEADER) -> Contents:
    """A package with a rights.csv of these rows, each as values by column or as a line."""
    names = header.split(",")
    lines = [row if isinstance(row, str) else ",".join(row.get(name, "") for name in names) for row in rows]
    data = "\n".join([header, *lines]).encode()
    return package(
        {
            "minutes.pdf": b"%PDF",
            "pictures/garden.tif": b"II",
            "metadata/metadata.csv": METADATA,
            "metadata/rights.csv": data,
        }
    )
