"""The judgements of ``manage.py check_deposit``, in the words and numbers of a Nagios or Icinga plugin.

https://www.monitoring-plugins.org/doc/guidelines.html: one line, ``|``, performance data; exit code 0 to 3.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import urlsplit

from deposit.monitoring.heartbeats import SCHEDULER, Worker, alive
from deposit.monitoring.snapshot import Figures


class State(IntEnum):
    """How it is; the number is the plugin's exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """One thing that was looked at. ``value`` with its limits becomes performance data; ``words`` say what is amiss."""

    state: State
    words: str
    label: str = ""
    value: float = 0.0
    unit: str = ""
    limits: tuple[float | None, float | None] = (None, None)

    def performance(self) -> str:
        """``'label'=value[unit];warning;critical;0``."""
        warning, critical = ("" if limit is None else f"{limit:.10g}" for limit in self.limits)
        return f"'{self.label}'={self.value:.10g}{self.unit};{warning};{critical};0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """When to warn and when to call: (warning, critical)."""

    waiting_seconds: tuple[float, float] = (600, 1800)
    free_percent: tuple[float, float] = (10, 5)
    certificate_days: tuple[float, float] = (21, 7)
    round_trip_seconds: tuple[float, float] = (30, 60)
    fixity_days: tuple[float, float] = (45, 90)


def too_high(label: str, value: float, limits: tuple[float, float], words: str, unit: str = "") -> Judgement:
    """Judge a value that should stay below its limits."""
    state = State.CRITICAL if value >= limits[1] else State.WARNING if value >= limits[0] else State.OK
    return Judgement(state=state, words=words, label=label, value=value, unit=unit, limits=limits)


def too_low(label: str, value: float, limits: tuple[float, float], words: str, unit: str = "") -> Judgement:
    """Judge a value that should stay above its limits."""
    state = State.CRITICAL if value <= limits[1] else State.WARNING if value <= limits[0] else State.OK
    return Judgement(state=state, words=words, label=label, value=value, unit=unit, limits=limits)


def judge_figures(figures: Figures, limits: Limits) -> Iterator[Judgement]:
    """Queues, dispatcher, archive and disks."""
    for status, waiting in figures.waiting.items():
        words = f"{waiting.number} {status}, the oldest for {waiting.oldest:.0f} s"
        yield too_high(f"oldest_{status}", waiting.oldest, limits.waiting_seconds, words, "s")
    yield Judgement(
        state=State.OK if figures.has_dispatcher else State.CRITICAL,
        words="no dispatcher runs: nothing is checked or loaded",
        label="dispatcher",
        value=figures.has_dispatcher,
    )
    yield too_high(
        "damaged_packs", figures.damaged_packs, (1, 1), f"{figures.damaged_packs} packs are damaged"
    )
    if figures.fixity_age is not None and figures.packs:
        days = figures.fixity_age / 86400
        words = f"the last fixity check was {days:.0f} days ago"
        yield too_high("fixity_age", figures.fixity_age, _in_seconds(limits.fixity_days), words, "s")
    for folder, space in figures.space.items():
        percent = 100 * space.free / space.total if space.total else 0.0
        words = f"{percent:.1f} % of the disk of {folder} is free"
        yield too_low(f"free_{folder}", percent, limits.free_percent, words, "%")


def judge_workers(workers: Sequence[Worker], queues: Iterable[str]) -> Iterator[Judgement]:
    """Whether somebody takes work from each queue, and somebody orders what is to be done regularly.

    A worker that was stopped is missed at once, one that died or hangs after a minute (see `heartbeats`).
    """
    for queue in queues:
        number = alive(workers, queue)
        yield Judgement(
            state=State.OK if number else State.CRITICAL,
            words=f"no worker takes work from the queue {queue}: start deposit-worker@{queue}",
            label=f"workers_{queue}",
            value=number,
        )
    # Told only of one that was there: a service may be younger than its first order.
    for one in workers:
        if one.name == SCHEDULER:
            state = State.OK if one.is_alive else State.CRITICAL
            words = "the scheduler orders nothing: start deposit-scheduler"
            yield Judgement(state=state, words=words, label="scheduler", value=one.is_alive)


def _in_seconds(days: tuple[float, float]) -> tuple[float, float]:
    return days[0] * 86400, days[1] * 86400


def judge_certificate(url: str, limits: Limits, *, now: float | None = None) -> Judgement | None:
    """How long the TLS certificate of ``url`` is good; None for plain HTTP."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), timeout=15) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            certificate = secure.getpeercert() or {}
    except OSError as error:
        return Judgement(state=State.CRITICAL, words=f"no TLS with {parts.hostname}: {error}")
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = (ends - (time.time() if now is None else now)) / 86400
    words = f"the certificate of {parts.hostname} ends in {days:.0f} days"
    return too_low("certificate_days", days, limits.certificate_days, words)


def report(judgements: Iterable[Judgement], well: str) -> tuple[State, str]:
    """The plugin's answer: the worst state, and the line that it prints."""
    found = list(judgements)
    order = (State.OK, State.UNKNOWN, State.WARNING, State.CRITICAL)
    worst = max((each.state for each in found), key=order.index, default=State.OK)
    amiss = sorted((each for each in found if each.state), key=lambda each: -order.index(each.state))
    words = "; ".join(each.words for each in amiss) or well
    # A bar would end the text, and a line break the answer.
    words = " ".join(words.replace("|", "/").split())
    data = " ".join(each.performance() for each in found if each.label)
    return worst, f"DEPOSIT {worst.name} - {words}" + (f" | {data}" if data else "")
