"""A deposit from end to end, as a depositor sees it: send, wait, ask back, compare."""

import logging
import os
import tarfile
import tempfile
import time
from pathlib import Path

from client import Depositor, Metadata, swhid_of
from client.errors import DepositError, WaitTimedOutError
from deposit.models import Deposit, Status
from deposit.monitoring.nagios import CheckResult, Limits, State, too_high

# What to look at when a deposit stays in a status.
_CULPRITS = {
    "deposited": "is a checker running, and a dispatcher?",
    "verified": "is a loader running?",
    "loading": "is a loader stuck?",
}
# Test deposits that were done before the newest ones are forgotten; so many are kept to look at.
KEPT = 10
TITLE = "Monitoring check"

# The plugin says one line, and nothing beside it.
logging.getLogger("httpx").setLevel(logging.WARNING)


def round_trip(depositor: Depositor, *, origin: str, limits: Limits) -> list[CheckResult]:
    """Deposit a few unique bytes and read them back from the archive; judge that it worked, and how long it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="check-deposit-") as temporary:
        folder = Path(temporary)
        source = folder / "source"
        source.mkdir()
        (source / "token").write_bytes(os.urandom(64))
        try:
            words = _deposit_and_compare(depositor, source, folder, origin, limits.round_trip_seconds[1])
        except (DepositError, OSError) as error:
            words = f"the test deposit failed: {getattr(error, 'summary', error)}"
    if words:
        return [CheckResult(state=State.CRITICAL, words=words)]
    taken = time.monotonic() - began
    return [too_high("round_trip", taken, limits.round_trip_seconds, f"a deposit took {taken:.1f} s", "s")]


def _deposit_and_compare(
    depositor: Depositor, source: Path, folder: Path, origin: str, timeout: float
) -> str | None:
    """What went wrong, or None."""
    package = folder / "check.tar"
    with tarfile.open(package, "w") as tar:
        tar.add(source / "token", "token")
    metadata = Metadata(name=TITLE, authors=("Monitoring",), create_origin=origin)
    receipt = depositor.upload(package, metadata=metadata)
    try:
        status = depositor.wait(receipt.deposit_id, timeout=timeout, longest_poll=1.0)
    except WaitTimedOutError:
        status = depositor.status(receipt.deposit_id)
    if status.status != "done" or not status.swhid:
        culprit = _CULPRITS.get(status.status, status.detail)
        return f"test deposit {status.deposit_id} is {status.status} after {timeout:g} s: {culprit}"
    if status.swhid != swhid_of(source):
        return f"test deposit {status.deposit_id} was archived as {status.swhid}, not as {swhid_of(source)}"
    saved = depositor.fetch(swhid_of(source / "token"), folder / "token")
    if saved.read_bytes() != (source / "token").read_bytes():
        return f"test deposit {status.deposit_id} comes back with other bytes"
    return None


def forget_old_checks(*, username: str, origin: str) -> int:
    """Remove from the record all but the newest finished test deposits. Returns how many.

    Only what has the origin and the title of the test is one: the account may be somebody's who deposits as well.
    Their events stay, and so do their few bytes in the archive, which forgets nothing.
    """
    tests = Deposit.objects.filter(client__user__username=username, origin_url=origin, title=TITLE)
    done = tests.filter(status=Status.DONE, children=None)
    old = list(done.order_by("-pk").values_list("pk", flat=True)[KEPT:])
    return Deposit.objects.filter(pk__in=old).delete()[1].get("deposit.Deposit", 0)
