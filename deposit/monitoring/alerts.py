"""What is wrong with the service, each in one sentence that says what to do about it. An empty list: all is well.

This is the one list. The overview, the JSON API, ``check_deposit`` (Nagios) and ``/metrics`` (Prometheus) show it and
judge nothing themselves, so that they cannot contradict each other; ``/readyz`` asks it whether uploads are refused.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from deposit.models import Status
from deposit.monitoring import provider_secret
from deposit.monitoring.heartbeats import SCHEDULER_SILENT_SECONDS
from deposit.monitoring.processes import Queue, is_read, required_queues, scheduler_of
from deposit.monitoring.snapshot import OpenWork, Snapshot, Space, read_snapshot
from deposit.monitoring.thresholds import Pair, Thresholds

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One thing that is wrong. ``severity`` is error or warning; ``status`` names the deposits it is about.

    ``refuses_uploads``: new packages are answered 507 because of it, so the service is not ready.
    """

    code: str
    severity: str
    sentence: str
    status: str = ""
    refuses_uploads: bool = False


# What other applications tell of; each registers itself when it is ready.
_others: list[Callable[[], Iterable[Alert]]] = []


def register(source: Callable[[], Iterable[Alert]]) -> None:
    """Let alerts of another application stand among these."""
    if source not in _others:
        _others.append(source)


def alerts(snapshot: Snapshot | None = None, thresholds: Thresholds | None = None) -> list[Alert]:
    """All that is wrong now, or in a snapshot, the worst first. Raises django.db.Error."""
    seen = snapshot or read_snapshot()
    limits = thresholds or Thresholds.of_settings()
    found = [
        *_dispatcher(seen),
        *_silent(seen),
        *_processes(seen),
        *_scheduler(seen),
        *_damage(seen),
        *_waiting(seen, limits),
        *_queue_full(seen),
        *disk_alerts(seen.space, limits),
        *_sessions(seen),
        *_failing(seen),
        *_failed(seen),
        *_audit(seen, limits),
        *_provider_secret(),
        *(alert for other in _others for alert in other()),
    ]
    return sorted(found, key=lambda one: one.severity != ERROR)


def _severity(value: float, limits: Pair) -> str:
    """By a value that should stay below its limits; empty while it does."""
    return ERROR if value >= limits[1] else WARNING if value >= limits[0] else ""


def _dispatcher(seen: Snapshot) -> Iterator[Alert]:
    if not seen.has_dispatcher:
        sentence = _(
            "No dispatcher runs, so nothing is checked or loaded: start it (`systemctl restart deposit-dispatcher` or "
            "`manage.py dispatch`; `make run` starts everything). What comes in waits, nothing is lost."
        )
        yield Alert(code="dispatcher.away", severity=ERROR, sentence=sentence)


# What is not done while nobody reads a queue.
_UNDONE = {
    "check": gettext_noop("No checker takes work, so nothing is checked"),
    "load": gettext_noop("No loader takes work, so nothing is archived"),
    "housekeeping": gettext_noop("No worker does housekeeping, so nothing expires, is audited or mailed"),
    "notices": gettext_noop("No worker sends notices, so nobody is told of anything"),
    "fetch": gettext_noop("No worker fetches packages from elsewhere, so their deposits stay incomplete"),
}

_OTHER = gettext_noop("No worker takes work from the queue %(queue)s")


def _silent(seen: Snapshot) -> Iterator[Alert]:
    """Queues that no living worker reads."""
    required = list(required_queues(seen.queues))
    silent = [one for one in required if not is_read(seen.workers, one.name)]
    if len(silent) == len(required):
        sentence = _(
            "No worker takes work any more, neither checkers nor loaders: see first whether the broker "
            "(CELERY_BROKER_URL) answers, then whether they run (`systemctl status 'deposit-worker@*'`). Nothing is "
            "lost: what comes in waits."
        )
        yield Alert(code="workers.silent", severity=ERROR, sentence=sentence)
        return
    for queue in silent:
        sentence = _(
            "%(what)s. Start one (`systemctl restart deposit-worker@%(queue)s`, or `celery -A settings.celery worker "
            "-Q %(queue)s`); if it runs, it cannot reach the broker: its log says why."
        ) % {"what": _what(seen, queue), "queue": queue.name}
        yield Alert(
            code=f"{queue.worker}.silent", severity=ERROR, status=queue.status or "", sentence=sentence
        )


def _what(seen: Snapshot, queue: Queue) -> str:
    undone = _(_UNDONE.get(queue.name, _OTHER)) % {"queue": queue.name}
    work = seen.queues.get(queue.name, OpenWork())
    return _("%(what)s; waiting now: %(number)d") % {"what": undone, "number": work.number}


def _processes(seen: Snapshot) -> Iterator[Alert]:
    """Processes that beat under their own name: the watcher of sources."""
    for name in seen.processes:
        if not is_read(seen.workers, name):
            sentence = _(
                "The process `%(name)s` does not run, so nothing is taken in from watched folders and buckets: start "
                "it (`systemctl restart deposit-%(name)s`, or `manage.py %(name)s`); its log says why it stopped."
            ) % {"name": name}
            yield Alert(code=f"{name}.silent", severity=ERROR, sentence=sentence)


def _scheduler(seen: Snapshot) -> Iterator[Alert]:
    """Its heartbeat is a task that a housekeeping worker carries out: without one, nothing is known of it."""
    scheduler = scheduler_of(seen.workers)
    if not is_read(seen.workers, "housekeeping") or (scheduler and scheduler.is_alive):
        return
    if scheduler:
        since = _("The scheduler has ordered nothing since %(moment)s UTC") % {
            "moment": f"{scheduler.beat_at:%Y-%m-%d %H:%M}"
        }
    elif seen.installed_for > SCHEDULER_SILENT_SECONDS:
        since = _("The scheduler has never ordered anything")
    else:
        return
    sentence = _(
        "%(since)s, so nothing expires, is audited or mailed: start it (`systemctl restart deposit-scheduler`)."
    ) % {"since": since}
    yield Alert(code="scheduler.silent", severity=ERROR, sentence=sentence)


def _damage(seen: Snapshot) -> Iterator[Alert]:
    if seen.damaged_packs:
        sentence = ngettext(
            "%(number)d pack of the archive is damaged: the page Fixity says which. Put it right from a replica "
            "(`manage.py archive audit --all` repairs with ARCHIVE_REPLICA) or from a backup.",
            "%(number)d packs of the archive are damaged: the page Fixity says which. Put them right from a replica "
            "(`manage.py archive audit --all` repairs with ARCHIVE_REPLICA) or from a backup.",
            seen.damaged_packs,
        ) % {"number": seen.damaged_packs}
        yield Alert(code="archive.damaged", severity=ERROR, sentence=sentence)


def _waiting(seen: Snapshot, limits: Thresholds) -> Iterator[Alert]:
    """Work that no worker has in hand for too long, though workers for it are there."""
    for queue in required_queues(seen.queues):
        work = seen.queues.get(queue.name, OpenWork())
        severity = _severity(work.idle, limits.waiting_seconds)
        if not severity or not is_read(seen.workers, queue.name):
            continue
        numbers = {"number": work.number - work.leased, "minutes": round(work.idle / 60), "queue": queue.name}
        sentence = (
            _(
                "Workers are busy and %(number)d pieces of work still wait in queue %(queue)s, the longest for "
                "%(minutes)d minutes: start more workers for it, or wait."
            )
            if work.leased
            else _(
                "Workers run, but take none of the %(number)d pieces of work that wait in queue %(queue)s, the longest "
                "for %(minutes)d minutes: see the dispatcher's log, and whether the broker takes messages."
            )
        ) % numbers
        yield Alert(
            code=f"{queue.worker}.slow", severity=severity, status=queue.status or "", sentence=sentence
        )


def _queue_full(seen: Snapshot) -> Iterator[Alert]:
    number = sum(waiting.number for waiting in seen.waiting.values())
    if number >= settings.WAITING:
        sentence = _(
            "%(number)d deposits wait, the most that WAITING allows: new packages are refused until some are done. "
            "Start more workers."
        ) % {"number": number}
        yield Alert(code="queue.full", severity=ERROR, sentence=sentence)


def disk_alerts(space: Mapping[str, Space], limits: Thresholds) -> Iterator[Alert]:
    """Disks that are away, full or about to be."""
    for name, room in space.items():
        alert = _unusable(name, room) or _low(name, room, limits)
        if alert:
            yield alert


def _unusable(area: str, room: Space) -> Alert | None:
    """Nothing can be written there; of the staging area: uploads are answered 507."""
    refused = area == "staging"
    if not room.total:
        sentence = _(
            "The folder of the %(area)s area is away: is its disk mounted? `manage.py check --deploy` says more."
        ) % {"area": area}
        return Alert(code="disk.away", severity=ERROR, sentence=sentence, refuses_uploads=refused)
    if room.is_full:
        sentence = _(
            "The disk of the %(area)s area is full (%(free).1f GiB left): new packages are refused until there is "
            "room. Make room or enlarge it; nothing has to be restarted."
        ) % {"area": area, "free": room.free / 1024**3}
        return Alert(code="disk.full", severity=ERROR, sentence=sentence, refuses_uploads=refused)
    if not room.is_writable:
        sentence = _(
            "The folder of the %(area)s area cannot be written to: see whose it is and how it is mounted."
        ) % {"area": area}
        return Alert(code="disk.closed", severity=ERROR, sentence=sentence, refuses_uploads=refused)
    return None


def _low(area: str, room: Space, limits: Thresholds) -> Alert | None:
    warning, error = limits.free_percent
    severity = _severity(-room.free_percent, (-warning, -error))
    if not severity:
        return None
    sentence = _(
        "The disk of the %(area)s area has only %(free).1f GiB (%(percent).1f %%) left: make room, or deposits will "
        "be refused."
    ) % {"area": area, "free": room.free / 1024**3, "percent": room.free_percent}
    return Alert(code="disk.low", severity=severity, sentence=sentence)


# How much of its sessions a database server may have given away.
_SESSIONS = (0.8, 0.95)


def _sessions(seen: Snapshot) -> Iterator[Alert]:
    """A server that has no more to give, or soon has not."""
    severity = _severity(seen.sessions.share, _SESSIONS) if seen.sessions else ""
    if seen.sessions and severity:
        sentence = _(
            "%(used)d of the %(limit)d sessions that PostgreSQL gives are taken; without one, requests are answered "
            "503 and work waits: `manage.py doctor` tells whose they are. Raise max_connections, or lower "
            "WEB_CONNECTIONS."
        ) % {"used": seen.sessions.all_used, "limit": seen.sessions.limit}
        yield Alert(code="database.sessions", severity=severity, sentence=sentence)


# From so many attempts on it is no passing trouble.
_AGAIN_AND_AGAIN = 3
_FAILING = {
    "check": gettext_noop("Checks fail and are tried again: %(number)d"),
    "load": gettext_noop("Loads fail and are tried again: %(number)d"),
}
_FAILING_OTHER = gettext_noop("Work of the queue %(queue)s fails and is tried again: %(number)d")


def _failing(seen: Snapshot) -> Iterator[Alert]:
    """Attempts that fail, from the first on: after the last the deposits have failed, and it is late."""
    for one in seen.failing:
        what = _(_FAILING.get(one.kind, _FAILING_OTHER)) % {"number": one.number, "queue": one.queue}
        sentence = _(
            "%(what)s; the most attempts: %(attempts)d. The last cause: %(cause)s. If it is not one that passes by "
            "itself, mend it; nothing has to be ordered anew."
        ) % {"what": what, "attempts": one.attempts, "cause": one.cause.rstrip(".")}
        status = {"check": Status.DEPOSITED, "load": Status.VERIFIED}.get(one.kind, "")
        severity = ERROR if one.attempts >= _AGAIN_AND_AGAIN else WARNING
        yield Alert(code="work.failing", severity=severity, status=status, sentence=sentence)


def _failed(seen: Snapshot) -> Iterator[Alert]:
    number = seen.failed
    if number:
        sentence = ngettext(
            "%(number)d deposit has failed through no fault of its depositor: look why, then load it again.",
            "%(number)d deposits have failed through no fault of their depositors: look why, then load them again.",
            number,
        ) % {"number": number}
        yield Alert(code="deposits.failed", severity=WARNING, sentence=sentence, status=Status.FAILED)


def _audit(seen: Snapshot, limits: Thresholds) -> Iterator[Alert]:
    """A pack that nobody has read for longer than promised: the audit does not keep up."""
    days = seen.unread / 86400
    severity = _severity(days, limits.fixity_days)
    if severity:
        sentence = _(
            "A pack of the archive was last read %(days)d days ago, and the audit should read each within %(cycle)d: "
            "see whether the scheduler and a worker for `housekeeping` run, and whether ARCHIVE_AUDIT_RATE suffices."
        ) % {"days": round(days), "cycle": settings.ARCHIVE_AUDIT_DAYS}
        yield Alert(code="archive.unaudited", severity=severity, sentence=sentence)


def _provider_secret() -> Iterator[Alert]:
    """After its end nobody logs in with the identity provider any more."""
    left = provider_secret.days_left()
    if left is None or left > provider_secret.WARN_DAYS:
        return
    if left <= 0:
        sentence = _(
            "The secret for the identity provider has expired, and nobody can log in with it: make a new one there, "
            "and set OIDC_CLIENT_SECRET and OIDC_SECRET_EXPIRES."
        )
    else:
        sentence = ngettext(
            "The secret for the identity provider expires in %(number)d day; then nobody can log in with it. Make a "
            "new one there, and set OIDC_CLIENT_SECRET and OIDC_SECRET_EXPIRES.",
            "The secret for the identity provider expires in %(number)d days; then nobody can log in with it. Make a "
            "new one there, and set OIDC_CLIENT_SECRET and OIDC_SECRET_EXPIRES.",
            left,
        ) % {"number": left}
    severity = ERROR if left <= provider_secret.URGENT_DAYS else WARNING
    yield Alert(code="identity.secret_expires", severity=severity, sentence=sentence)
