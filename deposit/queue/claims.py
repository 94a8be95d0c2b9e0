"""The right to do one piece of work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class LeaseLost(Exception):
    """The worker's lease has passed, or the work has gone to another: it must drop what it does."""


class PutOff(LeaseLost):
    """The work takes long and others wait for its worker: it is done later, in the lane for heavy work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The right to do one piece of work until the lease passes. ``attempt`` counts from 1."""

    id: int
    kind: str
    key: str
    token: int
    attempt: int
    worker: str
    about: int | None = None
    share: int = 0
    heavy: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def deposit_id(self) -> int:
        """The number of the deposit that the work is about. Raises `ValueError` when it is about none."""
        if self.about is None:
            raise ValueError(f"{self} is not about a deposit.")
        return self.about

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
