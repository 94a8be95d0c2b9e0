"""Sizes as people read them: one unit everywhere, the powers of 1024 under their own names (IEC 80000-13)."""

from django.utils.formats import number_format
from django.utils.translation import ngettext

UNITS = ((1024.0**4, "TiB"), (1024.0**3, "GiB"), (1024.0**2, "MiB"), (1024.0, "KiB"))


def size_in_words(size: float | None) -> str:
    """A number of bytes, with one decimal from a KiB on."""
    number = size or 0
    for unit, name in UNITS:
        # What would be rounded to 1024 of a unit is one of the next.
        if number >= unit * (1023.95 / 1024 if unit > 1024 else 1):
            return f"{number_format(round(number / unit, 1), 1)} {name}"
    return ngettext("%(number)d byte", "%(number)d bytes", int(number)) % {"number": int(number)}
