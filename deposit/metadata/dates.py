"""Dates in metadata, as XML Schema writes them (XML Schema Part 2, sections 3.2.7, 3.2.9 to 3.2.11)."""

import re
from datetime import UTC, datetime, timedelta, timezone

# Year, year and month, day, or day and time, each with or without a zone of at most 14 hours.
_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,40}))?)?)?)?"
    r"(?P<zone>Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?",
    re.ASCII,
)


def parse_date(text: str | None) -> datetime | None:
    """Return the moment that ``text`` names, or None where it is no date.

    Missing parts are the earliest possible and a missing zone is UTC; the result is always aware, and its
    ``utcoffset()`` is the zone as written. Digits past microseconds are dropped. Years 1 to 9999.
    """
    match = _DATE.fullmatch((text or "").strip())
    if match is None:
        return None
    hour = int(match["hour"] or 0)
    end_of_day = hour == 24
    if end_of_day and (int(match["minute"]), int(match["second"]), int(match["fraction"] or 0)) != (0, 0, 0):
        return None
    try:
        moment = datetime(
            int(match["year"]),
            int(match["month"] or 1),
            int(match["day"] or 1),
            0 if end_of_day else hour,
            int(match["minute"] or 0),
            int(match["second"] or 0),
            int((match["fraction"] or "")[:6].ljust(6, "0")),
            tzinfo=_zone(match["zone"]),
        )
        moment = moment + timedelta(days=1) if end_of_day else moment
        # The first and last hours of the calendar have no name in UTC when a zone is added.
        moment.astimezone(UTC)
        return moment
    except (ValueError, OverflowError):
        return None


def is_day(text: str | None) -> bool:
    """Whether ``text`` is a whole day, with or without a zone (``xsd:date``)."""
    match = _DATE.fullmatch((text or "").strip())
    return (
        match is not None
        and match["day"] is not None
        and match["hour"] is None
        and parse_date(text) is not None
    )


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
