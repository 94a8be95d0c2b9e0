"""What a transfer looks like, and what Archivematica removes from it before it looks."""

import re
from dataclasses import dataclass
from enum import StrEnum


class TransferType(StrEnum):
    """Archivematica's transfer types, by the names of its API."""

    STANDARD = "standard"
    ZIPFILE = "zipfile"
    UNZIPPED_BAG = "unzipped bag"
    ZIPPED_BAG = "zipped bag"
    DSPACE = "dspace"
    MAILDIR = "maildir"
    TRIM = "TRIM"
    DATAVERSE = "dataverse"

    @property
    def is_one_file(self) -> bool:
        """Whether the package goes over as the file that it is."""
        return self in (TransferType.ZIPFILE, TransferType.ZIPPED_BAG)


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """How the bundle is to be made; the pipeline's settings of the same names."""

    type: TransferType = TransferType.STANDARD
    unbag: bool = False
    strip_top_level_dir: bool = False
    exclude_hidden_files: bool = False


# What a package in the form of a transfer may have at its top.
OBJECTS, METADATA = b"objects", b"metadata"
TRANSFER_FORM = frozenset({OBJECTS, METADATA, b"logs", b"processingMCP.xml"})
CHECKSUM_FILE = re.compile(rb"checksum\.(md5|sha1|sha256|sha512)")
SUBMISSION_DOCUMENTATION = b"submissionDocumentation"

_JUNK = frozenset({b"Thumbs.db", b"Icon", b"Icon\r", b".DS_Store"})


def is_junk(path: bytes) -> bool:
    """Whether Archivematica removes a file at this path: a hidden one, a back-up copy, or an index of a desktop.

    It does so before it verifies checksums, so a checksum of such a file would fail the transfer.
    """
    name = path.rpartition(b"/")[2]
    return is_hidden(path) or name in _JUNK or name.endswith(b"~")


def is_hidden(path: bytes) -> bool:
    """Whether the file, or a folder that it lies in, has a name that begins with a dot."""
    return path.startswith(b".") or b"/." in path
