"""Why a package is refused: one exception, one catalogue of stable codes."""

CODES: dict[str, str] = {
    "package.checksum": "A checksum inside the package does not match its content.",
    "package.compression": "The package is compressed in a way that is not accepted, or more than once.",
    "package.corrupt": "The compressed data cannot be decoded.",
    "package.empty": "The package has no members.",
    "package.encrypted": "A member of the package is encrypted.",
    "package.format": "The file is neither a zip archive nor a tar archive.",
    "package.limit.component": "A file or directory name is longer than the limit.",
    "package.limit.depth": "A member lies deeper than the limit of nested directories.",
    "package.limit.header": "A header inside the package is longer than the limit.",
    "package.limit.member": "A file in the package is larger than the limit.",
    "package.limit.members": "The package has more members than the limit.",
    "package.limit.memory": "Decoding the package needs more memory than the limit.",
    "package.limit.path": "A member's path is longer than the limit.",
    "package.limit.ratio": "The package expands to many times its own size, beyond the limit.",
    "package.limit.streams": "The package is cut into very many compressed streams with almost no content.",
    "package.limit.time": "Reading the package takes more processor time than the limit.",
    "package.limit.total": "The content of the package is larger than the limit.",
    "package.member.backslash": "A member's path holds backslashes that some systems read as separators.",
    "package.member.below-link": "A member lies below a symbolic link.",
    "package.member.characters": "A member's path or link target holds control characters.",
    "package.member.duplicate": "Two members have the same path and differ.",
    "package.member.encoding": "A member's path is not in the encoding that the package declares.",
    "package.member.hardlink": "A hard link does not point to an earlier file or link of the package.",
    "package.member.parent": "A path is used both as a file and as a directory.",
    "package.member.path": "A member's path is absolute, empty or climbs with '..'.",
    "package.member.size": "A member that has no content of its own (directory, link) declares some.",
    "package.member.sparse": "A member is a sparse file in a form that cannot be read.",
    "package.member.symlink": "A symbolic link points outside the package, or cannot be followed safely.",
    "package.member.type": "A member is not a file, directory or link (a device, a FIFO, a socket, ...).",
    "package.method": "A zip member is compressed with a method that is not accepted.",
    "package.nested": "The package holds one archive and nothing else.",
    "package.polyglot": "The file can be read as a zip archive and as a tar archive.",
    "package.tar.ambiguous": "A tar header can be read in two ways.",
    "package.tar.extended": "An extended tar header (pax or GNU) is malformed or out of place.",
    "package.tar.header": "A tar header is damaged.",
    "package.top-folder": "Something lies beside the one folder that is to be left away.",
    "package.trailing": "Other data follows the end of the package.",
    "package.truncated": "The package ends too early.",
    "package.zip.descriptor": "A data descriptor of the zip archive differs from its directory.",
    "package.zip.directory": "The central directory of the zip archive is damaged.",
    "package.zip.disks": "The zip archive is split over several files.",
    "package.zip.end": "The end record of the zip archive is missing, doubled or wrong.",
    "package.zip.extra": "An extra field of the zip archive is malformed.",
    "package.zip.gap": "The zip archive has bytes that belong to no member.",
    "package.zip.local": "A local header of the zip archive differs from its central directory.",
    "package.zip.names": "A zip member states two different names.",
    "package.zip.overlap": "Two members of the zip archive share bytes.",
    "package.zip.type": "A zip member is a file by one sign and a directory or link by another.",
    "package.zip.zip64": "A zip64 record contradicts the record it extends.",
}
"""Code -> what it means, in one line. A code, once published, never changes its meaning."""

SUBJECT_LENGTH = 300


class PackageError(Exception):
    """A package that cannot be accepted, worded for the person who sent it.

    ``code`` is a key of :data:`CODES`; ``subject`` is the member's path, safe to print, or ""; ``message`` says what
    is wrong and what to do.
    """

    def __init__(self, code: str, subject: bytes | str, message: str) -> None:
        self.code = code
        self.subject = printable(subject)
        self.message = message
        super().__init__(code, self.subject, message)

    def __str__(self) -> str:
        place = f" [{self.subject}]" if self.subject else ""
        return f"{self.code}{place}: {self.message}"


def printable(name: bytes | str) -> str:
    """The name as text that is safe on a terminal, in a log and on a page: whatever does not print is escaped."""
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    if len(text) > SUBJECT_LENGTH:
        text = text[:SUBJECT_LENGTH] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
