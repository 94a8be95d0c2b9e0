"""The verdicts of the service, as it leaves them on its SFTP server: a folder a day, one a SIP, a report in two forms.

``<accepted|rejected>/<YYYY-MM-DD>/<SIP>/<transfer>-ingest-report.{xml,html}``, relative to where one logs in.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lxml import etree

from deposit.metadata.errors import MetadataError
from deposit.metadata.xml import parse_as_sent
from loader.destinations.preservation_service.namespaces import PREMIS
from loader.sftp import Sftp

ACCEPTED, REJECTED = "accepted", "rejected"
_ENDING = "-ingest-report.xml"
_MAX_REPORT = 64 * 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the service decided about a SIP. ``place``: the report, without its ending, on the server."""

    sip: str
    status: str
    transfer: str
    at: datetime
    place: str


def verdicts(sftp: Sftp, days: int, known: Collection[str], today: datetime | None = None) -> list[Verdict]:
    """The newest verdict on each SIP of the last ``days`` days, today included; ``known`` SIPs are left out."""
    newest: dict[str, Verdict] = {}
    now = today or datetime.now(UTC)
    wanted = {(now - timedelta(days=back)).strftime("%Y-%m-%d") for back in range(days)}
    for status in (ACCEPTED, REJECTED):
        for day in sorted(wanted.intersection(sftp.names(status))):
            for verdict in _of_a_day(sftp, status, day, known):
                before = newest.get(verdict.sip)
                if before is None or verdict.at > before.at:
                    newest[verdict.sip] = verdict
    return list(newest.values())


def fetch_reports(sftp: Sftp, verdict: Verdict, folder: Path) -> None:
    """Write both forms of a report to ``folder`` as ``ingest-report.xml`` and ``.html``; some SIPs have no HTML."""
    folder.mkdir(parents=True, exist_ok=True)
    sftp.fetch(f"{verdict.place}.xml", folder / "ingest-report.xml")
    try:
        sftp.fetch(f"{verdict.place}.html", folder / "ingest-report.html")
    except FileNotFoundError:
        (folder / "ingest-report.html").unlink(missing_ok=True)


def remove_rejected(sftp: Sftp, verdict: Verdict) -> None:
    """Remove what the service kept of a SIP that it rejected; the reports stay."""
    sftp.remove(f"{verdict.place.rpartition('/')[0]}/{verdict.sip}")


def complaints(report: Path) -> list[str]:
    """What a report (PREMIS) says went wrong: the notes of events that did not succeed; empty if it cannot be read."""
    try:
        root = parse_as_sent(report.read_bytes(), max_size=_MAX_REPORT)
    except (OSError, MetadataError):
        return []
    return [
        f"{_text(event, 'eventType')}: {_text(event, 'eventOutcomeDetailNote')}"
        for event in root.iter(f"{{{PREMIS}}}event")
        if _text(event, "eventOutcome") not in ("success", "")
    ]


def _of_a_day(sftp: Sftp, status: str, day: str, known: Collection[str]) -> Iterator[Verdict]:
    for sip in sftp.names(f"{status}/{day}"):
        if sip in known:
            continue
        folder = f"{status}/{day}/{sip}"
        for name in sftp.names(folder):
            if name.endswith(_ENDING):
                at = datetime.fromtimestamp(sftp.modified(f"{folder}/{name}"), UTC)
                yield Verdict(
                    sip=sip,
                    status=status,
                    transfer=name.removesuffix(_ENDING),
                    at=at,
                    place=f"{folder}/{name.removesuffix('.xml')}",
                )


def _text(event: etree._Element, name: str) -> str:
    found = event.find(f".//{{{PREMIS}}}{name}")
    return "" if found is None else " ".join("".join(map(str, found.itertext())).split())
