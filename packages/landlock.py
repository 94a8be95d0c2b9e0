"""Landlock: from now on this process opens nothing but what it needs to read one file; Linux 5.13 and newer.

It needs no privileges, and holds for root too. The kernel's own interface (landlock(7)) through three system calls: the
C library has no functions for them, and no library for Python that is kept up wraps them.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# How many rights on files each version of the interface knows; all are taken away.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_RIGHTS = 16
# From version 4: binding and connecting over TCP. From version 6: abstract sockets of, and signals to, others.
_TCP, _OTHERS = 0b11, 0b11
# What Python and the C library read on their way, whatever they import.
_SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/proc",
    "/dev/null",
    "/dev/urandom",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
)

# Folders that hold installed modules and nothing else.
_LIBRARIES = {"site-packages", "dist-packages"}


def read_only(*paths: Path) -> bool:
    """Let this process read the files at ``paths`` and the code that it runs, and nothing else; whether it took effect.

    Files that are open stay so. The kernel wants ``no_new_privs`` first.
    """
    version = _call(_CREATE_RULESET, None, 0, _ASK_VERSION) if sys.platform == "linux" else -1
    if version < 1:
        return False
    rights = (1 << _RIGHTS.get(version, _NEWEST_RIGHTS)) - 1
    taken = struct.pack("=QQQ", rights, _TCP if version >= 4 else 0, _OTHERS if version >= 6 else 0)
    # Older kernels refuse what is longer than they know, unless the rest is zero.
    rules = _call(_CREATE_RULESET, taken, len(taken), 0)
    if rules < 0:
        return False
    try:
        for place, allowed in (*((path, _reading(path)) for path in paths), *places()):
            _allow(rules, place, allowed)
        return _call(_RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


@cache
def places() -> tuple[tuple[Path, int], ...]:
    """What every reader may read, and how. Looked for once: call it in the process that forks them."""
    found = [place for place in dict.fromkeys((*_code(), *map(Path, _SYSTEM))) if place.exists()]
    return tuple((place, _reading(place)) for place in found)


def _reading(place: Path) -> int:
    return _READ_FILE | _READ_DIR if place.is_dir() else _READ_FILE


def _code() -> Iterator[Path]:
    """Where modules lie, in few places: each costs every reader a system call.

    Of a checkout its packages alone: beside them may be data, and secrets.
    """
    installed = {Path(place).resolve() for place in (sys.prefix, sys.base_prefix)}
    # Libraries of a virtual environment, too: the interpreter that forks readers knows nothing of it.
    installed |= {place for place in map(Path, sys.path) if place.name in _LIBRARIES}
    yield from installed
    for place in {Path(entry).resolve() for entry in sys.path if entry}:
        if not any(place.is_relative_to(one) for one in installed):
            yield from (found.parent for found in place.glob("*/__init__.py"))


def _allow(rules: int, place: Path, rights: int) -> None:
    with suppress(OSError):
        descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
        try:
            _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
        finally:
            os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    return int(_library().syscall(number, *arguments))


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None)
