"""Small damages to valid packages, for Hypothesis and for long runs of the fuzzer."""

import io
import os
import random
import tarfile
import zipfile
from pathlib import Path

from packages import Kind, PackageError, open_package
from tests.packages import stream_cases, tar_cases, tar_tool_cases, zip_cases, zip_tool_cases  # noqa: F401  they fill the register
from tests.packages.cases import ACCEPTED, CASES

_LARGEST_SEED = 64 * 1024
_NUMBERS = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"7777777",
    b"PK\x01\x02",
    b"/",
    b"..",
)

Members = dict[bytes, tuple[Kind, bytes]]


def seeds() -> list[bytes]:
    """All cases of moderate size, accepted ones three times as likely."""
    packages = [(case.verdict, case.build()) for case in CASES.values()]
    small = [(verdict, data) for verdict, data in packages if 0 < len(data) <= _LARGEST_SEED]
    return [data for verdict, data in small for _ in range(3 if verdict == ACCEPTED else 1)]


def mutate(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """One to four random damages: bits, numbers, cuts, copies, swaps, and splices with another package."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        data = _mutate_once(data, chance, others)
    return mend_tar(data) if chance.random() < 0.5 else data


def _mutate_once(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    to = min(len(data), at + chance.choice((1, 4, 30, 46, 512, 1024)))
    match chance.randrange(7):
        case 0:
            return (
                data[:at] + bytes((data[at] ^ (1 << chance.randrange(8)),)) + data[at + 1 :]
                if at < len(data)
                else data
            )
        case 1:
            number = chance.choice(_NUMBERS)
            return data[:at] + number + data[at + len(number) :]
        case 2:
            return data[:at] + data[to:]
        case 3:
            return data[:to] + data[at:]
        case 4:
            return data[:at]
        case 5:
            other = chance.choice(others)
            cut = chance.randrange(len(other) + 1)
            return data[:at] + other[cut : cut + (to - at)] + data[at:]
        case _:
            block = at // 512 * 512
            return data[:block] + chance.choice(others)[:512] + data[block:]


def mend_tar(data: bytes) -> bytes:
    """Set the checksum of every block that looks like a tar header, so that damage reaches the parser."""
    blocks = [data[n : n + 512] for n in range(0, len(data), 512)]
    for index, block in enumerate(blocks):
        if len(block) == 512 and block[257:262] == b"ustar":
            total = sum(block) - sum(block[148:156]) + 8 * 32
            blocks[index] = block[:148] + b"%06o\0 " % total + block[156:]
    return b"".join(blocks)


def read_all(path: Path) -> Members | None:
    """The members, a hard link as what it leads to; None for a refusal. Anything raised is a fault of the reader."""
    members: Members = {}
    try:
        with open_package(path) as package:
            for member in package:
                content = b"".join(member.chunks()) if member.kind is Kind.FILE else member.target or b""
                linked = members[content] if member.kind is Kind.HARDLINK else (member.kind, content)
                members[member.path] = linked
    except PackageError:
        return None
    return members


def as_tarfile_sees(data: bytes) -> Members | None:
    """The members as unpacking with Python's tarfile makes them; None if it refuses the archive."""
    members: Members = {}
    try:
        with tarfile.open(
            fileobj=io.BytesIO(data), mode="r:", encoding="utf-8", errors="surrogateescape"
        ) as archive:
            for info in archive:
                # tarfile prefers the stand-in for a long sparse path, GNU tar and libarchive its true name.
                name = info.pax_headers.get("GNU.sparse.name", info.name)
                path = os.path.normpath(name).encode("utf-8", "surrogateescape")
                link = info.linkname.encode("utf-8", "surrogateescape")
                if info.isfile():
                    reader = archive.extractfile(info)
                    members[path] = Kind.FILE, reader.read() if reader else b""
                elif info.islnk():
                    _link(members, path, os.path.normpath(link))
                elif path != b".":
                    members[path] = _KINDS[info.type], b"" if info.isdir() else link
    except (tarfile.TarError, ValueError, OSError, KeyError):
        return None
    return members


def _link(members: Members, path: bytes, target: bytes) -> None:
    """A hard link is what it leads to, once more; one to itself changes nothing."""
    if path != target:
        members[path] = members.get(target, (Kind.HARDLINK, target))


_KINDS = {
    tarfile.DIRTYPE: Kind.DIRECTORY,
    tarfile.AREGTYPE: Kind.DIRECTORY,
    tarfile.SYMTYPE: Kind.SYMLINK,
}


def as_zipfile_sees(data: bytes) -> dict[bytes, bytes] | None:
    """The contents by path as Python's zipfile has them; None if it refuses the archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {
                os.path.normpath(info.filename).encode("utf-8", "surrogateescape"): archive.read(info)
                for info in archive.infolist()
            }
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, EOFError):
        return None
