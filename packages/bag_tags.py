"""The tag files of a bag (RFC 8493 section 2): the declaration, manifests, bag-info.txt and fetch.txt.

Each reader takes the bytes of a file and tells what is wrong with it, with the section that decides, to a `Report`.
"""

import codecs
import hashlib
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from packages.errors import printable
from packages.names import ENCODINGS

ALGORITHMS = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})
_MOST_PROBLEMS = 100
_BOM = codecs.BOM_UTF8
_LINE_END = re.compile(r"\r\n|\n|\r")
_DECLARATION = re.compile(
    r"BagIt-Version: (\d+\.\d+)(?:\r\n|\n|\r)Tag-File-Character-Encoding: (\S+)(?:\r\n|\n|\r)?"
)
# Before version 1.0 the blanks around the colon, and blank lines behind, were nowhere forbidden.
_OLD_DECLARATION = re.compile(r"BagIt-Version\s*:\s*(0\.9[3-7])\s+Tag-File-Character-Encoding\s*:\s*(\S+)\s*")
_MANIFEST_LINE = re.compile(r"([0-9a-fA-F]+)[ \t]+\*?(.+)")
_FETCH_LINE = re.compile(r"(\S+)[ \t]+(\d+|-)[ \t]+(.+)")
_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_OXUM = re.compile(r"(\d+)\.(\d+)")
_ENCODINGS = {
    *ENCODINGS,
    *("ascii", "utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be"),
    *(f"iso8859_{part}" for part in range(1, 17)),
}
_VERSIONS = ("0.93", "0.94", "0.95", "0.96", "0.97", "1.0")


class Problem(NamedTuple):
    """Why a bag is not valid: a code of :data:`packages.bagit.CODES`, a path (safe to print) or "", what to do."""

    code: str
    subject: str
    message: str


@dataclass(slots=True)
class Report:
    """What is wrong with a bag; the first hundred problems in words, the others counted."""

    problems: list[Problem] = field(default_factory=list)
    dropped: int = 0

    def tell(self, code: str, subject: bytes | str, message: str) -> None:
        """Note one problem."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(code, printable(subject), message))
        else:
            self.dropped += 1


@dataclass(frozen=True, slots=True)
class Declaration:
    """The version of BagIt that a bag declares, and the encoding of its other tag files (a codec of Python)."""

    version: str
    encoding: str

    @property
    def is_current(self) -> bool:
        """Whether the rules of RFC 8493 hold, and not those of the drafts before it."""
        return self.version == "1.0"


def read_declaration(data: bytes, subject: bytes, report: Report) -> Declaration | None:
    """``bagit.txt`` (2.1.1); None, and a problem, if it does not declare a bag that can be read."""
    if data.startswith(_BOM):
        _report_bom(subject, report)
        data = data[len(_BOM) :]
    text = data.decode("utf-8", "replace")
    found = _DECLARATION.fullmatch(text) or _OLD_DECLARATION.fullmatch(text)
    if found is None or found[1] not in _VERSIONS:
        message = (
            "RFC 8493, 2.1.1: write exactly the two lines 'BagIt-Version: 1.0' and "
            "'Tag-File-Character-Encoding: UTF-8'."
        )
        report.tell("bagit.declaration", subject, message)
        return None
    encoding = _codec(found[2])
    if not encoding:
        message = f"The encoding {printable(found[2])[:40]!r} is not known. Write the tag files in UTF-8."
        report.tell("bagit.encoding", subject, message)
        return None
    return Declaration(found[1], encoding)


def _codec(name: str) -> str:
    """Python's name of an encoding; "" for one that is not known, or no encoding of texts (idna, unicode_escape)."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return found if found.replace("-", "_") in _ENCODINGS else ""


def read_text(data: bytes, subject: bytes, declaration: Declaration, report: Report) -> str:
    """A tag file's text (2.3); "", and a problem, if it is not in the declared encoding."""
    if declaration.encoding == "utf-8" and data.startswith(_BOM):
        _report_bom(subject, report)
        data = data[len(_BOM) :]
    try:
        return data.decode(declaration.encoding)
    except (UnicodeError, ValueError):
        message = (
            f"It is not in the encoding that bagit.txt declares ({declaration.encoding}). Write it anew."
        )
        report.tell("bagit.encoding", subject, message)
        return ""


def _report_bom(subject: bytes, report: Report) -> None:
    report.tell(
        "bagit.bom",
        subject,
        "RFC 8493, 2.1.1 and 2.3: tag files in UTF-8 must not begin with a byte-order mark. Save it without one "
        "('UTF-8', not 'UTF-8 with BOM').",
    )


@dataclass(slots=True)
class Manifest:
    """One manifest: path below the bag -> checksum in lower-case hexadecimal digits."""

    name: bytes
    algorithm: str
    entries: dict[bytes, str] = field(default_factory=dict)


def read_manifest(
    manifest: Manifest, text: str, declaration: Declaration, report: Report, *, is_tag: bool
) -> None:
    """Fill a payload manifest (2.1.3) or tag manifest (2.2.1) with the lines of its file."""
    length = 2 * hashlib.new(manifest.algorithm, usedforsecurity=False).digest_size
    for line in _lines(text):
        read = _MANIFEST_LINE.fullmatch(line)
        if not read or len(read[1]) != length:
            message = f"The line {printable(line)[:80]!r} is not a checksum and a path."
            report.tell("bagit.manifest", manifest.name, message)
            continue
        path = decoded_path(read[2], declaration)
        if not is_inside(path, is_tag=is_tag):
            message = "Manifests name files of the bag, payload manifests files below data/."
            report.tell("bagit.path", path, message)
            continue
        checksum = read[1].lower()
        before = manifest.entries.get(path)
        manifest.entries[path] = checksum
        if before is not None and (before != checksum or declaration.is_current):
            report.tell("bagit.repeated", path, f"List it once in {printable(manifest.name)}.")


def _lines(text: str) -> list[str]:
    return [line for line in _LINE_END.split(text) if line.strip()]


def decoded_path(text: str, declaration: Declaration) -> bytes:
    """A path of a manifest or of fetch.txt: CR and LF are percent-encoded, and since version 1.0 the percent sign."""
    escapes = r"%(0[AaDd]|25)" if declaration.is_current else r"%(0[AaDd])"
    decoded = re.sub(escapes, lambda match: chr(int(match[1], 16)), text)
    return decoded.encode("utf-8", "surrogatepass").removeprefix(b"./")


def is_inside(path: bytes, *, is_tag: bool) -> bool:
    """Whether the path names a file of the bag: of its payload, or (``is_tag``) beside it."""
    parts = path.split(b"/")
    if b".." in parts or b"" in parts:
        return False
    return is_tag != (parts[0] == b"data" and len(parts) > 1)


def read_info(text: str, subject: bytes, declaration: Declaration, report: Report) -> dict[str, list[str]]:
    """``bag-info.txt`` (2.2.2): label in lower case -> its values, continued lines joined."""
    info: dict[str, list[str]] = {}
    last: list[str] = []
    for line in _lines(text):
        if line[0] in " \t" and last:
            last[-1] += " " + line.strip()
            continue
        label, colon, value = line.partition(":")
        strict = declaration.is_current
        if not colon or not label.strip() or (strict and (label != label.strip() or value[:1] not in " \t")):
            message = (
                f"RFC 8493, 2.2.2: the line {printable(line)[:80]!r} is not a label, colon, blank and value."
            )
            report.tell("bagit.info", subject, message)
            continue
        last = info.setdefault(label.strip().lower(), [])
        last.append(value.strip())
    return info


def read_oxum(
    info: dict[str, list[str]], subject: bytes, declaration: Declaration, report: Report
) -> tuple[int, int] | None:
    """The bytes and files of the payload that ``Payload-Oxum`` states."""
    values = info.get("payload-oxum", [])
    if not values:
        return None
    found = _OXUM.fullmatch(values[-1])
    if found is None or len(found[0]) > 40 or (len(values) > 1 and declaration.is_current):
        message = (
            "RFC 8493, 2.2.2: Payload-Oxum is there once: the number of bytes, a dot, the number of files."
        )
        report.tell("bagit.oxum", subject, message)
        return None
    return int(found[1]), int(found[2])


def read_fetch(text: str, subject: bytes, declaration: Declaration, report: Report) -> list[bytes]:
    """The payload files that ``fetch.txt`` (2.2.3) says are elsewhere."""
    paths = []
    for line in _lines(text):
        read = _FETCH_LINE.fullmatch(line)
        if read is None or not _ABSOLUTE_URI.fullmatch(read[1]):
            message = f"RFC 8493, 2.2.3: the line {printable(line)[:80]!r} is not a URL, a length or '-', and a path."
            report.tell("bagit.fetch", subject, message)
            continue
        path = decoded_path(read[3], declaration)
        if not is_inside(path, is_tag=False):
            report.tell("bagit.path", path, "RFC 8493, 2.2.3: fetch.txt names payload files, below data/.")
            continue
        paths.append(path)
    return paths
