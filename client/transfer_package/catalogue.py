"""Every code of a finding: what it means, with an example of the wrong and of the right."""

from dataclasses import dataclass

_TREE = """\
    package.zip
      ├── minutes.pdf
      ├── pictures/
      │     └── garden.tif
      └── metadata/
            └── metadata.csv"""
_METADATA = """\
    filename,dc.identifier
    objects/,GARDEN/1"""
_RIGHTS = """\
    file,basis,status,jurisdiction,note,grant_act,grant_note
    objects/minutes.pdf,copyright,copyrighted,gb,In copyright,Disseminate,Ask first"""
_GRANT = """\
    file,basis,note,grant_act,grant_restriction,grant_start_date,grant_note
    objects/minutes.pdf,license,CC-BY,Disseminate,Allow,2026-01-01,With attribution"""


_ONLY_METADATA = """\
    package.zip
      └── metadata/
            └── metadata.csv"""
_SAVED_WRONG = "    saved by Excel as “CSV” or “Unicode text”"
_SAVED_RIGHT = "    saved by Excel as “CSV UTF-8 (comma delimited)”, or by an editor as UTF-8"
_NO_MARK = "    saved by an editor as UTF-8, without a byte-order mark (BOM)"
_SUMS = """\
    metadata/checksum.sha256:
    2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae  objects/minutes.pdf"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code means, in a line, and the examples of a report; "" where none helps."""

    meaning: str
    wrong: str = ""
    right: str = ""


CATALOGUE: dict[str, Entry] = {
    "transfer.content": Entry("The package holds nothing but metadata.", _ONLY_METADATA, _TREE),
    "transfer.metadata.bom": Entry("metadata.csv has a byte-order mark.", _SAVED_WRONG, _NO_MARK),
    "transfer.metadata.columns": Entry(
        "A column of metadata.csv is missing, or is there twice.", "    filename\n    objects/", _METADATA
    ),
    "transfer.metadata.csv": Entry(
        "metadata.csv is no CSV file.", '    filename,dc.identifier\n    objects/,"GARDEN/1', _METADATA
    ),
    "transfer.metadata.empty": Entry("metadata.csv is empty.", "    (nothing)", _METADATA),
    "transfer.metadata.encoding": Entry("metadata.csv is not UTF-8.", _SAVED_WRONG, _SAVED_RIGHT),
    "transfer.metadata.filename": Entry(
        "The filename in metadata.csv is not objects/.",
        "    filename,dc.identifier\n    objects/minutes.pdf,GARDEN/1",
        _METADATA,
    ),
    "transfer.metadata.identifier": Entry(
        "An identifier is blank.", "    filename,dc.identifier\n    objects/,", _METADATA
    ),
    "transfer.metadata.missing": Entry(
        "There is no metadata/metadata.csv.", "    package.zip\n      └── minutes.pdf", _TREE
    ),
    "transfer.metadata.other-files": Entry(
        "metadata/ holds other files than metadata.csv and rights.csv.",
        "    package.zip\n      └── metadata/\n            ├── garden.tif\n            └── metadata.csv",
        _TREE,
    ),
    "transfer.metadata.rows": Entry(
        "metadata.csv has not exactly one row.",
        "    filename,dc.identifier\n    objects/minutes.pdf,GARDEN/1\n    objects/pictures,GARDEN/2",
        _METADATA,
    ),
    "transfer.metadata.short": Entry(
        "A row of metadata.csv has fewer values than columns.",
        "    filename,dc.identifier,dc.title\n    objects/,GARDEN/1",
        "    filename,dc.identifier,dc.title\n    objects/,GARDEN/1,",
    ),
    "transfer.metadata.size": Entry(
        "metadata.csv is too large to be read.", "    a file of more than 8 MiB", _METADATA
    ),
    "transfer.metadata.surplus": Entry(
        "A row of metadata.csv has more values than columns.",
        "    filename,dc.identifier,dc.title\n    objects/,GARDEN/1,Gardens, large",
        '    filename,dc.identifier,dc.title\n    objects/,GARDEN/1,"Gardens, large"',
    ),
    "transfer.metadata.value": Entry(
        "A value of metadata.csv is not of the kind that the collection asks for.",
        "    filename,dc.identifier,dc.date\n    objects/,GARDEN/1,last spring",
        "    filename,dc.identifier,dc.date\n    objects/,GARDEN/1,2026-04-01",
    ),
    "transfer.more": Entry(
        "There are more findings than are listed.", "    the same thing wrong in many lines", _RIGHTS
    ),
    "transfer.objects": Entry(
        "All files lie below objects/.",
        "    package.zip\n      ├── objects/\n      │     └── minutes.pdf\n"
        "      └── metadata/\n            └── metadata.csv",
        _TREE,
    ),
    "transfer.rights.basis": Entry(
        "The basis of a right is blank or unknown.",
        "    file,basis\n    objects/minutes.pdf,gift",
        "    file,basis\n    objects/minutes.pdf,donor",
    ),
    "transfer.rights.bom": Entry("rights.csv has a byte-order mark.", _SAVED_RIGHT, _NO_MARK),
    "transfer.rights.columns": Entry(
        "rights.csv has unknown, missing or doubled columns.",
        "    filename,basis\n    objects/minutes.pdf,donor",
        "    file,basis\n    objects/minutes.pdf,donor",
    ),
    "transfer.rights.csv": Entry(
        "rights.csv is no CSV file.",
        '    file,basis\n    "objects/minutes.pdf,donor',
        "    file,basis\n    objects/minutes.pdf,donor",
    ),
    "transfer.rights.documentation": Entry(
        "The identifier of a document lacks its type or its value.",
        "    file,basis,doc_id_type,doc_id_value\n    objects/minutes.pdf,donor,,agreement-7",
        "    file,basis,doc_id_type,doc_id_value\n    objects/minutes.pdf,donor,local,agreement-7",
    ),
    "transfer.rights.duplicate": Entry(
        "Two rows have the same file, basis and grant_act.",
        "    file,basis,grant_act\n    objects/a.pdf,donor,Use\n    objects/a.pdf,donor,use",
        "    file,basis,grant_act\n    objects/a.pdf,donor,Use\n    objects/a.pdf,donor,Copy",
    ),
    "transfer.rights.empty": Entry("rights.csv is empty.", "    (nothing)", _RIGHTS),
    "transfer.rights.encoding": Entry("rights.csv is not UTF-8.", _SAVED_WRONG, _NO_MARK),
    "transfer.rights.end-date": Entry(
        "A copyright ends at 'open'.", "    end_date\n    open", "    end_date\n    (blank)"
    ),
    "transfer.rights.file": Entry(
        "A row names no file of the package.",
        "    file,basis\n    minutes.pdf,donor",
        "    file,basis\n    objects/minutes.pdf,donor",
    ),
    "transfer.rights.grant": Entry(
        "A grant lacks its act or its restriction, or the restriction is unknown.",
        "    file,basis,note,grant_act,grant_start_date,grant_note\n"
        "    objects/minutes.pdf,license,CC-BY,Disseminate,2026-01-01,With attribution",
        _GRANT,
    ),
    "transfer.rights.lost": Entry(
        "A row has values that its basis does not keep.",
        "    file,basis,terms\n    objects/minutes.pdf,donor,Ask first",
        "    file,basis,note\n    objects/minutes.pdf,donor,Ask first",
    ),
    "transfer.rights.missing": Entry("The collection requires metadata/rights.csv.", _TREE, _RIGHTS),
    "transfer.rights.note": Entry(
        "The note of a copyright or licence is not of the list.",
        "    objects/minutes.pdf,license,Creative Commons,Disseminate,With attribution",
        "    objects/minutes.pdf,license,CC-BY,Disseminate,With attribution",
    ),
    "transfer.rights.required": Entry(
        "A value is blank that the basis needs.", "    file,basis\n    objects/minutes.pdf,copyright", _RIGHTS
    ),
    "transfer.rights.rows": Entry("rights.csv has no row below its header, or very many.", "", _RIGHTS),
    "transfer.rights.short": Entry(
        "A row of rights.csv has fewer values than columns.",
        "    file,basis,note\n    objects/minutes.pdf,donor",
        "    file,basis,note\n    objects/minutes.pdf,donor,",
    ),
    "transfer.rights.size": Entry(
        "rights.csv is too large to be read.", "    a file of more than 8 MiB", _RIGHTS
    ),
    "transfer.rights.surplus": Entry(
        "A row of rights.csv has more values than columns.",
        "    file,basis,note\n    objects/minutes.pdf,donor,Given, not sold",
        '    file,basis,note\n    objects/minutes.pdf,donor,"Given, not sold"',
    ),
    "transfer.single-folder": Entry(
        "All files lie in one folder.",
        "    package.zip\n      └── garden/\n            ├── minutes.pdf\n            └── metadata/\n"
        "                  └── metadata.csv",
        _TREE,
    ),
    "archivematica.checksum.algorithm": Entry(
        "A checksum file has a line that is no digest of its algorithm.",
        "    metadata/checksum.sha256:\n    d41d8cd98f00b204e9800998ecf8427e  objects/minutes.pdf",
        _SUMS,
    ),
    "archivematica.checksum.differs": Entry(
        "A file differs from its digest in the checksum file.",
        "    a file that was changed after its checksum was taken",
        _SUMS,
    ),
    "archivematica.checksum.missing": Entry(
        "A checksum file names a file that is not in the package.",
        "    metadata/checksum.sha256 names objects/lost.pdf, which is not there",
        _SUMS,
    ),
    "archivematica.checksum.unlisted": Entry(
        "A checksum file does not name a file of the package.",
        "    objects/added.pdf, of which metadata/checksum.sha256 says nothing",
        _SUMS,
    ),
    "archivematica.content": Entry("The package holds no objects.", _ONLY_METADATA, _TREE),
    "archivematica.csv": Entry(
        "A metadata CSV file has the wrong form.",
        "    dc.title\n    The garden",
        "    filename,dc.title\n    objects/minutes.pdf,The garden",
    ),
    "archivematica.identifiers": Entry(
        "metadata/identifiers.json is not a list of objects with file and identifiers.",
        '    {"minutes.pdf": "GARDEN 1"}',
        '    [{"file": "objects/minutes.pdf", "identifiers":\n'
        '      [{"identifierType": "local", "identifierValue": "GARDEN 1"}]}]',
    ),
    "archivematica.premis": Entry(
        "metadata/premis.xml is not a PREMIS 3 document.",
        '    <premis xmlns="info:lc/xmlns/premis-v2" version="2.2">',
        '    <premis xmlns="http://www.loc.gov/premis/v3" version="3.0">',
    ),
    "archivematica.submission-documentation": Entry(
        "metadata/submissionDocumentation is a file, not a folder.",
        "    metadata/submissionDocumentation (a file)",
        "    metadata/submissionDocumentation/letter.pdf",
    ),
}
"""Code -> what it means. A code, once published, never changes its meaning."""
