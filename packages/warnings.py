"""Warnings: what the depositor should know of a package that is accepted all the same."""

from typing import NamedTuple

from packages.errors import printable

WARNINGS: dict[str, str] = {
    "package.warning.backslash": "The paths of a zip archive have backslashes as separators, and are read so.",
    "package.warning.build-product": "A program or build product, where the collection is for source code.",
    "package.warning.case": "Names differ only in capitals or in their Unicode form.",
    "package.warning.empty": "A file is empty, and a checksum file in the package says otherwise.",
    "package.warning.encoding": "Names are not UTF-8 and do not state their encoding.",
    "package.warning.end": "The tar archive has no end mark; only its compression says that it is whole.",
    "package.warning.lfs": "A file is a pointer of Git LFS; its content is elsewhere.",
    "package.warning.licence": "The package looks like software and has no licence file.",
    "package.warning.link": "A symbolic link leads to an absolute path.",
    "package.warning.nested": "The package holds one archive and nothing else but files of the system.",
    "package.warning.portable": "Some programs read a name otherwise: it has a backslash, or begins like a drive.",
    "package.warning.repeated": "A path comes more than once, each time with the same content.",
    "package.warning.secret": "A file looks like a private key, a password or a token.",
    "package.warning.special": "A device, FIFO or socket is archived as an empty file.",
    "package.warning.submodule": "The folder of a Git submodule is empty.",
    "package.warning.system-files": "Files that macOS or Windows put beside those of the depositor.",
    "package.warning.top-folder": "All is in one folder, or is not, where the collection prefers the other.",
}
"""Code -> what it means, in one line. A code, once published, never changes its meaning."""


class PackageWarning(NamedTuple):
    """A code of :data:`WARNINGS`, the first member concerned (safe to print) or "", and what to know or do."""

    code: str
    subject: str
    message: str


class Warnings:
    """The warnings on one package: one for each code, however many members it concerns."""

    def __init__(self) -> None:
        self._first: dict[str, PackageWarning] = {}
        self._more: dict[str, int] = {}

    def tell(self, code: str, subject: bytes | str, message: str) -> None:
        """Note a warning; of several with one code the first is kept, the others are counted."""
        if code in self._first:
            self._more[code] = self._more.get(code, 0) + 1
        else:
            self._first[code] = PackageWarning(code, printable(subject), message)

    def all(self) -> list[PackageWarning]:
        """The warnings in the order in which their codes came up; each tells how many others are like it."""
        return [
            warning._replace(message=f"{warning.message} This concerns {self._more[code]} more.")
            if code in self._more
            else warning
            for code, warning in self._first.items()
        ]
