"""The format of a file, found by its bytes with PRONOM's signatures (pygfried, which is Siegfried)."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """A format as preservation services name it: media type, version (``""``: it has none), key in PRONOM."""

    mime: str
    version: str
    puid: str


_VERSIONS: dict[str, dict[str, str]] = {
    "image/gif": {"fmt/3": "1987a", "fmt/4": "1989a"},
    "image/jpeg": {
        "fmt/42": "1.00",
        "fmt/43": "1.01",
        "fmt/44": "1.02",
        "x-fmt/398": "2.0",
        "x-fmt/390": "2.1",
        "x-fmt/391": "2.2",
        "fmt/645": "2.2.1",
        "fmt/1507": "2.3",
    },
    "application/pdf": {
        "fmt/95": "A-1a",
        "fmt/354": "A-1b",
        "fmt/476": "A-2a",
        "fmt/477": "A-2b",
        "fmt/478": "A-2u",
        "fmt/479": "A-3a",
        "fmt/480": "A-3b",
        "fmt/481": "A-3u",
        "fmt/16": "1.2",
        "fmt/17": "1.3",
        "fmt/18": "1.4",
        "fmt/19": "1.5",
        "fmt/20": "1.6",
        "fmt/276": "1.7",
    },
    "application/vnd.oasis.opendocument.text": {"fmt/136": "1.0", "fmt/290": "1.1", "fmt/291": "1.2"},
    "application/vnd.oasis.opendocument.spreadsheet": {"fmt/137": "1.0", "fmt/294": "1.1", "fmt/295": "1.2"},
    "application/vnd.oasis.opendocument.presentation": {
        "fmt/138": "1.0",
        "fmt/292": "1.1",
        "fmt/293": "1.2",
    },
    "application/vnd.oasis.opendocument.graphics": {"fmt/139": "1.0", "fmt/296": "1.1", "fmt/297": "1.2"},
    "text/plain": {"x-fmt/111": ""},
}
# Kinds of TIFF (Exif, GeoTIFF, TIFF/IT, TIFF/EP); a preservation service wants them as TIFF 6.0.
_TIFF = {"fmt/353", "fmt/155", "x-fmt/387", "x-fmt/388", "x-fmt/399", "fmt/154", "fmt/153", "fmt/1917"}
# Each version of PNG holds the ones before it; a preservation service knows the last.
_PNG = {"fmt/11", "fmt/12", "fmt/13"}
_FORMATS = {
    puid: Format(mime=mime, version=version, puid=puid)
    for mime, versions in _VERSIONS.items()
    for puid, version in versions.items()
}
_FORMATS |= {puid: Format(mime="image/tiff", version="6.0", puid="fmt/353") for puid in _TIFF}
_FORMATS |= {puid: Format(mime="image/png", version="1.2", puid="fmt/13") for puid in _PNG}

# JPEG streams and files whose version PRONOM does not tell.
JPEG_WITHOUT_VERSION = {"fmt/41", "fmt/149", "fmt/150", "fmt/112", "fmt/113", "fmt/1150"}


def puid_of(path: Path) -> str:
    """The PRONOM key of the file at ``path``; empty for an empty file, ``UNKNOWN`` for what nobody knows."""
    # Imported where it is used: it starts Go's runtime, which does not survive the fork of a worker.
    import pygfried  # noqa: PLC0415

    try:
        return str(pygfried.identify(str(path)))
    except pygfried.EmptySourceError:
        return ""


def format_of(path: Path) -> Format | None:
    """The format of the file at ``path``; None if it is none of those that are preserved."""
    return _FORMATS.get(puid_of(path))


def known(puid: str) -> Format | None:
    """The format with this PRONOM key, if it is preserved."""
    return _FORMATS.get(puid)
