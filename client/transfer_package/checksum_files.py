"""The checksum files of Archivematica's transfers, ``metadata/checksum.<algorithm>``: lines as sha256sum has them."""

import re
from collections.abc import Iterator, Mapping

from client.transfer_package.contents import Contents, Finding

# Algorithm -> length of its digest in hexadecimal digits.
ALGORITHMS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
_LINE = re.compile(r"\\?(?P<digest>[0-9a-fA-F]+)[ \t][ \t*]?(?P<path>.+)")


def checksum_path(algorithm: str) -> str:
    """Where the checksum file of an algorithm lies."""
    return f"metadata/checksum.{algorithm}"


def wanted_digests(contents: Contents) -> Mapping[str, frozenset[str]]:
    """The files whose digests have to be computed, each with the algorithms: what the checksum files name."""
    wanted: dict[str, set[str]] = {}
    for algorithm in ALGORITHMS:
        for _, path, _ in _lines(contents, algorithm):
            if path is not None:
                wanted.setdefault(path, set()).add(algorithm)
    return {path: frozenset(algorithms) for path, algorithms in wanted.items()}


def judge_checksums(contents: Contents) -> Iterator[Finding]:
    """Compare every line of every checksum file with ``contents.digests``."""
    for algorithm in ALGORITHMS:
        file = checksum_path(algorithm)
        if file not in contents.files:
            continue
        named = set()
        for digest, path, line in _lines(contents, algorithm):
            if not digest:
                message = (
                    f"{file}: the line {line[:200]!r} is not a {algorithm} digest, two spaces and a path."
                )
                yield Finding(code="archivematica.checksum.algorithm", subject=file, message=message)
            elif path is None:
                message = f"{file} names {line[:200]!r}, which is not in the package."
                yield Finding(code="archivematica.checksum.missing", subject=file, message=message)
            else:
                named.add(path)
                found = contents.digests.get((algorithm, path))
                if found != digest:
                    message = f"{path} has the {algorithm} {found or '(not computed)'}, {file} says {digest}."
                    yield Finding(code="archivematica.checksum.differs", subject=path, message=message)
        for path in sorted(set(contents.counted()) - named):
            if not path.startswith("metadata/") and path != "processingMCP.xml":
                message = f"{file} does not name {path}. Archivematica expects a line for every object."
                yield Finding(code="archivematica.checksum.unlisted", subject=path, message=message)


def _lines(contents: Contents, algorithm: str) -> Iterator[tuple[str, str | None, str]]:
    """Digest ("" if there is none), path in the package (None if there is none), and what the line names or is."""
    data = contents.small.get(checksum_path(algorithm), b"")
    for line in data.decode("utf-8-sig", "replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None or len(match["digest"]) != ALGORITHMS[algorithm]:
            yield "", None, line
        else:
            yield match["digest"].lower(), _place(match["path"], contents), match["path"]


def _place(named: str, contents: Contents) -> str | None:
    """The file that a line means: its path counts from ``metadata/``, from ``objects/`` or from the root."""
    path = named
    while path.startswith(("./", "../")):
        path = path.partition("/")[2]
    for candidate in (path, path.removeprefix("objects/"), f"objects/{path}"):
        if candidate in contents.files:
            return candidate
    return None
