"""Visits of origins, as packs record them."""

import json
from datetime import datetime
from typing import NamedTuple

from archive.errors import Damaged
from archive.identifiers import SWHID, origin_id

VISIT = "visit/"


class VisitRecord(NamedTuple):
    """A visit as a pack records it."""

    origin: str
    date: datetime
    snapshot: SWHID
    type: str

    @property
    def name(self) -> str:
        """The member that holds it; the same visit has the same name."""
        return f"{VISIT}{origin_id(self.origin).hex()}/{self.date.timestamp():.6f}"

    def document(self) -> bytes:
        """The member's bytes."""
        fields = {
            "origin": self.origin,
            "date": self.date.isoformat(timespec="microseconds"),
            "type": self.type,
            "snapshot": str(self.snapshot),
        }
        return json.dumps(fields, indent=1).encode() + b"\n"

    @classmethod
    def parse(cls, document: bytes) -> "VisitRecord":
        """Read a member's bytes. Raises Damaged."""
        try:
            fields = json.loads(document)
            date = datetime.fromisoformat(fields["date"])
            return cls(fields["origin"], date, SWHID.parse(fields["snapshot"]), fields["type"])
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(f"A visit's record is broken: {document[:200]!r}.") from error
