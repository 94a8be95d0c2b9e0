"""Secrets by reference: the record says where a key is (``env:NAME`` or ``file:PATH``), never what it is.

They are read where they are used, in the workers, each time anew: a key that was changed is used at once.
"""

import os
import re
from pathlib import Path

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/\S.*")
_MOST_BYTES = 64 * 1024


class SecretMissing(Exception):
    """There is no secret where the reference points; ``str()`` names the reference."""


def is_reference(text: str) -> bool:
    """Whether this is ``env:NAME`` or ``file:/absolute/path``."""
    return _REFERENCE.fullmatch(text) is not None


def read_secret(reference: str) -> str:
    """The secret. Raises `SecretMissing`."""
    kind, _, place = reference.partition(":")
    if kind == "env":
        value = os.environ.get(place, "")
    elif kind == "file":
        value = _read_file(reference, Path(place))
    else:
        raise SecretMissing(f"{reference!r} is no reference: write env:NAME or file:/path.")
    if not value.strip():
        raise SecretMissing(f"There is no key at {reference}.")
    return value.strip()


def _read_file(reference: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretMissing(f"The key at {reference} cannot be read: {error}.") from error
