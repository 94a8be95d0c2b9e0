"""The qualified SWHID that a deposit will get, computed offline (ISO/IEC 18670, section 6).

Origin, release and, for a new origin, snapshot follow swh-deposit's rules, as this project's server keeps them. The
release names the number of the deposit: without it there is no anchor.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from client.metadata import Metadata
from client.trees import git_object

AUTHOR = "Software Heritage <robot@softwareheritage.org>"
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?)?)?(Z|[+-]\d\d:\d\d)?", re.ASCII
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """What the release of a deposit is made of. ``date`` is aware; ``notes`` the first releaseNotes, or ""."""

    deposit_id: int
    client: str
    collection: str
    version: str
    date: datetime
    notes: str = ""
    author: str = AUTHOR

    def digest(self, directory: str) -> bytes:
        """Its identifier, with the SWHID of the directory that it is of."""
        message = f"{self.client}: Deposit {self.deposit_id} in collection {self.collection}"
        if self.notes:
            message += f"\n\n{self.notes}"
        lines = [
            f"object {directory.rpartition(':')[2]}",
            "type tree",
            f"tag {self.version}",
            f"tagger {self.author} {_stamp(self.date)}",
        ]
        text = "\n".join(line.replace("\n", "\n ") for line in lines)
        text += f"\n\n{message}"
        return git_object(b"tag", (text if text.endswith("\n") else text + "\n").encode())


def _stamp(moment: datetime) -> str:
    offset = moment.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    seconds = int(moment.astimezone(UTC).replace(microsecond=0).timestamp())
    number = f"{seconds}.{moment.microsecond:06}".rstrip("0") if moment.microsecond else str(seconds)
    return f"{number} {'-' if minutes < 0 else '+'}{hours:02}{rest:02}"


def only_snapshot(version: str, release: bytes) -> bytes:
    """The identifier of the snapshot of an origin that has this release and no other."""
    kept = re.sub(r"[^\w\s.-]", "", version.lower())
    branch = b"deposit/" + re.sub(r"[-\s]+", "-", kept).strip("-_.").encode()
    branches = [(b"alias", b"HEAD", branch), (b"release", branch, release)]
    lines = (b"%s %s\0%d:%s" % (kind, name, len(value), value) for kind, name, value in branches)
    return git_object(b"snapshot", b"".join(lines))


def release_date(document: Metadata) -> datetime | None:
    """The date that the release gets from the metadata; None where they name none: then it is that of the deposit."""
    texts = [document.date_created, document.codemeta.get("dateCreated")]
    texts += [document.date_published, document.codemeta.get("datePublished")]
    return next((date for text in texts if text and (date := _date(str(text)))), None)


def _date(text: str) -> datetime | None:
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        return datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "")[:6].ljust(6, "0")),
            tzinfo=_zone(zone),
        )
    except ValueError:
        return None


def _zone(text: str | None) -> timezone:
    if text in (None, "Z"):
        return UTC
    assert text is not None
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def qualified(directory: str, *, origin: str, release: Release | None, is_new: bool) -> str:
    """The SWHID with its context, as far as it is known; ``is_new``: the origin has no other deposit."""
    told = directory + (f";origin={origin}" if origin else "")
    if release is None:
        return told + (";path=/" if origin else "")
    digest = release.digest(directory)
    if is_new:
        told += f";visit=swh:1:snp:{only_snapshot(release.version, digest).hex()}"
    return f"{told};anchor=swh:1:rel:{digest.hex()};path=/"
