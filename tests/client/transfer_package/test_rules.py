"""Every rule for a transfer package: what is wrong gives exactly its code, what is right gives none."""

import pytest

from client.transfer_package import Contents, Options, identifier_of, judge
from client.transfer_package.catalogue import CATALOGUE
from client.transfer_package.options import Column, OptionsError, columns_of, identifier_columns
from client.transfer_package.rules import MAX_FINDINGS
from tests.client.transfer_package.packages import (
    COPYRIGHT,
    LICENSE,
    METADATA,
    package,
    with_metadata,
    with_rights,
)

HEADER = "filename,dc.identifier"
ACCESSION = "filename,collection_reference,accession_number"
PDF = {"minutes.pdf": b"%PDF"}

RIGHT: dict[str, Contents] = {
    "plain": package(),
    "with folders": package(folders=("pictures", "metadata")),
    "with a byte-order mark": with_metadata("\ufeff" + METADATA.decode()),
    "with lines of Windows": with_metadata(METADATA.replace(b"\n", b"\r\n")),
    "with other columns": with_metadata(f"{HEADER},dc.title\nobjects/,GARDEN/1,The garden\n"),
    "by accession": with_metadata(f"{ACCESSION}\nobjects/,GARDEN,7\n"),
    "with what macOS adds": package(
        {
            **PDF,
            "metadata/metadata.csv": METADATA,
            "__MACOSX/metadata/._metadata.csv": b"x",
            ".DS_Store": b"x",
        }
    ),
    "content in one folder beside metadata": package({"garden/a": b"a", "metadata/metadata.csv": METADATA}),
    "a copyright": with_rights(COPYRIGHT),
    "a licence": with_rights(LICENSE),
    "two acts for one file": with_rights(LICENSE, LICENSE | {"grant_act": "Use"}),
    "a statute": with_rights(
        {"file": "objects/pictures/garden.tif", "basis": "statute", "citation": "Act 7", "jurisdiction": "gb"}
    ),
    "in capitals": with_rights({"file": "objects/minutes.pdf", "basis": "Donor", "note": "Given"}),
    "a document": with_rights(
        {"file": "objects/minutes.pdf", "basis": "policy", "doc_id_type": "local", "doc_id_value": "7"}
    ),
}

WRONG: dict[str, tuple[Contents, list[str]]] = {
    "content": (package({"metadata/metadata.csv": METADATA}), ["transfer.content"]),
    "no metadata.csv": (package(PDF), ["transfer.metadata.missing"]),
    "metadata.csv in capitals": (
        package({**PDF, "Metadata/metadata.csv": METADATA}),
        ["transfer.metadata.missing"],
    ),
    "one folder": (
        package({"garden/minutes.pdf": b"", "garden/metadata/metadata.csv": METADATA}),
        ["transfer.single-folder", "transfer.metadata.missing"],
    ),
    "objects": (package({"objects/a": b"", "metadata/metadata.csv": METADATA}), ["transfer.objects"]),
    "another file in metadata": (
        package({**PDF, "metadata/metadata.csv": METADATA, "metadata/a.jpg": b""}),
        ["transfer.metadata.other-files"],
    ),
    "what macOS adds in metadata": (
        package({**PDF, "metadata/metadata.csv": METADATA, "metadata/.DS_Store": b""}),
        ["transfer.metadata.other-files"],
    ),
    "a folder in metadata": (
        package(
            {**PDF, "metadata/metadata.csv": METADATA},
            folders=("metadata", "metadata/submissionDocumentation"),
        ),
        ["transfer.metadata.other-files"],
    ),
    "UTF-16": (with_metadata(METADATA.decode().encode("utf-16")), ["transfer.metadata.encoding"]),
    "empty": (with_metadata(""), ["transfer.metadata.empty"]),
    "NUL": (with_metadata("filename,dc.identifier\nobjects/,A\0"), ["transfer.metadata.csv"]),
    "no CSV": (with_metadata(f'{HEADER}\nobjects/,"GARDEN/1\n'), ["transfer.metadata.csv"]),
    "no row": (with_metadata(HEADER), ["transfer.metadata.rows"]),
    "two rows": (with_metadata(f"{HEADER}\nobjects/,A\nobjects/,B"), ["transfer.metadata.rows"]),
    "a row of commas": (
        with_metadata(f"{HEADER}\nobjects/,A\n,"),
        ["transfer.metadata.rows", "transfer.metadata.filename", "transfer.metadata.identifier"],
    ),
    "no identifier column": (with_metadata("filename\nobjects/"), ["transfer.metadata.columns"]),
    "half an accession": (
        with_metadata("filename,accession_number\nobjects/,7"),
        ["transfer.metadata.columns"],
    ),
    "column twice": (
        with_metadata("filename,dc.identifier,dc.identifier\nobjects/,A,B"),
        ["transfer.metadata.columns"],
    ),
    "other filename": (with_metadata(f"{HEADER}\nobjects/a,A"), ["transfer.metadata.filename"]),
    "blank identifier": (with_metadata(f"{HEADER}\nobjects/,  "), ["transfer.metadata.identifier"]),
    "half an accession's values": (
        with_metadata(f"{ACCESSION}\nobjects/,,7"),
        ["transfer.metadata.identifier"],
    ),
    "surplus value": (with_metadata(f"{HEADER}\nobjects/,A,B"), ["transfer.metadata.surplus"]),
    "missing value": (with_metadata(f"{HEADER}\nobjects/"), ["transfer.metadata.short"]),
    "all at once": (
        package({"objects/a": b"", "metadata/metadata.csv": b"filename\na\nb", "metadata/b.jpg": b""}),
        [
            "transfer.objects",
            "transfer.metadata.other-files",
            "transfer.metadata.columns",
            "transfer.metadata.rows",
            "transfer.metadata.filename",
            "transfer.metadata.filename",
        ],
    ),
    "rights: mark": (
        with_rights("objects/minutes.pdf,donor", header="\ufefffile,basis"),
        ["transfer.rights.bom"],
    ),
    "rights: no row": (with_rights(), ["transfer.rights.rows"]),
    "rights: unknown column": (
        with_rights("objects/minutes.pdf,donor,x", header="file,basis,rightsholder"),
        ["transfer.rights.columns"],
    ),
    "rights: no basis column": (
        with_rights("objects/minutes.pdf", header="file"),
        ["transfer.rights.columns"],
    ),
    "rights: surplus": (
        with_rights("objects/minutes.pdf,donor,x", header="file,basis"),
        ["transfer.rights.surplus"],
    ),
    "rights: short": (with_rights("objects/minutes.pdf", header="file,basis"), ["transfer.rights.short"]),
    "rights: blank": (
        with_rights({"file": "", "basis": ""}),
        ["transfer.rights.file", "transfer.rights.basis"],
    ),
    "rights: path": (with_rights(COPYRIGHT | {"file": "minutes.pdf"}), ["transfer.rights.file"]),
    "rights: no such file": (with_rights(COPYRIGHT | {"file": "objects/a"}), ["transfer.rights.file"]),
    "rights: a folder": (with_rights(COPYRIGHT | {"file": "objects/pictures"}), ["transfer.rights.file"]),
    "rights: metadata": (
        with_rights(COPYRIGHT | {"file": "objects/metadata/metadata.csv"}),
        ["transfer.rights.file"],
    ),
    "rights: basis": (with_rights(COPYRIGHT | {"basis": "gift"}), ["transfer.rights.basis"]),
    "rights: copyright needs": (
        with_rights({"file": "objects/minutes.pdf", "basis": "copyright"}),
        ["transfer.rights.required"] * 5,
    ),
    "rights: licence needs": (
        with_rights({"file": "objects/minutes.pdf", "basis": "license"}),
        ["transfer.rights.required"] * 3,
    ),
    "rights: statute needs": (
        with_rights({"file": "objects/minutes.pdf", "basis": "statute"}),
        ["transfer.rights.required"] * 2,
    ),
    "rights: note of a copyright": (with_rights(COPYRIGHT | {"note": "CC-BY"}), ["transfer.rights.note"]),
    "rights: note of a licence": (with_rights(LICENSE | {"note": "In copyright"}), ["transfer.rights.note"]),
    "rights: lost": (with_rights(COPYRIGHT | {"terms": "none"}), ["transfer.rights.lost"]),
    "rights: open": (with_rights(COPYRIGHT | {"end_date": "Open"}), ["transfer.rights.end-date"]),
    "rights: document": (with_rights(COPYRIGHT | {"doc_id_role": "x"}), ["transfer.rights.documentation"]),
    "rights: no act": (
        with_rights({"file": "objects/minutes.pdf", "basis": "donor", "grant_note": "x"}),
        ["transfer.rights.grant"],
    ),
    "rights: dates": (with_rights(COPYRIGHT | {"grant_end_date": "2027-01-01"}), ["transfer.rights.grant"]),
    "rights: restriction": (with_rights(LICENSE | {"grant_restriction": "no"}), ["transfer.rights.grant"]),
    "rights: twice": (
        with_rights(LICENSE, LICENSE | {"basis": "LICENSE", "grant_act": "disseminate"}),
        ["transfer.rights.duplicate"],
    ),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_is_accepted(case: str) -> None:
    assert judge(RIGHT[case]) == []


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_has_exactly_its_findings(case: str) -> None:
    contents, codes = WRONG[case]
    assert [finding.code for finding in judge(contents)] == codes


def test_every_code_is_in_the_catalogue_and_every_code_of_the_catalogue_has_a_case() -> None:
    tried = {code for _, codes in WRONG.values() for code in codes}
    elsewhere = {
        "transfer.more",
        "transfer.metadata.bom",
        "transfer.metadata.size",
        "transfer.metadata.value",
    }
    elsewhere |= {f"transfer.rights.{end}" for end in ("missing", "csv", "empty", "encoding", "size")}
    assert {code for code in CATALOGUE if code.startswith("transfer.")} - tried == elsewhere


def test_message_names_the_folder_that_was_compressed() -> None:
    contents, _ = WRONG["one folder"]
    assert "garden/" in judge(contents)[0].message
    assert "garden/metadata/metadata.csv" in judge(contents)[1].message


def test_rights_can_be_required() -> None:
    codes = [finding.code for finding in judge(package(), Options(rights_required=True))]
    assert codes == ["transfer.rights.missing"]


def test_identifier_columns_can_be_chosen() -> None:
    options = Options(identifier_columns=("shelfmark",))
    assert [finding.code for finding in judge(package(), options)] == ["transfer.metadata.columns"]
    own = with_metadata("filename,shelfmark\nobjects/,B 7")
    assert judge(own, options) == []
    assert identifier_of(own, options) == "B 7"


def test_identifier_is_read_from_the_one_row() -> None:
    assert identifier_of(package()) == "GARDEN/1"
    assert identifier_of(RIGHT["by accession"]) == "GARDEN/7"
    assert identifier_of(package(PDF)) == ""
    assert identifier_of(WRONG["two rows"][0]) == ""


@pytest.mark.parametrize(
    ("column", "value", "is_accepted"),
    [
        (Column(name="date", type="date"), "2026-03-05", True),
        (Column(name="date", type="date"), "5.3.2026", False),
        (Column(name="date", type="date", required=True), "", False),
        (Column(name="date", type="integer"), "12", True),
        (Column(name="date", type="integer"), "12.5", False),
        (Column(name="date", type="number"), "12.5", True),
        (Column(name="date", enum=("open", "closed")), "shut", False),
        (Column(name="date", pattern="[A-Z]+"), "AB", True),
        (Column(name="date", pattern="[A-Z]+"), "ABc", False),
        (Column(name="date", max_length=2), "ABC", False),
        (Column(name="date", min_length=4), "ABC", False),
    ],
)
def test_further_columns_follow_the_schema(column: Column, value: str, is_accepted: bool) -> None:
    contents = with_metadata(f"filename,dc.identifier,date\nobjects/,A,{value}")
    codes = [finding.code for finding in judge(contents, Options(columns=(column,)))]
    assert codes == ([] if is_accepted else ["transfer.metadata.value"])


def test_required_column_of_the_schema_must_be_there() -> None:
    options = Options(columns=(Column(name="dc.date", required=True), Column(name="dc.title")))
    assert [finding.code for finding in judge(package(), options)] == ["transfer.metadata.columns"]


def test_options_that_make_no_sense_are_refused() -> None:
    for given in ("a,,b", "a,a", "filename"):
        with pytest.raises(OptionsError):
            identifier_columns(given)
    schemas: tuple[dict[str, object], ...] = (
        {},
        {"fields": [{}]},
        {"fields": [{"name": "a", "type": "geopoint"}]},
    )
    for schema in schemas:
        with pytest.raises(OptionsError):
            columns_of(schema)
    with pytest.raises(OptionsError):
        columns_of({"fields": [{"name": "a", "constraints": {"pattern": "("}}]})
    with pytest.raises(OptionsError):
        Options.of({"identifier_colums": ["a"]})


def test_file_that_is_too_large_to_be_read_is_a_finding() -> None:
    whole = package()
    assert [f.code for f in judge(Contents(files=whole.files, small={}))] == ["transfer.metadata.size"]


def test_very_many_findings_are_cut_and_counted() -> None:
    found = judge(
        with_rights(*[LICENSE | {"note": "x", "grant_act": f"{n}"} for n in range(MAX_FINDINGS + 7)])
    )
    assert len(found) == MAX_FINDINGS + 1
    assert found[-1].message == "7 more findings are not listed."
