"""Plots, and the tables that say the same: series of values over days or weeks, for ``static/dashboard/plots.js``."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.utils.functional import Promise

from dashboard.sizes import UNITS

Word = str | Promise


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a plot: its name, its colour (a variable of the style sheet), and a value per day."""

    label: Word
    colour: str
    values: Sequence[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plot:
    """A plot; ``scale`` divides values for the axis, ``shown`` writes one for people, ``total`` is said above it."""

    name: str
    title: Word
    days: Sequence[date]
    series: Sequence[Series]
    shown: Callable[[Any], str] = str
    scale: float = 1.0
    is_weekly: bool = False
    total: Word = ""

    @property
    def rows(self) -> Iterator[tuple[date, list[str]]]:
        """The table, the newest day first."""
        columns = [one.values for one in self.series]
        for day, *values in reversed(list(zip(self.days, *columns, strict=True))):
            yield day, [self.shown(value) for value in values]

    def drawn(self) -> dict[str, Any]:
        """What the script draws from: ``x`` in seconds since 1970."""
        return {
            "x": [int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) for day in self.days],
            "series": [
                {
                    "label": str(one.label),
                    "colour": one.colour,
                    "values": [round(value / self.scale, 3) for value in one.values],
                }
                for one in self.series
            ],
        }


# For things that mean nothing in themselves, such as collections.
PALETTE = ("busy", "warn", "good", "violet", "bad")


def draw(plots: Sequence[Plot]) -> dict[str, Any]:
    """All plots of a page by name, for ``json_script``."""
    return {plot.name: plot.drawn() for plot in plots}


def in_bytes(series: Sequence[Sequence[float]]) -> tuple[float, str]:
    """The unit that the largest of these sizes is best told in, and how many bytes it has."""
    return _unit(series, UNITS, (1, "B"))


def in_time(series: Sequence[Sequence[float]]) -> tuple[float, str]:
    """The unit that the longest of these times is best told in, and how many seconds it has."""
    return _unit(series, ((2 * 86400, "d"), (2 * 3600, "h"), (120, "min")), (1, "s"))


def _unit(
    series: Sequence[Sequence[float]], units: Sequence[tuple[float, str]], smallest: tuple[float, str]
) -> tuple[float, str]:
    most = max((value for values in series for value in values), default=0)
    size, name = next((unit for unit in units if most >= unit[0]), smallest)
    return _LENGTHS.get(name, size), name


# Times are told in a unit once there are two of it.
_LENGTHS = {"d": 86400.0, "h": 3600.0, "min": 60.0}
