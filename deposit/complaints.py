"""What is wrong with the service, each in one sentence that says what to do about it. An empty list: all is well."""

from collections.abc import Iterator
from dataclasses import dataclass

from deposit.figures import Figures, read_figures
from deposit.models import Status

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
    found = [
        *_dispatcher(figures),
        *_damage(figures),
        *_waiting(figures),
        *_disks(figures),
        *_failed(figures),
    ]
    return sorted(found, key=lambda one: one.severity != "error")


def _dispatcher(figures: Figures) -> Iterator[Complaint]:
    if not figures.has_dispatcher:
        sentence = (
            "No dispatcher runs, so nothing is checked or loaded: start `manage.py dispatch` "
            "(`make run` starts everything)."
        )
        yield Complaint(code="dispatcher.away", severity="error", sentence=sentence)


def _damage(figures: Figures) -> Iterator[Complaint]:
    if figures.damaged_packs:
        sentence = (
            f"{_number(figures.damaged_packs, 'pack is', 'packs are')} damaged: restore them from a replica or a "
            "backup, then audit again."
        )
        yield Complaint(code="archive.damaged", severity="error", sentence=sentence)


def _waiting(figures: Figures) -> Iterator[Complaint]:
    for status, worker, queue in (
        (Status.DEPOSITED, "checker", "check"),
        (Status.VERIFIED, "loader", "load"),
    ):
        waiting = figures.waiting[status]
        if waiting.oldest > PATIENCE_SECONDS and waiting.number > waiting.leased:
            many = _number(waiting.number, "deposit waits", "deposits wait")
            yield Complaint(
                code=f"{worker}.slow",
                severity="error",
                status=status,
                sentence=f"{many} for a {worker}, the longest for {waiting.oldest / 60:.0f} minutes: see whether one "
                f"runs (`celery -A settings.celery worker -Q {queue}`), and start more of them.",
            )


def _disks(figures: Figures) -> Iterator[Complaint]:
    for name, space in figures.space.items():
        if not space.total:
            sentence = f"The folder of the {name} area is away: see `manage.py check --deploy`."
            yield Complaint(code="disk.away", severity="error", sentence=sentence)
        elif space.free < _FREE_BYTES or space.free < space.total * _FREE_SHARE:
            sentence = (
                f"The disk of the {name} area has only {space.free / 1024**3:.1f} GiB left: make room, "
                "or deposits will be refused."
            )
            yield Complaint(code="disk.full", severity="warning", sentence=sentence)


def _failed(figures: Figures) -> Iterator[Complaint]:
    number = figures.deposits.get(Status.FAILED, 0)
    if number:
        sentence = (
            f"{_number(number, 'deposit has', 'deposits have')} failed through no fault of the depositors: "
            "look why, then load again."
        )
        yield Complaint(code="deposits.failed", severity="warning", sentence=sentence, status=Status.FAILED)


def _number(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
