"""What a profile consists of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from client.transfer_package.contents import Contents, Finding
from client.transfer_package.options import Options

# Path -> the algorithms of the digests that the profile wants of that file.
Digests = Mapping[str, frozenset[str]]


def no_digests(contents: Contents) -> Digests:
    """Of a profile that compares none."""
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """A profile: its name, its judgement, what identifies and titles a package, and the digests that it wants."""

    name: str
    judge: Callable[[Contents, Options], list[Finding]]
    identifier: Callable[[Contents, Options], str]
    title: Callable[[Contents], str]
    wanted_digests: Callable[[Contents], Digests] = no_digests
