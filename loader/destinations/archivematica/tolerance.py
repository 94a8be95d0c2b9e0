"""How long failing answers are put up with: until the pipeline's retry deadline, from the first of them on."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.utils import timezone

from loader import sftp
from loader.destinations.archivematica.errors import Refused, Unavailable
from loader.destinations.archivematica.models import Transfer
from loader.secret_references import SecretMissing
from loader.steps import Again, Permanent, Transient

# The interval between two polls grows with the age of what is polled, up to so many times the pipeline's own.
_SLOWEST = 6
_SHARE_OF_AGE = 30


def interval(transfer: Transfer) -> float:
    """How long to wait before the next look, in seconds: a transfer of hours is not asked for every few seconds."""
    shortest = float(transfer.pipeline.poll_seconds)
    began = transfer.asked_at or transfer.entered_at
    age = (timezone.now() - began).total_seconds()
    return min(max(shortest, age / _SHARE_OF_AGE), shortest * _SLOWEST)


def went_well(transfer: Transfer) -> None:
    """An answer came: what failed before counts no more."""
    if transfer.failing_since is not None:
        transfer.note(failing_since=None)


def wait_while(transfer: Transfer, note: str, *, code: str, fault: str = "") -> Again:
    """Wait for what is not yet as it has to be; `Permanent` with ``code`` once that has lasted too long."""
    if _lasts_too_long(transfer):
        raise Permanent(
            code, f"{note} That has not changed for {transfer.pipeline.retry_deadline} seconds.", fault=fault
        )
    return Again(after_seconds=interval(transfer), note=note)


def _lasts_too_long(transfer: Transfer) -> bool:
    now = timezone.now()
    if transfer.failing_since is None:
        transfer.note(failing_since=now)
        return False
    return now - transfer.failing_since >= timedelta(seconds=transfer.pipeline.retry_deadline)


@contextmanager
def faults(transfer: Transfer, doing: str) -> Iterator[None]:
    """Turn what goes wrong with the other side into the two kinds that the workflow knows.

    ``doing`` completes "… failed while ", for everybody; the cause is for operators.
    """
    try:
        yield
    except Refused as error:
        raise Permanent(
            "archivematica.refused", f"Archivematica refused while {doing}.", fault=str(error)
        ) from error
    except sftp.SftpRefused as error:
        raise Permanent(
            "archivematica.transfer_source", f"The transfer source refused while {doing}.", fault=str(error)
        ) from error
    except (Unavailable, SecretMissing) as error:
        raise _for_now(transfer, f"Archivematica could not be used while {doing}", str(error)) from error
    except sftp.SftpUnavailable as error:
        raise _for_now(
            transfer, f"The transfer source could not be used while {doing}", str(error)
        ) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "The transfer source is full" if full else "The transfer source could not be used"
        raise _for_now(transfer, f"{what} while {doing}", f"{type(error).__name__}: {error}") from error


def _for_now(transfer: Transfer, sentence: str, fault: str) -> Exception:
    if _lasts_too_long(transfer):
        seconds = transfer.pipeline.retry_deadline
        return Permanent(
            "archivematica.unavailable",
            f"{sentence}; that has not changed for {seconds} seconds.",
            fault=fault,
        )
    return Transient(
        f"{sentence}; it is tried again.", fault=fault, counts=False, after_seconds=interval(transfer)
    )
