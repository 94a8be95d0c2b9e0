"""Checksum files that Archivematica verifies: one line for each file below ``objects/`` and no other.

The form is that of GNU ``sha256sum``: the digest, two spaces, the path relative to ``objects/``; a line whose path
holds a backslash begins with one, and the backslash is doubled.
"""

from collections.abc import Mapping
from pathlib import Path

# From the strongest to the weakest that Archivematica knows.
ALGORITHMS = ("sha512", "sha256", "sha1", "md5")


def write_checksums(metadata: Path, algorithm: str, digests: Mapping[bytes, str]) -> None:
    """Write ``checksum.<algorithm>``; ``digests``: path relative to ``objects/`` -> hexadecimal digest."""
    lines = [_line(path, digests[path]) for path in sorted(digests)]
    (metadata / f"checksum.{algorithm}").write_bytes(b"".join(lines))


def _line(path: bytes, digest: str) -> bytes:
    if b"\\" in path or b"\n" in path:
        escaped = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
        return b"\\" + digest.encode() + b"  " + escaped + b"\n"
    return digest.encode() + b"  " + path + b"\n"
