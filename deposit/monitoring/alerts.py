"""What is wrong with the service, each in one sentence that says what to do about it. An empty list: all is well."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from deposit.models import Status
from deposit.monitoring.health import FULL_BELOW_BYTES
from deposit.monitoring.heartbeats import SCHEDULER, Worker, workers
from deposit.monitoring.snapshot import Figures, read_figures

# How long a deposit may wait for a free worker before it looks as if there were none, in seconds.
PATIENCE_SECONDS = 300.0
# Below this share of free space, or this many bytes, a disk is about to be full.
_FREE_SHARE = 0.05
_FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True, kw_only=True, slots=True)
class Complaint:
    """One thing that is wrong. ``severity`` is error or warning; ``status`` names the deposits it is about."""

    code: str
    severity: str
    sentence: str
    status: str = ""


def complaints() -> list[Complaint]:
    """All that is wrong now, the worst first."""
    figures = read_figures()
    alive = workers()
    found = [
        *_dispatcher(figures),
        *_silent(figures, alive),
        *_scheduler(alive),
        *_damage(figures),
        *_waiting(figures, alive),
        *_disks(figures),
        *_failed(figures),
        *_audit(figures),
    ]
    return sorted(found, key=lambda one: one.severity != "error")


def _dispatcher(figures: Figures) -> Iterator[Complaint]:
    if not figures.has_dispatcher:
        sentence = _(
            "No dispatcher runs, so nothing is checked or loaded: start it (`systemctl start deposit-dispatcher` or "
            "`manage.py dispatch`; `make run` starts everything). What comes in waits, nothing is lost."
        )
        yield Complaint(code="dispatcher.away", severity="error", sentence=sentence)


_WORKERS = (
    (Status.DEPOSITED, "checker", "check", gettext_noop("No checker takes work, so nothing is checked")),
    (Status.VERIFIED, "loader", "load", gettext_noop("No loader takes work, so nothing is archived")),
)


def _silent(figures: Figures, known: Sequence[Worker]) -> Iterator[Complaint]:
    """Queues that no living worker reads."""
    silent = [one for one in _WORKERS if not _reads(known, one[2])]
    if len(silent) == len(_WORKERS) and any(one.name != SCHEDULER for one in known):
        sentence = _(
            "No worker takes work any more, neither checkers nor loaders: see first whether the broker "
            "(CELERY_BROKER_URL) answers, then whether they run (`systemctl status 'deposit-worker@*'`). Nothing is "
            "lost: what comes in waits."
        )
        yield Complaint(code="workers.silent", severity="error", sentence=sentence)
        return
    for status, name, queue, words in silent:
        sentence = _(
            "%(what)s; waiting now: %(number)d. Start one (`systemctl start deposit-worker@%(queue)s`, or `celery -A "
            "settings.celery worker -Q %(queue)s`); if it runs, it cannot reach the broker: its log says why."
        ) % {"what": _(words), "number": figures.waiting[status].number, "queue": queue}
        yield Complaint(code=f"{name}.silent", severity="error", status=status, sentence=sentence)


def _reads(known: Sequence[Worker], queue: str) -> bool:
    return any(one.is_alive and queue in one.queues for one in known)


def _scheduler(known: Sequence[Worker]) -> Iterator[Complaint]:
    """Told only of one that was there: a service may be younger than its first order."""
    gone = [one for one in known if one.name == SCHEDULER and not one.is_alive]
    if gone and _reads(known, "housekeeping"):
        sentence = _(
            "The scheduler has ordered nothing since %(moment)s UTC, so nothing expires, is audited or mailed: start "
            "it (`systemctl start deposit-scheduler`)."
        ) % {"moment": f"{gone[0].beat_at:%Y-%m-%d %H:%M}"}
        yield Complaint(code="scheduler.silent", severity="warning", sentence=sentence)


def _damage(figures: Figures) -> Iterator[Complaint]:
    if figures.damaged_packs:
        sentence = ngettext(
            "%(number)d pack of the archive is damaged: the page Fixity says which. Put it right from a replica "
            "(`manage.py archive audit --all` repairs with ARCHIVE_REPLICA) or from a backup.",
            "%(number)d packs of the archive are damaged: the page Fixity says which. Put them right from a replica "
            "(`manage.py archive audit --all` repairs with ARCHIVE_REPLICA) or from a backup.",
            figures.damaged_packs,
        ) % {"number": figures.damaged_packs}
        yield Complaint(code="archive.damaged", severity="error", sentence=sentence)


def _waiting(figures: Figures, known: Sequence[Worker]) -> Iterator[Complaint]:
    for status, worker, queue, _words in _WORKERS:
        waiting = figures.waiting[status]
        if waiting.oldest <= PATIENCE_SECONDS or waiting.number <= waiting.leased or not _reads(known, queue):
            continue
        told = {"number": waiting.number, "minutes": round(waiting.oldest / 60), "queue": queue}
        sentence = (
            _(
                "Workers are busy and %(number)d deposits still wait for queue %(queue)s, the longest for %(minutes)d "
                "minutes: start more workers for it, or wait."
            )
            if waiting.leased
            else _(
                "Workers run, but take none of the %(number)d deposits that wait for queue %(queue)s, the longest for "
                "%(minutes)d minutes: see the dispatcher's log, and whether the broker takes messages."
            )
        ) % told
        yield Complaint(code=f"{worker}.slow", severity="error", status=status, sentence=sentence)


def _disks(figures: Figures) -> Iterator[Complaint]:
    for name, space in figures.space.items():
        if not space.total:
            sentence = _(
                "The folder of the %(area)s area is away: is its disk mounted? `manage.py check --deploy` says more."
            ) % {"area": name}
            yield Complaint(code="disk.away", severity="error", sentence=sentence)
        elif space.free < FULL_BELOW_BYTES:
            sentence = _(
                "The disk of the %(area)s area is full (%(free).1f GiB left): new packages are refused until there is "
                "room. Make room or enlarge it; nothing has to be restarted."
            ) % {"area": name, "free": space.free / 1024**3}
            yield Complaint(code="disk.full", severity="error", sentence=sentence)
        elif space.free < _FREE_BYTES or space.free < space.total * _FREE_SHARE:
            sentence = _(
                "The disk of the %(area)s area has only %(free).1f GiB left: make room, or deposits will be refused."
            ) % {"area": name, "free": space.free / 1024**3}
            yield Complaint(code="disk.low", severity="warning", sentence=sentence)


def _failed(figures: Figures) -> Iterator[Complaint]:
    number = figures.failed
    if number:
        sentence = ngettext(
            "%(number)d deposit has failed through no fault of its depositor: look why, then load it again.",
            "%(number)d deposits have failed through no fault of their depositors: look why, then load them again.",
            number,
        ) % {"number": number}
        yield Complaint(code="deposits.failed", severity="warning", sentence=sentence, status=Status.FAILED)


def _audit(figures: Figures) -> Iterator[Complaint]:
    """Packs that nobody has read for longer than promised, twice over: the audit does not keep up."""
    late = 2 * settings.ARCHIVE_AUDIT_DAYS * 86400
    if figures.packs and figures.fixity_age is not None and figures.fixity_age > late:
        sentence = _(
            "The archive was last audited %(days)d days ago: see whether the scheduler and a worker for "
            "`housekeeping` run."
        ) % {"days": round(figures.fixity_age / 86400)}
        yield Complaint(code="archive.unaudited", severity="warning", sentence=sentence)
