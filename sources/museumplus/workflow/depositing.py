"""An object that was downloaded becomes a deposit of the museum's client: one package, one deposit."""

import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from deposit.metadata.minimal import entry_for
from deposit.models import Deposit
from deposit.services.parts import Package
from deposit.services.submission import submit, was_used
from deposit.staging.files import StagedFile
from deposit.staging.interface import Incoming
from deposit.staging.storage import remove, staging_file
from sources.museumplus.models import MuseumPackage
from sources.museumplus.setup import museum_client
from sources.museumplus.workflow import steps
from sources.museumplus.workflow.origin import SOURCE

_SIZE_LIMIT = 1 << 62
_NOT_CONTENT = {"mets.xml", "signature.sig"}


def deposit_package(package: MuseumPackage, alive: Callable[[], None]) -> Deposit:
    """Deposit what was downloaded for a package; the same package again is the same deposit.

    Raises Refusal, NotSetUp, OSError.
    """
    client, collection = museum_client()
    title = package.museum_object.title or f"Object {package.museum_object_id}"
    with staging_file(limit=_SIZE_LIMIT, client=client.pk) as staging:
        _pack(steps.work_dir(package.museum_object_id).sip, staging, alive)
        staged = staging.finish()
    content = Package(
        staged=staged, name=f"Object_{package.museum_object_id}.tar", content_type="application/x-tar"
    )
    deposit = submit(
        client=client,
        collection=collection,
        files=[content],
        entry=entry_for(title=title, author=collection.title or "Museum"),
        source=SOURCE,
        key=package.sip_filename,
    )
    _remove_unused(deposit, content, staged)
    return deposit


def _remove_unused(deposit: Deposit, content: Package, staged: StagedFile) -> None:
    if not was_used(deposit, content):
        remove([staged.stored_as])


class _Sink:
    """What tarfile writes to: the staging file."""

    def __init__(self, staging: Incoming, alive: Callable[[], None]) -> None:
        self._staging, self._alive = staging, alive

    def write(self, chunk: bytes) -> int:
        """Append a chunk."""
        self._alive()
        self._staging.write(chunk)
        return len(chunk)


def _pack(folder: Path, staging: Incoming, alive: Callable[[], None]) -> None:
    sink = cast(IO[bytes], _Sink(staging, alive))
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for parent, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                path = Path(parent, name)
                relative = path.relative_to(folder).as_posix()
                if relative not in _NOT_CONTENT and not name.endswith(".download"):
                    archive.add(path, relative, recursive=False)
                    archive.members.clear()  # type: ignore[attr-defined]  # tarfile remembers each, for readers
