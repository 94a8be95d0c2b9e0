"""The register of package cases: one line each, with the verdict it must get.

A case is made by a function that returns the bytes of a package; the catalogue in the documentation is generated from
this register, and every code of the reader must have a case here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from packages import Limits

ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Case:
    """``verdict`` is ACCEPTED or a code; ``members`` are the paths that an accepted package must have.

    ``warnings`` are the codes of what is told of an accepted package.
    """

    name: str
    about: str
    verdict: str
    build: Callable[[], bytes]
    limits: Limits
    members: tuple[bytes, ...] | None
    warnings: tuple[str, ...]


CASES: dict[str, Case] = {}


def case(
    verdict: str,
    about: str,
    *,
    members: tuple[bytes, ...] | None = None,
    limits: Limits | None = None,
    warnings: tuple[str, ...] = (),
) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Register the decorated function as a case under its own name."""

    def register(build: Callable[[], bytes]) -> Callable[[], bytes]:
        name = build.__name__.replace("_", "-")
        assert name not in CASES, name
        CASES[name] = Case(name, about, verdict, build, limits or Limits(), members, warnings)
        return build

    return register
