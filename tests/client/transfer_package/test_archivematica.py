"""Archivematica's own conventions for transfers."""

import hashlib
import json
from pathlib import Path

import pytest

from client.transfer_package import judge_archivematica
from client.transfer_package.catalogue import CATALOGUE
from client.transfer_package.reading import opened

PREMIS = b'<premis:premis xmlns:premis="http://www.loc.gov/premis/v3" version="3.0"/>'
IDENTIFIERS = [
    {"file": "objects/a.txt", "identifiers": [{"identifierType": "local", "identifierValue": "A 1"}]}
]


def lines(algorithm: str, *paths: str, data: bytes = b"a") -> str:
    """A checksum file in which each path has the digest of the same bytes."""
    return "".join(f"{hashlib.new(algorithm, data).hexdigest()}  {path}\n" for path in paths)


WHOLE: dict[str, bytes | str] = {
    "objects/a.txt": b"a",
    "objects/more/b.txt": b"a",
    "metadata/checksum.sha256": lines("sha256", "../objects/a.txt", "objects/more/b.txt"),
    "metadata/checksum.md5": lines("md5", "a.txt", "more/b.txt"),
    "metadata/checksum.sha512": lines("sha512", "objects/a.txt", "./objects/more/b.txt"),
    "metadata/identifiers.json": json.dumps(IDENTIFIERS),
    "metadata/premis.xml": PREMIS,
    "metadata/submissionDocumentation/letter.txt": "Dear archivist",
    "metadata/metadata.csv": "filename,dc.title\nobjects/a.txt,A\nobjects/more,More\n",
    "metadata/rights.csv": "file,basis\nobjects/a.txt,donor\n",
}

CASES: dict[str, tuple[dict[str, bytes | str | None], list[str]]] = {
    "whole": ({}, []),
    "no metadata at all": ({path: None for path in WHOLE if path.startswith("metadata/")}, []),
    "another digest": (
        {"metadata/checksum.md5": lines("md5", "a.txt", data=b"b") + lines("md5", "more/b.txt")},
        ["archivematica.checksum.differs"],
    ),
    "no such file": (
        {"metadata/checksum.md5": lines("md5", "a.txt", "more/b.txt", "c.txt")},
        ["archivematica.checksum.missing"],
    ),
    "not listed": ({"metadata/checksum.md5": lines("md5", "a.txt")}, ["archivematica.checksum.unlisted"]),
    "another algorithm": (
        {"metadata/checksum.md5": lines("sha1", "a.txt") + lines("md5", "a.txt", "more/b.txt")},
        ["archivematica.checksum.algorithm"],
    ),
    "no object": (
        {path: None for path in WHOLE if path != "metadata/premis.xml"},
        ["archivematica.content"],
    ),
    "other first column": ({"metadata/metadata.csv": "dc.title\nA"}, ["archivematica.csv"]),
    "unknown place": ({"metadata/metadata.csv": "filename,dc.title\nobjects/c,A"}, ["archivematica.csv"]),
    "identifiers of a lost file": (
        {"metadata/identifiers.json": json.dumps([IDENTIFIERS[0] | {"file": "objects/c"}])},
        ["archivematica.identifiers"],
    ),
    "identifiers that are none": (
        {"metadata/identifiers.json": '[{"file": "a"}]'},
        ["archivematica.identifiers"],
    ),
    "deep identifiers": ({"metadata/identifiers.json": "[" * 100_000}, ["archivematica.identifiers"]),
    "PREMIS 2": (
        {"metadata/premis.xml": PREMIS.replace(b"www.loc.gov/premis/v3", b"info:lc/xmlns/premis-v2")},
        ["archivematica.premis"],
    ),
    "entities": (
        {"metadata/premis.xml": b'<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + PREMIS},
        ["archivematica.premis"],
    ),
    "documentation is a file": (
        {
            "metadata/submissionDocumentation/letter.txt": None,
            "metadata/submissionDocumentation": "Dear archivist",
        },
        ["archivematica.submission-documentation"],
    ),
    "rights of a lost file": (
        {"metadata/rights.csv": "file,basis\nobjects/c,donor"},
        ["transfer.rights.file"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_transfer_has_exactly_its_findings(case: str, tmp_path: Path) -> None:
    changes, codes = CASES[case]
    for name, data in (WHOLE | changes).items():
        if data is not None:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
    with opened(tmp_path) as contents:
        assert [finding.code for finding in judge_archivematica(contents)] == codes


def test_every_code_has_a_case() -> None:
    tried = {code for _, codes in CASES.values() for code in codes}
    assert {code for code in CATALOGUE if code.startswith("archivematica.")} == {
        code for code in tried if code.startswith("archivematica.")
    }
