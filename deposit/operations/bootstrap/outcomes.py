"""What a bootstrap says of each thing that it looked at."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What became of a thing; with ``--check``, what would."""

    KEPT = "as it was"
    MADE = "made"
    CHANGED = "changed"
    WOULD_MAKE = "would be made"
    WOULD_CHANGE = "would be changed"
    LACKS = "lacks"


LACKING = frozenset({State.WOULD_MAKE, State.WOULD_CHANGE, State.LACKS})


@dataclass(frozen=True)
class Outcome:
    """One line of the report."""

    subject: str
    state: State
    note: str = ""
    # Shown once, on the terminal only, and kept nowhere.
    password: str = ""


class BootstrapFailed(Exception):
    """Why a bootstrap cannot go on, and what to do."""
