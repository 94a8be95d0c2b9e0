"""Judging a package by a profile, inside of the confined reader: names and small files in, findings out."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from checker.profiles import PROFILES
from client.transfer_package.contents import MAX_SMALL_FILE, Contents, is_read
from client.transfer_package.options import Options
from packages import Kind, Limits, Member, open_package

EXAMINER = "checker.profiles.examiner:ProfileExaminer"


def text_of(path: bytes) -> str:
    """A member's path as the rules compare it; what is not UTF-8 stays distinct."""
    return path.decode("utf-8", "backslashreplace")


class ProfileExaminer:
    """Collects what the rules of the profile ``arguments["profile"]`` look at."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._rules = PROFILES[arguments["profile"]]
        self._options = Options.of(arguments["options"])
        self._files: dict[str, int] = {}
        self._folders: set[str] = set()
        self._small: dict[str, bytes] = {}

    def see(self, member: Member) -> None:
        """Note a member, and read it if it is a small file that a rule looks into."""
        path = text_of(member.path)
        if member.kind is Kind.DIRECTORY:
            self._folders.add(path)
            return
        self._files[path] = member.size
        if member.kind is Kind.FILE and is_read(path) and member.size <= MAX_SMALL_FILE:
            self._small[path] = member.read()

    def finish(self, path: Path, limits: Limits) -> dict[str, Any]:
        """Findings, identifier and title, as JSON."""
        contents = Contents(files=self._files, folders=frozenset(self._folders), small=self._small)
        wanted = self._rules.wanted_digests(contents)
        if wanted:
            contents = Contents(
                files=self._files,
                folders=contents.folders,
                small=self._small,
                digests=_digests(path, limits, wanted),
            )
        return {
            "findings": [asdict(finding) for finding in self._rules.judge(contents, self._options)],
            "identifier": self._rules.identifier(contents, self._options),
            "title": self._rules.title(contents),
        }


def _digests(path: Path, limits: Limits, wanted: Any) -> dict[tuple[str, str], str]:
    """A second pass, because the checksum files may come after what they speak of."""
    found: dict[tuple[str, str], str] = {}
    with open_package(path, limits) as package:
        for member in package:
            name = text_of(member.path)
            if member.kind is not Kind.FILE or name not in wanted:
                continue
            hashes = {each: hashlib.new(each, usedforsecurity=False) for each in wanted[name]}
            for chunk in member.chunks():
                for each in hashes.values():
                    each.update(chunk)
            found |= {(algorithm, name): each.hexdigest() for algorithm, each in hashes.items()}
    return found
