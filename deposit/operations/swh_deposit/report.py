"""What a run did, and every row that it could not take, with the reason."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One row of the other server that was not taken, or not wholly. ``taken``: whether the row itself is here."""

    kind: str
    id: int | str
    reason: str
    taken: bool = False


@dataclass(kw_only=True, slots=True)
class Report:
    """Counts by what was done (``deposits created``), and the lines; in the order in which they came."""

    dry_run: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    lines: list[Line] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        """Add to a count."""
        self.counts[what] += number

    def refuse(self, kind: str, row: int | str, reason: str) -> None:
        """A row that stays behind."""
        self.lines.append(Line(kind=kind, id=row, reason=reason))
        self.counts[f"{kind}s not taken"] += 1

    def remark(self, kind: str, row: int | str, reason: str) -> None:
        """A row that was taken, but not as it was."""
        self.lines.append(Line(kind=kind, id=row, reason=reason, taken=True))

    @property
    def is_whole(self) -> bool:
        """Whether nothing stayed behind."""
        return all(line.taken for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "dry_run": self.dry_run,
            "counts": dict(sorted(self.counts.items())),
            "rows": [asdict(line) for line in self.lines],
        }
