"""From a work folder to the archive that is sent: unpack, judge, describe, sign, pack."""

import os
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings

from loader.destinations.preservation_service.contents import (
    check_extensions,
    read_files,
    unpack_archives,
)
from loader.destinations.preservation_service.description import PremisEvent, SipDescription
from loader.destinations.preservation_service.documents import read_lido
from loader.destinations.preservation_service.mets import Contract, write_mets
from loader.destinations.preservation_service.signing import sign
from loader.destinations.preservation_service.workdir import WorkDir


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltSip:
    """A finished archive: where, how many files it holds beside METS and signature, and bytes."""

    path: Path
    files: int
    size: int


def build_sip(
    work: WorkDir,
    description: SipDescription,
    contract: Contract,
    key_file: Path,
    *,
    alive: Callable[[], None] = lambda: None,
) -> BuiltSip:
    """Make the SIP of a work folder; what an earlier attempt left is made anew.

    ``alive`` is called as the work moves on; what it raises stops it. Raises NotPreservable, SigningError, OSError.
    """
    work.make()
    work.clear_workspace()
    extracted = unpack_archives(work, alive)
    check_extensions(work)
    unpacking = tuple(_unpacking(path, extracted[path]) for path in sorted(extracted))
    told = replace(description, events=description.events + unpacking)
    mets = work.workspace / "mets.xml"
    written = write_mets(mets, told, contract, read_files(work, alive), read_lido(work.reports / "lido.xml"))
    work.log("premis-event", f"{written.events} events")
    work.log("compile-structmap", f"{written.files} files")
    work.log("compile-mets", f"{written.files} files, {mets.stat().st_size} bytes")
    signature = work.workspace / "signature.sig"
    sign(mets, signature, key_file, digest=settings.SIP_SIGN_DIGEST)
    work.log("sign-mets", f"signed with {key_file}")
    mets.replace(work.sip / "mets.xml")
    signature.replace(work.sip / "signature.sig")
    target = work.path / description.filename
    _pack(work.sip, target, alive)
    work.log("compress", f"{target.name}: {target.stat().st_size} bytes")
    return BuiltSip(path=target, files=written.files, size=target.stat().st_size)


def _unpacking(path: str, when: object) -> PremisEvent:
    name = path.rpartition("/")[2]
    return PremisEvent(
        type="decompression",
        detail="Archive extraction",
        outcome_detail=f"Extracted from original archive {name} downloaded from MuseumPlus",
        when=when,  # type: ignore[arg-type]
        target=path,
    )


def _pack(folder: Path, target: Path, alive: Callable[[], None]) -> None:
    """A tar archive of all files below ``folder``, durable before it has its name."""
    half = target.with_name(target.name + ".new")
    with tarfile.open(half, "w", format=tarfile.GNU_FORMAT) as archive:
        for parent, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                alive()
                path = Path(parent, name)
                archive.add(path, path.relative_to(folder).as_posix(), recursive=False)
                archive.members.clear()  # type: ignore[attr-defined]  # tarfile remembers each, for readers
    with half.open("rb") as file:
        os.fsync(file.fileno())
    half.replace(target)
