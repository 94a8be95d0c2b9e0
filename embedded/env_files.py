"""The files of the embedded run: ``deposit.env`` for Django's settings, ``demo.env`` for scripts.

Both hold lines that a POSIX shell can read and only their owner may.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path


def read_env_file(path: Path) -> dict[str, str]:
    """The variables in a file that ``write_env_file`` wrote; empty when there is none."""
    if not path.exists():
        return {}
    words = shlex.split(path.read_text(), comments=True)
    return dict(word.split("=", 1) for word in words)


def write_env_file(path: Path, variables: Mapping[str, str], *, comment: str) -> None:
    """Write the file whole or not at all, readable by its owner alone."""
    lines = [f"# {comment}", *(f"{name}={shlex.quote(value)}" for name, value in variables.items()), ""]
    half = path.with_name(path.name + ".new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines))
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
