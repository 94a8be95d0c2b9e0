"""Packages: whatever the bytes, a verdict; the same read or unread; and only members that keep the rules.

python -m tests.fuzz.packages 3600
"""

import os
import struct
from pathlib import Path

from tests.fuzz.running import fuzz, instrumented

with instrumented():
    from packages import Kind, Limits, Member, PackageError, open_package
    from packages.bagit import validate_bag

from packages.limits import MIB
from tests.packages import stream_cases, tar_cases, tar_tool_cases, zip_cases, zip_tool_cases  # noqa: F401  they fill the register
from tests.packages.cases import CASES

LARGEST_SEED = 64 * 1024
LIMITS = Limits(members=5000, total=32 * MIB, ratio_floor=4 * MIB, memory=16 * MIB)
BLOCK = 512


class Input:
    """A file in memory that is opened by path, as a package is."""

    def __init__(self) -> None:
        self._descriptor = os.memfd_create("package")
        self.path = Path(f"/proc/self/fd/{self._descriptor}")

    def fill(self, data: bytes) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, data, 0)


INPUT = Input()


def one(data: bytes) -> None:
    """Judge one input; whatever is not right raises."""
    INPUT.fill(data)
    verdicts = verdict(read=False), verdict(read=True)
    if verdicts[0] != verdicts[1]:
        raise AssertionError(f"two verdicts: {verdicts}")
    try:
        validate_bag(INPUT.path, limits=LIMITS)
    except PackageError as error:
        if error.code != verdicts[0]:
            raise AssertionError(f"as a bag: {error}, else {verdicts[0]}") from error


def verdict(*, read: bool) -> str:
    """The code of the refusal; "" for a package that is accepted."""
    seen: set[bytes] = set()
    try:
        with open_package(INPUT.path, LIMITS) as package:
            for member in package:
                judge(member, seen)
                if read and sum(map(len, member.chunks())) != member.size:
                    raise AssertionError(f"{member} has another size than it says")
    except PackageError as error:
        return error.code
    return ""


def judge(member: Member, seen: set[bytes]) -> None:
    """What every member that is handed out keeps to."""
    names = member.path.split(b"/")
    if not member.path or not {b"", b".", b".."}.isdisjoint(names) or b"\0" in member.path:
        raise AssertionError(f"a path that must not be: {member}")
    if member.kind is not Kind.DIRECTORY and member.path in seen:
        raise AssertionError(f"twice: {member}")
    if member.kind is Kind.HARDLINK and member.target not in seen:
        raise AssertionError(f"a link to nothing: {member}")
    if member.kind is not Kind.DIRECTORY:
        seen.add(member.path)


def mend(data: bytes) -> bytes:
    """Write right checksums into what looks like tar headers, or else nearly every mutation ends at the first."""
    if data[257:262] != b"ustar":
        return data
    mended = bytearray(data)
    for start in range(0, len(mended) - BLOCK + 1, BLOCK):
        if mended[start + 257 : start + 262] == b"ustar":
            mended[start + 148 : start + 156] = b" " * 8
            total = sum(struct.unpack_from(f"{BLOCK}B", mended, start))
            mended[start + 148 : start + 156] = b"%06o\0 " % total
    return bytes(mended)


def main() -> None:
    seeds = (case.build() for case in CASES.values())
    fuzz("packages", one, [seed for seed in seeds if len(seed) <= LARGEST_SEED], mend=mend)


if __name__ == "__main__":
    main()
