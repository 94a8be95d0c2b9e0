"""Files of backups: written whole or not at all."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from deposit.staging import files

Say = Callable[[str], None]


class BackupError(Exception):
    """Why there is no backup or no restore, and what to do."""


def write_durably(target: Path, content: bytes | Iterator[bytes], *, sha256: str | None = None) -> None:
    """A new file, whole or not at all; with ``sha256``, only if it has that digest."""
    half = target.with_name(f".{target.name}.new")
    digest = hashlib.sha256()
    with half.open("wb") as file:
        for chunk in [content] if isinstance(content, bytes) else content:
            file.write(chunk)
            if sha256:
                digest.update(chunk)
        file.flush()
        os.fsync(file.fileno())
    if sha256 and digest.hexdigest() != sha256:
        half.unlink()
        raise BackupError(f"{target.name} is damaged: its bytes are not what its name says.")
    half.replace(target)
    files.sync_directory(target.parent)
