"""What a rule finds, before its place is written out: many may be found, few are shown."""

from dataclasses import dataclass

from lxml import etree

from deposit.findings import Area, Finding
from deposit.metadata.catalogue import RULES
from deposit.metadata.places import Places


@dataclass(frozen=True, slots=True)
class Found:
    """A broken rule of the catalogue, where (an element, or words where no element exists), and its
    values.
    """

    code: str
    where: etree._Element | str
    values: dict[str, str]

    @classmethod
    def of(cls, code: str, where: etree._Element | str, **values: str) -> "Found":
        """Found with its values as keywords."""
        return cls(code, where, values)

    def finding(self, places: Places) -> Finding:
        """The finding as everyone else knows it."""
        rule = RULES[self.code]
        return Finding(
            code=self.code,
            area=Area.METADATA,
            subject=self.where if isinstance(self.where, str) else places.place(self.where),
            message=rule.message.format(**self.values),
            severity=rule.severity,
        )
