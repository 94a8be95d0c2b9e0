"""Which files can be preserved, and in which words the others are refused."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from packages.formats.preservable import NotPreservable, check_name, judge


def picture(kind: str, mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    Image.new(mode, (40, 30)).save(out, kind, **options)
    return out.getvalue()


JPEG = picture("JPEG")
TIFF = picture("TIFF")
PAGES = picture("TIFF", save_all=True, append_images=[Image.new("RGB", (40, 30))])
SEVERAL = picture("MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))])
# A JPEG stream without the header that tells a version.
BARE_JPEG = JPEG[:2] + JPEG[20:]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def reason(file: Path, name: str, content: bytes) -> str:
    file.write_bytes(content)
    with pytest.raises(NotPreservable) as refused:
        judge(file, name)
    return refused.value.reason


@pytest.mark.parametrize(
    ("name", "content", "mime", "version"),
    [
        ("a.jpg", JPEG, "image/jpeg", "1.01"),
        ("a.JPEG", picture("JPEG", "L"), "image/jpeg", "1.01"),
        ("a.tif", TIFF, "image/tiff", "6.0"),
        ("a.TIFF", picture("TIFF", "L", compression="tiff_lzw"), "image/tiff", "6.0"),
        ("a.tif", picture("TIFF", "1", compression="group4"), "image/tiff", "6.0"),
        ("a.jpg", TIFF, "image/tiff", "6.0"),
        ("a.tif", JPEG, "image/jpeg", "1.01"),
        ("a.gif", picture("GIF", "P"), "image/gif", "1987a"),
        ("a.pdf", picture("PDF"), "application/pdf", "1.4"),
        ("a.xml", b"<a/>", "text/xml", "1.0"),
        ("Multimedia_1.attachment", JPEG, "image/jpeg", "1.01"),
        ("Multimedia_1.attachment", picture("PNG"), "image/png", "1.0"),
    ],
)
def test_what_can_be_preserved(file: Path, name: str, content: bytes, mime: str, version: str) -> None:
    file.write_bytes(content)
    found = judge(file, name).format
    assert found.mime == mime
    if mime != "application/pdf":
        assert found.version == version or mime == "image/png"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.wad", b"IWAD", "Unsupported file format: wad"),
        ("README", b"text", "Unsupported file format: "),
        ("a.zip", b"PK", "Unsupported file format: zip"),
        ("a.tif", TIFF[:-500], "TIFF file failed JHOVE validation"),
        ("a.tif", TIFF[:100], "TIFF file failed JHOVE validation"),
        ("a.tiff", b"", "TIFF file failed JHOVE validation"),
        ("a.tif", PAGES, "Multi-page TIFF not allowed"),
        ("a.jpg", picture("PNG"), "JPEG MIME type detection failed"),
        ("a.jpg", b"not a picture", "JPEG MIME type detection failed"),
        ("a.jpg", b"", "JPEG MIME type detection failed"),
        (
            "a.jpg",
            picture("MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))]),
            "MPO JPEG files not supported",
        ),
        ("a.jpg", BARE_JPEG, "JPEG version not supported"),
        ("a.xml", b"<?xml version='1.0' encoding='ebcdic'?><a/>", "Unsupported file format: xml"),
        ("a.pdf", JPEG, "Unsupported file format: pdf"),
        ("Multimedia_1.attachment", b"\0\1\2", "Unsupported file format: attachment"),
    ],
)
def test_what_cannot_be_preserved(file: Path, name: str, content: bytes, words: str) -> None:
    assert reason(file, name, content) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("kärpänen.JPG", "Filename contains non-ASCII characters"),
        ("Multimedia.xml", "Filename 'Multimedia.xml' not allowed for attachment"),
    ],
)
def test_names_that_cannot_be_preserved(name: str, words: str) -> None:
    with pytest.raises(NotPreservable) as refused:
        check_name(name)
    assert refused.value.reason == words
    check_name("a strange (name) & more.jpg")


@pytest.mark.parametrize(
    ("number", "name", "words"),
    [
        (1234567001, "kuva1.JPG", None),
        (1234576001, "test.JPG", None),  # its known error cannot be seen in the bytes
        (1234570001, "test.wad", "Unsupported file format: wad"),
        (1234577001, "test.JPG", "TIFF file failed JHOVE validation"),
        (1234580001, "test.TIF", "Multi-page TIFF not allowed"),
        (1234581001, "test.JPG", "MPO JPEG files not supported"),
    ],
)
def test_the_samples(number: int, name: str, words: str | None) -> None:
    folder = os.environ.get("DEPOSIT_TEST_DATA")
    if not folder:
        pytest.skip("DEPOSIT_TEST_DATA does not name the folder of test data")
    sample = Path(folder, "museumplus/museumplus_mock/module/Multimedia", str(number), "attachment")
    if words is None:
        assert judge(sample, name).format.mime == "image/jpeg"
        return
    with pytest.raises(NotPreservable) as refused:
        judge(sample, name)
    assert refused.value.reason == words
