"""A deposit from end to end, as a depositor sees it: send, wait, ask back, compare."""

import logging
import os
import tarfile
import tempfile
import time
from pathlib import Path

from client import Depositor, Metadata, swhid_of
from client.errors import DepositError, WaitTimedOutError
from deposit.models import Delivery, DeliveryState, Deposit, Status
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


def round_trip(depositor: Depositor, *, origin: str, limits: Limits, name: str = "") -> list[CheckResult]:
    """Deposit a few unique bytes, wait until all destinations of the collection have them, and read them back.

    Judges that it worked, and how long it took. ``name`` tells it from others of the same run. What goes to our own
    archive is fetched from there and compared; of other destinations, that each says it is done with it.
    """
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
    where = f"{name}: " if name else ""
    if words:
        return [CheckResult(state=State.CRITICAL, words=f"{where}{words}")]
    taken = time.monotonic() - began
    label = f"round_trip_{name}" if name else "round_trip"
    words = f"{where}a deposit took {taken:.1f} s"
    return [too_high(label, taken, limits.round_trip_seconds, words, "s")]


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
        under_way = _under_way(status.deposit_id)
        return (
            f"test deposit {status.deposit_id} is {status.status} after {timeout:g} s: {culprit}{under_way}"
        )
    if status.swhid != swhid_of(source):
        return f"test deposit {status.deposit_id} was archived as {status.swhid}, not as {swhid_of(source)}"
    if "archive" not in _destinations(status.deposit_id):
        return None
    saved = depositor.fetch(swhid_of(source / "token"), folder / "token")
    if saved.read_bytes() != (source / "token").read_bytes():
        return f"test deposit {status.deposit_id} comes back with other bytes"
    return None


def _destinations(deposit_id: int) -> list[str]:
    """Where a deposit of this service went."""
    return list(
        Delivery.objects.filter(deposit=deposit_id, current=True).values_list("destination", flat=True)
    )


def _under_way(deposit_id: int) -> str:
    """The destinations that are not done with it, in brackets."""
    late = Delivery.objects.filter(deposit=deposit_id, current=True).exclude(state=DeliveryState.DONE)
    names = [f"{name} is {state}" for name, state in late.values_list("destination", "state")]
    return f" (delivery to {', '.join(names)})" if names else ""


def forget_old_checks(*, username: str, origin: str) -> int:
    """Remove from the record all but the newest finished test deposits. Returns how many.

    Only what has the origin and the title of the test is one: the account may be somebody's who deposits as well.
    Their events stay, and so do their few bytes in the archive, which forgets nothing.
    """
    tests = Deposit.objects.filter(client__user__username=username, origin_url=origin, title=TITLE)
    done = tests.filter(status=Status.DONE, children=None)
    old = list(done.order_by("-pk").values_list("pk", flat=True)[KEPT:])
    return Deposit.objects.filter(pk__in=old).delete()[1].get("deposit.Deposit", 0)
