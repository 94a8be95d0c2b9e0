"""Bundles: what a deposit becomes before Archivematica takes it, judged by the rules that the double keeps."""

import csv
import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest

from loader.destinations.archivematica.bundles.bags import IncompleteBag
from loader.destinations.archivematica.bundles.building import Built, Contents, Source, Unsuitable, build
from loader.destinations.archivematica.bundles.forms import Form, TransferType, is_junk
from packages import PackageError
from tests.support.archivematica_state import look_at
from tests.support.samples import make_tar, make_zip

Pack = Callable[..., Source]


def alive() -> None:
    """Nothing stops the work."""


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Makes a package of these files."""

    def make(files: dict[str, bytes], name: str = "package.zip") -> Source:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.package"
        path.write_bytes(make_zip(files))
        return Source(path=path, name=name)

    return make


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the bundle is to be."""
    return tmp_path / "source" / "deposit-1"


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def made(target: Path, *packages: Source, form: Form | None = None, **contents: object) -> Built:
    """Build it, and hold it against what Archivematica verifies."""
    form = form or Form()
    built = build(target, Contents(packages=packages, **contents), form, alive=alive)  # type: ignore[arg-type]
    if form.type is TransferType.STANDARD:
        before = tree(target)
        assert look_at(target) == ""
        assert tree(target) == before, "Archivematica found something to remove"
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    return built


def test_files_become_objects_with_a_checksum_for_each(pack: Pack, target: Path) -> None:
    built = made(target, pack({"a.txt": b"a", "b/é.txt": b"b"}))

    files = tree(target)
    lines = f"{hashlib.sha256(b'a').hexdigest()}  a.txt\n{hashlib.sha256(b'b').hexdigest()}  b/é.txt\n"
    assert files == {
        "objects/a.txt": b"a",
        "objects/b/é.txt": b"b",
        "metadata/checksum.sha256": lines.encode(),
    }
    assert (target / "metadata" / "submissionDocumentation").is_dir()
    assert built == Built(files=2, bytes=2)


def test_what_archivematica_would_remove_is_left_out_and_told(pack: Pack, target: Path) -> None:
    built = made(
        target,
        pack(
            {
                "a.txt": b"a",
                ".hidden": b"",
                "x/.git/config": b"",
                "notes.txt~": b"",
                "x/Thumbs.db": b"",
                "Icon": b"",
                "x/.DS_Store": b"",
                "Thumbs.db.txt": b"kept",
            }
        ),
    )

    assert sorted(name for name in tree(target) if name.startswith("objects")) == [
        "objects/Thumbs.db.txt",
        "objects/a.txt",
    ]
    assert built.left_out == (".hidden", "Icon", "notes.txt~", "x/.DS_Store", "x/.git/config", "x/Thumbs.db")
    assert built.left_out_count == 6


def test_a_deposit_of_junk_alone_is_not_sent(pack: Pack, target: Path) -> None:
    with pytest.raises(Unsuitable, match="Nothing is left"):
        made(target, pack({".hidden": b"", "x/.DS_Store": b""}))
    assert not target.exists()


def test_a_later_package_lies_over_an_earlier_one(pack: Pack, target: Path) -> None:
    made(target, pack({"a": b"1", "b": b"1", "c/d": b"1"}), pack({"a": b"2", "b/c": b"2", "c": b"2"}))

    files = tree(target)
    assert {name: data for name, data in files.items() if name.startswith("objects")} == {
        "objects/a": b"2",
        "objects/b/c": b"2",
        "objects/c": b"2",
    }


def test_a_file_that_is_the_content_itself_keeps_its_name(tmp_path: Path, target: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(b"%PDF")

    made(target, Source(path=path, name="../.letter~/a letter.pdf", is_content=True))

    assert "objects/a letter.pdf" in tree(target)


def test_a_package_in_the_form_of_a_transfer_is_taken_as_one(pack: Pack, target: Path) -> None:
    built = made(
        target,
        pack(
            {
                "objects/a.txt": b"a",
                "metadata/metadata.csv": b"filename,dc.identifier\nobjects/,X/1\n",
                "metadata/checksum.md5": b"0  objects/a.txt\n",
                "metadata/submissionDocumentation/deed.txt": b"deed",
                "processingMCP.xml": b"<processingMCP/>",
            }
        ),
        terms=[("title", "Ours")],
        documents={"entry.xml": b"<entry/>", "deed.txt": b"other"},
    )

    assert tree(target) == {
        "objects/a.txt": b"a",
        "metadata/metadata.csv": b"filename,dc.identifier\nobjects/,X/1\n",
        "metadata/checksum.sha256": f"{hashlib.sha256(b'a').hexdigest()}  a.txt\n".encode(),
        "metadata/submissionDocumentation/deed.txt": b"deed",
        "metadata/submissionDocumentation/deed-1.txt": b"other",
        "metadata/submissionDocumentation/entry.xml": b"<entry/>",
        "metadata/submissionDocumentation/depositor-checksum.md5": b"0  objects/a.txt\n",
    }
    assert built.left_out == ("processingMCP.xml",)


def test_a_folder_called_objects_among_others_is_only_a_folder(pack: Pack, target: Path) -> None:
    made(target, pack({"objects/a": b"a", "readme": b"r"}))

    assert {name for name in tree(target) if name.startswith("objects")} == {
        "objects/objects/a",
        "objects/readme",
    }


@pytest.mark.parametrize(
    "name",
    ["checksum.sha256/x", "submissionDocumentation", "metadata.csv/x", "submissionDocumentation/entry.xml/x"],
)
def test_names_in_a_package_cannot_be_in_the_way_of_ours(pack: Pack, target: Path, name: str) -> None:
    made(
        target,
        pack({"objects/a": b"a", f"metadata/{name}": b"x"}),
        terms=[("title", "T")],
        documents={"entry.xml": b"<entry/>"},
    )

    assert (target / "metadata" / "checksum.sha256").is_file()
    assert b"<entry/>" in tree(target / "metadata" / "submissionDocumentation").values()


def test_a_single_top_folder_is_stripped_if_wanted(pack: Pack, target: Path) -> None:
    package = pack({"top/a": b"a", "top/b/c": b"c", "top/top/d": b"d"})

    made(target, package, form=Form(strip_top_level_dir=True))

    assert {name for name in tree(target) if name.startswith("objects")} == {
        "objects/a",
        "objects/b/c",
        "objects/top/d",
    }


def test_several_top_folders_stay(pack: Pack, target: Path) -> None:
    made(target, pack({"top/a": b"a", "other/b": b"b"}), form=Form(strip_top_level_dir=True))

    assert "objects/top/a" in tree(target)


def bag(tmp_path: Path, *algorithms: str, top: str = "") -> Source:
    """A bag that bagit made, as a tar."""
    folder = tmp_path / "bag"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "50% b.txt").write_text("b")
    (folder / ".hidden").write_text("h")
    bagit.make_bag(str(folder), checksums=list(algorithms))
    path = tmp_path / "bag.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(folder, arcname=top or ".")
    return Source(path=path, name="bag.tar")


@pytest.mark.parametrize("top", ["", "my bag"])
def test_an_unpacked_bag_keeps_its_strongest_digests(tmp_path: Path, target: Path, top: str) -> None:
    made(target, bag(tmp_path, "md5", "sha512", top=top), form=Form(unbag=True))

    files = tree(target)
    assert {name for name in files if not name.startswith("metadata/sub")} == {
        "objects/a.txt",
        "objects/sub/50% b.txt",
        "metadata/checksum.sha512",
    }
    assert hashlib.sha512(b"a").hexdigest().encode() + b"  a.txt\n" in files["metadata/checksum.sha512"]
    assert "metadata/submissionDocumentation/bag-info.txt" in files


def test_a_bag_is_not_taken_apart_unasked(tmp_path: Path, target: Path) -> None:
    made(target, bag(tmp_path, "sha256"))

    assert "objects/data/a.txt" in tree(target)


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (b"0" * 64 + b"  data/a\n" + b"0" * 64 + b"  data/gone\n", "does not have"),
        (b"", "stand in no manifest"),
    ],
)
def test_a_bag_with_holes_is_not_sent(pack: Pack, target: Path, manifest: bytes, told: str) -> None:
    package = pack({"bagit.txt": b"", "manifest-sha256.txt": manifest, "data/a": b"a"})

    with pytest.raises(IncompleteBag, match=told):
        made(target, package, form=Form(unbag=True))


def test_a_bag_without_manifest_is_not_sent(pack: Pack, target: Path) -> None:
    with pytest.raises(IncompleteBag, match="no payload manifest"):
        made(target, pack({"bagit.txt": b"", "data/a": b"a"}), form=Form(unbag=True))


def test_a_wrong_digest_of_a_bag_is_found_by_archivematica(pack: Pack, target: Path) -> None:
    package = pack({"bagit.txt": b"", "manifest-sha256.txt": b"0" * 64 + b"  data/a\n", "data/a": b"a"})

    build(target, Contents(packages=[package]), Form(unbag=True), alive=alive)

    assert look_at(target) == "checksum.sha256: b'a' FAILED"


@pytest.mark.parametrize("type_", [TransferType.UNZIPPED_BAG, TransferType.DSPACE, TransferType.MAILDIR])
def test_other_folders_go_as_they_are(pack: Pack, target: Path, type_: TransferType) -> None:
    files = {"a": b"a", ".hidden": b"h", "x/Thumbs.db": b"t"}

    made(target, pack(files), form=Form(type=type_))

    assert tree(target) == files


def test_hidden_files_of_other_folders_stay_behind_if_wanted(pack: Pack, target: Path) -> None:
    built = made(
        target,
        pack({"a": b"a", ".h": b"h", "x/.y/z": b"z", "t~": b"t"}),
        form=Form(type=TransferType.MAILDIR, exclude_hidden_files=True),
    )

    assert tree(target) == {"a": b"a", "t~": b"t"}
    assert built.left_out == (".h", "x/.y/z")


@pytest.mark.parametrize("type_", [TransferType.ZIPFILE, TransferType.ZIPPED_BAG])
def test_a_packed_transfer_is_the_package_itself(pack: Pack, target: Path, type_: TransferType) -> None:
    package = pack({"a": b"a"})

    made(target, package, form=Form(type=type_))

    assert target.read_bytes() == package.path.read_bytes()


def test_a_packed_transfer_is_one_package(pack: Pack, target: Path) -> None:
    with pytest.raises(Unsuitable, match="not one package"):
        made(target, pack({"a": b"a"}), pack({"b": b"b"}), form=Form(type=TransferType.ZIPFILE))


def test_links_never_reach_the_disk(tmp_path: Path, target: Path) -> None:
    path = tmp_path / "links.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind, link in (
            ("a", tarfile.REGTYPE, ""),
            ("hard", tarfile.LNKTYPE, "a"),
            ("soft", tarfile.SYMTYPE, "a"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, 2 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"aa"))

    built = made(target, Source(path=path, name="links.tar"))

    assert tree(target / "objects") == {"a": b"aa", "hard": b"aa"}
    assert not any(found.is_symlink() for found in target.rglob("*"))
    assert built.left_out == ("soft",)


def test_a_package_that_climbs_is_refused(tmp_path: Path, target: Path) -> None:
    path = tmp_path / "bad.tar"
    path.write_bytes(make_tar({"../../escaped": b"x"}, mode="w"))

    with pytest.raises(PackageError, match=r"package\.member\.path"):
        made(target, Source(path=path, name="bad.tar"))
    assert list(target.parent.iterdir()) == []
    assert not (tmp_path / "escaped").exists()


def test_names_that_are_no_text_are_listed_as_they_are(tmp_path: Path, target: Path) -> None:
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w", encoding="latin-1", format=tarfile.GNU_FORMAT) as archive:
        for name in ("\xe9", "back\\slash"):
            archive.addfile(tarfile.TarInfo(name))

    made(target, Source(path=path, name="odd.tar"))

    lines = (target / "metadata" / "checksum.sha256").read_bytes().splitlines()
    empty = hashlib.sha256(b"").hexdigest().encode()
    assert lines == [b"\\" + empty + b"  back\\\\slash", empty + b"  \xe9"]
    assert os.fsdecode(b"\xe9") in {path.name for path in (target / "objects").iterdir()}


def test_dublin_core_becomes_one_row(pack: Pack, target: Path) -> None:
    made(
        target,
        pack({"a": b"a"}),
        terms=[
            ("title", "On  \n sums"),
            ("creator", "Ada"),
            ("creator", 'Bob, "Jr"'),
            ("creator", "Ada"),
            ("issued", "1843"),
            ("audience", "none"),
            ("description", " "),
        ],
    )

    rows = list(csv.reader(io.StringIO((target / "metadata" / "metadata.csv").read_text(encoding="utf-8"))))
    assert rows == [
        ["filename", "dc.title", "dc.creator", "dc.creator", "dc.date"],
        ["objects/", "On sums", "Ada", 'Bob, "Jr"', "1843"],
    ]


def test_work_that_is_stopped_leaves_nothing(pack: Pack, target: Path) -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        build(target, Contents(packages=[pack({"a": b"a"})]), Form(), alive=stop)
    assert list(target.parent.iterdir()) == []


def test_a_bundle_built_again_replaces_what_was_left(pack: Pack, target: Path) -> None:
    made(target, pack({"a": b"1", "old": b"1"}))
    (target.parent / f".{target.name}.partial").mkdir()

    made(target, pack({"a": b"2"}))

    assert tree(target / "objects") == {"a": b"2"}


@pytest.mark.parametrize(
    ("path", "junk"),
    [
        (b"a", False),
        (b"a.b/c", False),
        (b".a", True),
        (b"a/.b/c", True),
        (b"a~", True),
        (b"a~/b", False),
        (b"a~b", False),
        (b"a/Thumbs.db", True),
        (b"thumbs.db", False),
    ],
)
def test_what_counts_as_junk(path: bytes, junk: bool) -> None:
    assert is_junk(path) is junk
