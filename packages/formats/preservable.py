"""Whether a museum's file can be preserved, and if not, why: in the words by which frozen objects are counted.

The reasons are those of Passari, to the letter, so that an institution's statistics go on.
"""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType

from packages.formats.details import ImageDetails, ImageFault
from packages.formats.identify import JPEG_WITHOUT_VERSION, Format, known, puid_of

IMAGES = frozenset({"gif", "tif", "tiff", "jpg", "jpeg"})
DOCUMENTS = frozenset({"pdf", "odf", "xml"})
# A file that MuseumPlus has no name for gets this ending; it may be anything.
UNNAMED = "attachment"
ALLOWED = IMAGES | DOCUMENTS | {UNNAMED}
ARCHIVES = frozenset({"zip"})

_CHARSETS = {
    "utf-8": "UTF-8",
    "us-ascii": "UTF-8",
    "ascii": "UTF-8",
    "utf-16": "UTF-16",
    "iso-8859-15": "ISO-8859-15",
}
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_MARKUP = re.compile(rb"\s*<[?!A-Za-z_:]")


class NotPreservable(Exception):
    """A file keeps its object from being preserved. ``reason`` is counted, ``detail`` tells which file and why."""

    def __init__(self, reason: str, detail: str, code: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A file that can be preserved: its format, its character set if it is text, and its picture if it is an image."""

    format: Format
    charset: str | None = None
    image: ImageDetails | None = None


def check_name(name: str) -> None:
    """Refuse the name of an attachment that the service or the package cannot take. Raises NotPreservable."""
    if not name.isascii():
        raise NotPreservable(
            "Filename contains non-ASCII characters",
            f"Filename {name} contains non-ASCII characters and can't be uploaded into the preservation service.",
            "museum.filename.characters",
        )
    if name == "Multimedia.xml":
        raise NotPreservable(
            "Filename 'Multimedia.xml' not allowed for attachment",
            "An attachment is named Multimedia.xml, as the description beside it is.",
            "museum.filename.reserved",
        )


def check_extension(name: str) -> None:
    """Refuse a file by the ending of its name. Raises NotPreservable."""
    ending = extension(name)
    if ending not in ALLOWED:
        raise NotPreservable(
            f"Unsupported file format: {ending}",
            f"File format {ending} of {name} is not supported for preservation.",
            "museum.extension",
        )


def extension(path: str) -> str:
    """The ending of a file's name, in small letters and without its dot."""
    return PurePosixPath(path).suffix[1:].lower()


def judge(file: Path, name: str) -> Judged:
    """What the file at ``file`` is, which goes by ``name`` in the package. Raises NotPreservable, OSError."""
    check_extension(name)
    ending = extension(name)
    puid = puid_of(file)
    if ending in IMAGES and (judged := _judge_image(file, name, puid)):
        return judged
    if ending == "xml":
        return Judged(
            format=Format(mime="text/xml", version="1.0", puid="fmt/101"), charset=_charset(file, name)
        )
    found = known(puid)
    if found is None:
        if ending == UNNAMED and puid in JPEG_WITHOUT_VERSION:
            raise _jpeg_version(name)
        raise _unsupported(
            ending, f"The content of {name} is of no format that is preserved ({puid or 'empty'})."
        )
    return _judge_other(file, name, ending, found)


def _images() -> ModuleType:
    # Imported where it is used: Pillow comes with `deposit-server[museum]` only.
    from packages.formats import images  # noqa: PLC0415

    return images


def _judge_image(file: Path, name: str, puid: str) -> Judged | None:
    """A TIFF or JPEG by its content, whatever image its name says it is; None: another image."""
    ending = extension(name)
    if _images().is_tiff(file) or (ending in ("tif", "tiff") and not _images().is_jpeg(file)):
        return _judge_tiff(file, name)
    if _images().is_jpeg(file) or ending in ("jpg", "jpeg"):
        return _judge_jpeg(file, name, puid)
    return None


def _judge_other(file: Path, name: str, ending: str, found: Format) -> Judged:
    if ending == UNNAMED and found.mime == "image/tiff":
        return _judge_tiff(file, name)
    if ending == UNNAMED and found.mime == "image/jpeg":
        return _judge_jpeg(file, name, found.puid)
    wanted = {"gif": "image/gif", "pdf": "application/pdf", "odf": "application/vnd.oasis.opendocument"}.get(
        ending, ""
    )
    if not found.mime.startswith(wanted):
        raise _unsupported(ending, f"{name} is {found.mime} by its content.")
    if not found.mime.startswith("image/"):
        return Judged(format=found, charset="UTF-8" if found.mime == "text/plain" else None)
    try:
        image = _images().read_image(file)
        _images().decode(file)
    except ImageFault as fault:
        raise _unsupported(ending, f"{name}: {fault}") from None
    return Judged(format=found, image=image)


def _judge_tiff(file: Path, name: str) -> Judged:
    try:
        image = _images().read_image(file)
        if image.kind != "TIFF":
            raise ImageFault(f"it is {image.kind} by its content.")
        if image.frames > 1:
            raise NotPreservable(
                "Multi-page TIFF not allowed",
                f"TIFF file {name} contains multiple pages and is not currently allowed for preservation.",
                "museum.tiff.pages",
            )
        _images().decode(file)
    except ImageFault as fault:
        raise NotPreservable(
            "TIFF file failed JHOVE validation",
            f"TIFF file {name} failed validation, and is likely invalid: {fault}",
            "museum.tiff.invalid",
        ) from None
    return Judged(format=Format(mime="image/tiff", version="6.0", puid="fmt/353"), image=image)


def _judge_jpeg(file: Path, name: str, puid: str) -> Judged:
    try:
        image = _images().read_image(file)
    except ImageFault as fault:
        raise _no_jpeg(name, str(fault)) from None
    if image.kind == "MPO":
        raise NotPreservable(
            "MPO JPEG files not supported",
            f"JPEG file {name} contains multiple pictures (MPO) and is not supported for preservation.",
            "museum.jpeg.mpo",
        )
    if image.kind != "JPEG":
        raise _no_jpeg(name, f"it is {image.kind} by its content")
    found = known(puid)
    if found is None or found.mime != "image/jpeg":
        raise _jpeg_version(name)
    try:
        _images().decode(file)
    except ImageFault as fault:
        raise _no_jpeg(name, str(fault)) from None
    return Judged(format=found, image=image)


def _no_jpeg(name: str, why: str) -> NotPreservable:
    return NotPreservable(
        "JPEG MIME type detection failed",
        f"JPEG file {name} didn't pass MIME type detection: {why}",
        "museum.jpeg.type",
    )


def _jpeg_version(name: str) -> NotPreservable:
    return NotPreservable(
        "JPEG version not supported",
        f"JPEG file {name} has a version that is not supported, or none.",
        "museum.jpeg.version",
    )


def _unsupported(ending: str, detail: str) -> NotPreservable:
    return NotPreservable(f"Unsupported file format: {ending}", detail, "museum.format")


def _charset(file: Path, name: str) -> str:
    """The character set of an XML file, by its mark or its declaration."""
    with file.open("rb") as opened:
        start = opened.read(512)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    start = start.removeprefix(codecs.BOM_UTF8)
    declared = _DECLARED.match(start)
    charset = _CHARSETS.get(declared[1].decode().lower() if declared else "utf-8")
    if charset is None or not _MARKUP.match(start):
        raise _unsupported("xml", f"{name} is no XML in a character set that is preserved.")
    return charset
