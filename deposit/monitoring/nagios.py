"""The results of ``manage.py check_deposit``, in the words and numbers of a Nagios or Icinga plugin.

https://www.monitoring-plugins.org/doc/guidelines.html: one line, ``|``, performance data; exit code 0 to 3.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import urlsplit

from deposit.monitoring.alerts import ERROR, alerts
from deposit.monitoring.heartbeats import alive
from deposit.monitoring.processes import required_queues, scheduler_of
from deposit.monitoring.snapshot import OpenWork, Snapshot
from deposit.monitoring.thresholds import Thresholds


class State(IntEnum):
    """How it is; the number is the plugin's exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckResult:
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
    """What only this plugin looks at: (warning, critical)."""

    certificate_days: tuple[float, float] = (21, 7)
    round_trip_seconds: tuple[float, float] = (30, 60)


def too_high(
    label: str, value: float, limits: tuple[float, float], words: str, unit: str = ""
) -> CheckResult:
    """Judge a value that should stay below its limits."""
    state = State.CRITICAL if value >= limits[1] else State.WARNING if value >= limits[0] else State.OK
    return CheckResult(state=state, words=words, label=label, value=value, unit=unit, limits=limits)


def too_low(label: str, value: float, limits: tuple[float, float], words: str, unit: str = "") -> CheckResult:
    """Judge a value that should stay above its limits."""
    state = State.CRITICAL if value <= limits[1] else State.WARNING if value <= limits[0] else State.OK
    return CheckResult(state=state, words=words, label=label, value=value, unit=unit, limits=limits)


def check_snapshot(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[CheckResult]:
    """The alerts of `deposit.monitoring.alerts` in this form, and what was measured as performance data."""
    for alert in alerts(snapshot, thresholds):
        state = State.CRITICAL if alert.severity == ERROR else State.WARNING
        yield CheckResult(state=state, words=f"{alert.sentence.replace('`', '')} [{alert.code}]")
    yield from _measured(snapshot, thresholds)


def _measured(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[CheckResult]:
    for status, waiting in snapshot.waiting.items():
        yield _data(f"oldest_{status}", waiting.oldest, "s")
    yield _data("dispatcher", snapshot.has_dispatcher)
    yield _data("damaged_packs", snapshot.damaged_packs, "", (1, 1))
    warning, critical = thresholds.fixity_days
    yield _data("fixity_age", snapshot.unread, "s", (warning * 86400, critical * 86400))
    for area, space in snapshot.space.items():
        yield _data(f"free_{area}", space.free_percent, "%", thresholds.free_percent)
    for queue in required_queues(snapshot.queues):
        work = snapshot.queues.get(queue.name, OpenWork())
        yield _data(f"waiting_{queue.name}", max(0.0, work.idle), "s", thresholds.waiting_seconds)
        yield _data(f"workers_{queue.name}", alive(snapshot.workers, queue.name))
    for name in snapshot.processes:
        yield _data(f"process_{name}", alive(snapshot.workers, name))
    scheduler = scheduler_of(snapshot.workers)
    yield _data("scheduler", bool(scheduler and scheduler.is_alive))


def _data(
    label: str, value: float, unit: str = "", limits: tuple[float | None, float | None] = (None, None)
) -> CheckResult:
    return CheckResult(state=State.OK, words="", label=label, value=value, unit=unit, limits=limits)


def check_certificate(url: str, limits: Limits, *, now: float | None = None) -> CheckResult | None:
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
        return CheckResult(state=State.CRITICAL, words=f"no TLS with {parts.hostname}: {error}")
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = (ends - (time.time() if now is None else now)) / 86400
    words = f"the certificate of {parts.hostname} ends in {days:.0f} days"
    return too_low("certificate_days", days, limits.certificate_days, words)


def report(results: Iterable[CheckResult], well: str) -> tuple[State, str]:
    """The plugin's answer: the worst state, and the line that it prints."""
    found = list(results)
    order = (State.OK, State.UNKNOWN, State.WARNING, State.CRITICAL)
    worst = max((each.state for each in found), key=order.index, default=State.OK)
    amiss = sorted((each for each in found if each.state), key=lambda each: -order.index(each.state))
    words = "; ".join(each.words for each in amiss) or well
    # A bar would end the text, and a line break the answer.
    words = " ".join(words.replace("|", "/").split())
    data = " ".join(each.performance() for each in found if each.label)
    return worst, f"DEPOSIT {worst.name} - {words}" + (f" | {data}" if data else "")
