"""How templates show deposits."""

from datetime import datetime, timedelta

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from dashboard.labels import OUTCOMES, STATUS_LABELS, WORK_STATES
from dashboard.sizes import size_in_words
from deposit.models import Deposit

register = template.Library()


@register.filter
def status(value: str) -> SafeString:
    """A status as a word on its colour."""
    return format_html('<span class="status {}">{}</span>', value, STATUS_LABELS.get(value, value))


@register.filter
def work_state(value: str) -> str:
    """Where a piece of work stands, in words."""
    return str(WORK_STATES.get(value, value))


@register.filter
def name_of(deposit: Deposit) -> str:
    """What people call a deposit: its title, else its package, else its external identifier."""
    return (
        deposit.title
        or deposit.package_name
        or deposit.external_id
        or _("Deposit %(number)s") % {"number": deposit.pk}
    )


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A moment, to the second, for people and machines."""
    if value is None:
        return ""
    return format_html(
        '<time datetime="{}" class="nowrap">{}</time>', value.isoformat(), f"{value:%Y-%m-%d %H:%M:%S}"
    )


@register.filter
def duration(value: timedelta | None) -> str:
    """A length of time in at most two units: 120 ms, 3.4 s, 5 min 2 s, 3 h 20 min, 2 d 4 h."""
    if value is None:
        return ""
    seconds = value.total_seconds()
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 60:
        return f"{number_format(seconds, 1)} s"
    for unit, size, smaller, part in (("min", 60, "s", 1), ("h", 3600, "min", 60), ("d", 86400, "h", 3600)):
        if seconds < size * (60 if unit == "min" else 24) or unit == "d":
            whole, rest = divmod(int(seconds), size)
            return f"{whole} {unit} {rest // part} {smaller}"
    raise AssertionError


@register.filter
def short_swhid(value: str | None) -> str:
    """An identifier that still fits into a table."""
    return "" if not value else f"{value[:17]}…"


@register.filter
def said(sentence: str) -> SafeString:
    """A sentence whose commands, which it has in backticks, stand out and can be copied."""
    pieces = sentence.split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", piece) if odd else piece,) for odd, piece in _odd(pieces))
    )


def _odd(pieces: list[str]) -> list[tuple[bool, str]]:
    return [(number % 2 == 1, piece) for number, piece in enumerate(pieces)]


@register.filter
def percent(share: float) -> str:
    """A share from 0 to 1, rounded (``number_format`` alone cuts the rest off)."""
    return f"{number_format(round(100 * share, 1), 1)} %"


@register.filter
def size(value: float | None) -> str:
    """A number of bytes."""
    return size_in_words(value)


@register.filter
def seconds(value: float) -> str:
    """A length of time that was counted in whole seconds."""
    return "< 1 s" if value < 1 else duration(timedelta(seconds=value))


@register.filter
def outcome(value: str) -> SafeString:
    """What reading a pack showed, as a word in its colour."""
    return format_html('<span class="outcome {}">{}</span>', value, OUTCOMES.get(value, value))
