"""``deposit package``: transfer packages are made and judged without a server."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from client.cli import main

VERDICTS = {
    "valid_transfer_package.zip": [],
    "valid_transfer_package_with_byte_order_mark.zip": [],
    "no_metadata_csv.zip": ["transfer.metadata.missing"],
    "single_dir_compressed.zip": ["transfer.single-folder", "transfer.metadata.missing"],
}


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    folder = tmp_path / "garden"
    (folder / "pictures").mkdir(parents=True)
    (folder / "minutes.pdf").write_bytes(b"%PDF")
    (folder / "pictures" / "garden.tif").write_bytes(b"II")
    (folder / "pictures" / ".DS_Store").write_bytes(b"x")
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(code), out, err


def codes(out: str) -> list[str]:
    return [finding["code"] for finding in json.loads(out)["findings"]]


def test_package_is_built_valid_and_the_same_each_time(
    garden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    for target in (first, second):
        done = run(capsys, "package", "build", garden, "--identifier", "GARDEN/1", "--output", target)
        assert done[0] == 0, done
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as package:
        assert package.namelist() == ["minutes.pdf", "pictures/garden.tif", "metadata/metadata.csv"]
        assert package.read("metadata/metadata.csv") == b"filename,dc.identifier\nobjects/,GARDEN/1\n"
    code, out, _ = run(capsys, "package", "validate", first, "--json")
    assert (code, json.loads(out)) == (0, {"valid": True, "findings": []})


def test_accession_and_rights_are_built_in(
    garden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = ("--identifier-columns", "collection_reference,accession_number")
    rights = tmp_path / "rights.csv"
    rights.write_text("file,basis\nobjects/minutes.pdf,donor\n")
    target = tmp_path / "a.zip"
    words = (
        "package",
        "build",
        garden,
        "--identifier",
        "PP/GARDEN/7",
        *columns,
        "--rights",
        rights,
        "-o",
        target,
    )
    assert run(capsys, *words)[0] == 0
    with zipfile.ZipFile(target) as package:
        assert package.read("metadata/metadata.csv").splitlines()[1] == b"objects/,PP/GARDEN,7"
        assert package.read("metadata/rights.csv") == rights.read_bytes()
    assert run(capsys, "package", "validate", target, *columns)[0] == 0
    assert run(capsys, "package", "validate", target, "--identifier-columns", "dc.identifier")[0] == 7


def test_nothing_is_built_that_would_not_be_valid(
    garden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rights = tmp_path / "rights.csv"
    rights.write_text("file,basis\nminutes.pdf,gift\n")
    target = tmp_path / "a.zip"
    code, out, err = run(
        capsys, "package", "build", garden, "--identifier", "A", "--rights", rights, "-o", target
    )
    assert code == 7, (out, err)
    assert (target.exists(), sorted(path.name for path in tmp_path.iterdir())) == (
        False,
        ["garden", "rights.csv"],
    )
    assert "WRONG" in out
    assert "transfer.rights.file" in out


def test_errors_of_use_are_told_from_packages_that_are_not_valid(
    garden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.zip"
    assert run(capsys, "package", "build", garden, "-o", target)[0] == 2  # no identifier, and nobody to ask
    assert run(capsys, "package", "validate", tmp_path / "none.zip")[0] == 2
    assert run(capsys, "package", "validate", garden, "--identifier-columns", "a,,b")[0] == 2
    target.write_bytes(b"there")
    assert run(capsys, "package", "build", garden, "--identifier", "A", "-o", target)[0] == 2
    assert target.read_bytes() == b"there"
    (garden / "link").symlink_to("/etc/passwd")
    assert run(capsys, "package", "build", garden, "--identifier", "A", "--force", "-o", target)[0] == 2
    assert target.read_bytes() == b"there"


def test_file_that_cannot_be_opened_has_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and no more")
    code, out, _ = run(capsys, "package", "validate", broken, "--json")
    assert (code, codes(out)) == (7, ["package.format"])
    with zipfile.ZipFile(broken, "w") as package:
        package.writestr("minutes.pdf", b"%PDF")
    data = bytearray(broken.read_bytes())
    for at in (8, data.index(b"PK\x01\x02") + 10):
        data[at] = 9  # Deflate64
    broken.write_bytes(data)
    code, out, _ = run(capsys, "package", "validate", broken, "--json")
    assert (code, codes(out)) == (7, ["package.method"])
    assert "Deflate64" in out


def test_schema_and_conventions_are_asked_for(
    garden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, schema = tmp_path / "a.zip", tmp_path / "schema.json"
    assert run(capsys, "package", "build", garden, "--identifier", "A", "-o", target)[0] == 0
    schema.write_text('{"fields": [{"name": "dc.date", "constraints": {"required": true}}]}')
    code, out, _ = run(capsys, "package", "validate", target, "--schema", schema, "--json")
    assert (code, codes(out)) == (7, ["transfer.metadata.columns"])
    assert run(capsys, "package", "validate", target, "--profile", "archivematica")[0] == 0
    assert run(capsys, "package", "validate", garden, "--profile", "archivematica")[0] == 0


@pytest.mark.skipif(
    "DEPOSIT_TEST_DATA" not in os.environ, reason="DEPOSIT_TEST_DATA names no folder of test data"
)
@pytest.mark.parametrize("name", VERDICTS)
def test_real_packages_have_their_known_verdicts(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(os.environ["DEPOSIT_TEST_DATA"]) / "transfer-packages" / name
    code, out, _ = run(capsys, "package", "validate", file, "--json")
    assert codes(out) == VERDICTS[name]
    assert code == (7 if VERDICTS[name] else 0)
