"""Taking a bag (RFC 8493) apart: its payload becomes the objects, its strongest manifest their checksums.

So Archivematica verifies the digests that the depositor took, not only ours.
"""

import os
import re
import shutil
from pathlib import Path

from loader.destinations.archivematica.bundles.checksums import ALGORITHMS
from loader.destinations.archivematica.bundles.forms import is_junk
from loader.destinations.archivematica.bundles.unpacking import Unpacked

_LINE = re.compile(rb"([0-9a-fA-F]+)[ \t]+\*?(.+)")
_ENCODED = re.compile(rb"%(0[AaDd]|25)")


class IncompleteBag(Exception):
    """The bag's manifest does not list the files that it has; ``str()`` says what is wrong."""


def unbag(unpacked: Unpacked, metadata: Path) -> tuple[str, dict[bytes, str]]:
    """Lift ``data/`` to the top and put the tag files into the submission documentation.

    Returns the algorithm and the digests of the strongest manifest, by the new paths; ``unpacked`` is changed to what
    remains. Raises `IncompleteBag`; the digests themselves are compared by Archivematica.
    """
    algorithm, listed = _strongest(unpacked)
    payload = {path.removeprefix(b"data/") for path in unpacked.digests if path.startswith(b"data/")}
    _compare(payload, set(listed))
    bag = unpacked.folder.with_name(".bag")
    unpacked.folder.rename(bag)
    (bag / "data").rename(unpacked.folder)
    documents = metadata / "submissionDocumentation"
    for path in [path for path in unpacked.digests if not path.startswith(b"data/")]:
        target = documents / os.fsdecode(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        (bag / os.fsdecode(path)).rename(target)
    shutil.rmtree(bag)
    unpacked.digests = {
        path.removeprefix(b"data/"): digest
        for path, digest in unpacked.digests.items()
        if path.startswith(b"data/")
    }
    unpacked.size = sum(unpacked.file(path).stat().st_size for path in unpacked.digests)
    return algorithm, {path: listed[path] for path in unpacked.digests}


def _strongest(unpacked: Unpacked) -> tuple[str, dict[bytes, str]]:
    for algorithm in ALGORITHMS:
        for name in (f"manifest-{algorithm}.txt", f"manifest-{algorithm[:3]}-{algorithm[3:]}.txt"):
            if name.encode() in unpacked.digests:
                return algorithm, _read(unpacked.file(name.encode()).read_bytes())
    raise IncompleteBag("The bag has no payload manifest of a kind that Archivematica knows.")


def _read(manifest: bytes) -> dict[bytes, str]:
    listed: dict[bytes, str] = {}
    for line in re.split(rb"\r\n|\n|\r", manifest):
        if (read := _LINE.fullmatch(line)) is None:
            continue
        path = _ENCODED.sub(lambda match: bytes([int(match[1], 16)]), read[2]).removeprefix(b"./")
        if path.startswith(b"data/") and not is_junk(path):
            listed[path.removeprefix(b"data/")] = read[1].decode().lower()
    return listed


def _compare(payload: set[bytes], listed: set[bytes]) -> None:
    missing, unlisted = listed - payload, payload - listed
    if missing:
        raise IncompleteBag(f"The bag's manifest lists {len(missing)} files that the bag does not have.")
    if unlisted:
        raise IncompleteBag(f"{len(unlisted)} payload files of the bag stand in no manifest.")
