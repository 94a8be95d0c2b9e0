"""What must hold for any tree and any bytes."""

import gzip
import io
import os
import random
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packages import Kind, Limits, PackageError, open_package
from packages.paths import clean_path
from tests.packages.building import COMPRESSIONS
from tests.packages.mutations import Members, as_tarfile_sees, as_zipfile_sees, mutate, read_all, seeds

SEEDS = seeds()
LONG_RUN = "PACKAGE_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("PACKAGE_EXAMPLES", "300"))
"""More of them in a long run, and then new ones in each; the daily run repeats its own."""
ORDINARY = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="/\\:"),
    min_size=1,
    max_size=20,
).filter(lambda name: name not in (".", "..") and len(name.encode()) <= 255)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
pieces = st.binary(max_size=100).filter(
    lambda piece: not set(b"PK\x05\x06") <= set(piece)
)  # that is a case of its own
contents = st.tuples(pieces, st.sampled_from([1, 1, 5000]))
drafts = st.dictionaries(paths, st.tuples(contents, st.booleans()), min_size=2, max_size=12).filter(
    lambda tree: not any(other.startswith(path + "/") for path in tree for other in tree)
)
Draft = dict[str, tuple[tuple[bytes, int], bool]]
Tree = dict[str, tuple[bytes, bool]]


def grown(draft: Draft) -> Tree:
    """The tree with the content of its files at full length (drafts stay short, for Hypothesis to print)."""
    return {path: (piece * times, executable) for path, ((piece, times), executable) in draft.items()}


def as_tar(tree: Tree, form: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for path, (data, executable) in tree.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), 0o755 if executable else 0o644
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def as_zip(tree: Tree, method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for path, (data, executable) in tree.items():
            info = zipfile.ZipInfo(path)
            info.compress_type, info.external_attr = method, (0o100755 if executable else 0o100644) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def members(path: Path) -> Tree:
    with open_package(path) as package:
        return {
            m.path.decode(): (m.read() if m.size < 5000 else b"".join(m.chunks()), m.executable)
            for m in package
        }


@ORDINARY
@given(
    draft=drafts,
    form=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    codec=st.sampled_from(["", *COMPRESSIONS]),
)
def test_any_tree_comes_out_of_a_tar_archive_as_it_went_in(
    draft: Draft, form: int, codec: str, tmp_path: Path
) -> None:
    package, tree = tmp_path / "package", grown(draft)
    data = as_tar(tree, form)
    package.write_bytes(COMPRESSIONS[codec](data) if codec else data)

    assert members(package) == tree


@ORDINARY
@given(
    draft=drafts,
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]),
)
def test_any_tree_comes_out_of_a_zip_archive_as_it_went_in(draft: Draft, method: int, tmp_path: Path) -> None:
    package, tree = tmp_path / "package", grown(draft)
    package.write_bytes(as_zip(tree, method))

    assert members(package) == tree


@settings(ORDINARY, max_examples=EXAMPLES, derandomize=not LONG_RUN)
@given(seed=st.integers(0, 1 << 40))
def test_damaged_packages_are_refused_or_read_as_others_read_them(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    data = mutate(chance.choice(SEEDS), chance, SEEDS)
    package = tmp_path / "package"
    package.write_bytes(data)

    found = read_all(package)

    assert found is None or agrees(found, data)


def agrees(found: Members, data: bytes) -> bool:
    """Whether Python's reader, if it accepts the bytes at all, sees the same members."""
    if data.startswith(b"PK"):
        others = as_zipfile_sees(data)
        if others is None or not all(path.isascii() for path in found):
            return True
        others.pop(b".", None)
        return others == {path: content for path, (_, content) in found.items()}
    if data[257:262] == b"ustar":
        members = as_tarfile_sees(data)
        return members is None or members == found
    return True


@settings(ORDINARY, max_examples=EXAMPLES, derandomize=not LONG_RUN)
@given(
    data=st.binary(max_size=3000),
    start=st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"]),
)
def test_any_bytes_are_refused_or_read(data: bytes, start: bytes, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.write_bytes(start + data)

    assert read_all(package) in (None, {})


@given(raw=st.binary(max_size=300))
def test_an_accepted_path_is_clean(raw: bytes) -> None:
    try:
        path = clean_path(raw, Limits())
    except PackageError:
        return
    parts = path.split(b"/") if path else []
    assert [part for part in parts if part in (b"", b".", b"..")] == []
    assert clean_path(path, Limits()) == path
    assert path == os.path.normpath(raw or b".").lstrip(b".") or b"/".join(parts) == path


@pytest.mark.parametrize("cut", range(1, 60))
def test_no_cut_of_a_compressed_package_is_accepted(cut: int, tmp_path: Path) -> None:
    package = tmp_path / "package"
    whole = gzip.compress(as_tar({"a": (b"content", False), "b": (b"more", True)}, tarfile.USTAR_FORMAT))
    package.write_bytes(whole[: len(whole) * cut // 60])

    assert read_all(package) is None


def test_a_member_is_read_once_and_in_its_turn(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.write_bytes(as_tar({"a": (b"x" * 3_000_000, False), "b": (b"y", False)}, tarfile.USTAR_FORMAT))

    with open_package(package) as opened:
        iterator = iter(opened)
        first = next(iterator)
        chunks = first.chunks()
        next(chunks)
        second = next(iterator)
        with pytest.raises(RuntimeError):
            next(chunks)
        with pytest.raises(RuntimeError):
            first.read()
        assert (second.kind, second.read()) == (Kind.FILE, b"y")
        with pytest.raises(RuntimeError):
            second.read()


def test_a_member_half_read_is_still_verified(tmp_path: Path) -> None:
    package = tmp_path / "package"
    data = bytearray(as_zip({"a": (random.Random(1).randbytes(3_000_000), False)}, zipfile.ZIP_STORED))
    data[2_900_000] ^= 1
    package.write_bytes(data)

    with open_package(package) as opened:
        iterator = iter(opened)
        next(next(iterator).chunks())
        with pytest.raises(PackageError) as refusal:
            next(iterator)

    assert refusal.value.code == "package.checksum"


def test_a_folder_is_our_fault_not_the_packages(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is not a regular file"):
        open_package(tmp_path)


def test_a_package_is_gone_through_once(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.write_bytes(as_tar({"a": (b"x", False), "b": (b"y", False)}, tarfile.USTAR_FORMAT))

    with open_package(package) as opened:
        assert [member.path for member in opened] == [b"a", b"b"]
        with pytest.raises(RuntimeError):
            list(opened)
