"""What is made of sources by compilers and packagers, and is no source itself: by name, place and first bytes."""

import re
from typing import Final

_NAMES = re.compile(
    rb"(?i).*\.(?:o|obj|a|lib|so(?:\.\d+)*|dylib|dll|exe|com|msi|ko|elf|class|jar|war|ear|aar|apk|aab|ipa|dex|pyc|pyo"
    rb"|pyd|whl|egg|gem|nupkg|deb|rpm|dmg|beam|hi|cm[ioxa]|cmxa|rlib|rmeta|wasm|pdb|ilk|gch|pch|lo|la|min\.js|min\.css)"
    rb"|a\.out|core\.\d+"
)
_FOLDERS: Final = frozenset(
    {
        b"__pycache__",
        b"node_modules",
        b".tox",
        b".venv",
        b".gradle",
        b".mypy_cache",
        b".pytest_cache",
        b".eggs",
    }
)
# ELF, Windows and DOS programs, Mach-O (four forms, and the one for several machines), Java classes, WebAssembly, ar.
_PROGRAMS: Final = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\0asm",
    b"!<arch>\n",
    b"dey\n",
)
START: Final = 64
"""How many of a file's first bytes tell."""


def is_product_name(name: bytes) -> bool:
    """Whether a file of this name is a build product."""
    return _NAMES.fullmatch(name) is not None


def is_product_folder(path: bytes) -> bool:
    """Whether the folder at this path is one that tools make and fill."""
    return path.rpartition(b"/")[2] in _FOLDERS


def in_product_folder(path: bytes) -> bool:
    """Whether a file lies in a folder that tools make and fill."""
    return not _FOLDERS.isdisjoint(path.split(b"/")[:-1])


def is_program(start: bytes) -> bool:
    """Whether a file that begins with these bytes is a program or compiled code."""
    if start.startswith(b"MZ"):
        # A text may begin so, too; a program has a header with zeros in it.
        return b"\0" in start[2:START]
    return start.startswith(_PROGRAMS)
