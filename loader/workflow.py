"""Taking a verified deposit to its destinations: deliveries one after the other, each step by step.

A worker holds the deposit's lease while a step runs, and lets go of it while a step waits. What a step answers is
recorded in one transaction that the lease guards, so a worker may die at any line: its successor begins with the first
step that is not recorded as done. The deposit is done with the last step of its last destination, in the same
transaction.
"""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from archive.errors import ArchiveError, ErasedContent, Unreadable
from deposit.lifecycle import Work
from deposit.models import Activity, ActivityState, Delivery, DeliveryState, Deposit
from deposit.queue import items
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.items import ask
from deposit.queue.leases import Lease, is_outage, kept
from deposit.services.work import CLEANUP
from loader import records
from loader.grouping import claim_named, companions_of, load_together
from loader.receipts import with_receipts
from loader.steps import Again, Ask, Context, Destination, Done, Finished, Outcome, Permanent, Step, Transient
from packages import PackageError

logger = logging.getLogger(__name__)


def destination_named(name: str) -> Destination:
    """The destination of this name, from its place in the setting ``DESTINATIONS``. Raises `Permanent`."""
    place = settings.DESTINATIONS.get(name)
    if place is None:
        raise Permanent(
            "delivery.destination",
            f"This service has no destination '{name}'.",
            fault=f"DESTINATIONS has {', '.join(sorted(settings.DESTINATIONS))}",
        )
    destination: Destination = import_string(f"{place}.DESTINATION")
    return destination


def load(deposit_id: int, *, worker: str) -> None:
    """Take a deposit further if it waits for that; twice, late or in vain does no harm.

    A package or a destination that says no for good fails the deposit; any other fault leaves it to the next attempt.
    """
    claim = items.claim(Work.LOAD, deposit_id, worker=worker)
    if claim is None:
        return
    companions = companions_of(claim)
    if companions and load_together(claim, companions):
        return
    _load_alone(claim)


def load_several(keys: Sequence[str], *, worker: str) -> None:
    """Take several deposits further that one message names, as far as they wait for that."""
    claims = claim_named(keys, worker=worker)
    if claims and (len(claims) == 1 or not load_together(claims[0], claims[1:])):
        _load_alone(claims[0])


def _load_alone(claim: Claim) -> None:
    deposit_id = claim.deposit_id
    try:
        with kept(claim) as lease:
            deposit = Deposit.objects.select_related("client__user", "collection").get(pk=deposit_id)
            _deliver(deposit, claim, lease)
    except LeaseLost:
        logger.warning("deposit=%s load dropped: another worker has it", deposit_id)


def _deliver(deposit: Deposit, claim: Claim, lease: Lease) -> None:
    current = {each.destination: each for each in Delivery.objects.filter(deposit=deposit, current=True)}
    names = list(dict.fromkeys(deposit.collection.destinations))
    done = [name for name in names if name in current and current[name].state == DeliveryState.DONE]
    waiting = [name for name in names if name not in done]
    if not waiting:
        with transaction.atomic():
            records.finish_deposit(deposit, claim)
        return
    for name in waiting:
        delivery = current.get(name)
        if delivery is not None and delivery.ended_at is not None:
            delivery = records.replace(delivery)
        run = Run(
            deposit=deposit,
            claim=claim,
            lease=lease,
            delivery=delivery or Delivery(deposit=deposit, destination=name),
            is_last=name == waiting[-1],
        )
        if not run.go_on():
            return


class Run:
    """One worker's work on one delivery, from where it stands to where it waits or ends."""

    def __init__(
        self, *, deposit: Deposit, claim: Claim, lease: Lease, delivery: Delivery, is_last: bool
    ) -> None:
        self.deposit = deposit
        self.claim = claim
        self.lease = lease
        self.delivery = delivery
        self._is_last_delivery = is_last
        self._destination: Destination | None = None
        self._step: Step | None = None
        self._activity = Activity()
        self._activities: dict[str, Activity] = {}

    def go_on(self) -> bool:
        """Run steps until the delivery is done (True), or waits or has ended otherwise (False)."""
        try:
            self._destination = destination_named(self.delivery.destination)
        except Permanent as error:
            self._begin(Step(name="find the destination", run=lambda context: Done()))
            self._fail(error.code, str(error), error.fault)
            return False
        if self.delivery.pk:
            self._activities = {each.name: each for each in self.delivery.activities.all()}
        self._destination = with_receipts(self._destination, self.delivery, self._activities)
        for step in self._destination.steps:
            activity = self._activities.get(step.name)
            if activity is not None and activity.state == ActivityState.DONE:
                continue
            if not self._take(step):
                return False
        return True

    def _take(self, step: Step) -> bool:
        """Run one step; whether the delivery goes on at once."""
        self._begin(step)
        if self._is_over():
            return False
        try:
            return self._conclude(step.run(self._context()))
        except LeaseLost:
            raise
        except Unreadable as error:
            self._note_failure(error)
            raise  # for now, not for good
        except Permanent as error:
            self._fail(error.code, str(error), error.fault)
            return False
        except ErasedContent as error:
            # Erased since it was checked: the checks tell which files these are.
            self._fail(
                "loading.erased",
                f"{error} Take them out and deposit the rest anew; the curators of the collection know more.",
                "",
            )
            return False
        except (PackageError, ArchiveError) as error:
            self._fail("loading.failed", str(error), "")
            return False
        except Transient as error:
            self._try_later(step, error)
            return False
        except Exception as error:
            self._note_failure(error)
            raise

    def _conclude(self, outcome: Outcome) -> bool:
        if isinstance(outcome, Finished):
            return True
        if isinstance(outcome, Done):
            with transaction.atomic():
                self.record_done(outcome)
            return True
        self._wait(outcome)
        return False

    def _context(self) -> Context:
        return Context(
            deposit=self.deposit,
            delivery=self.delivery,
            lease=self.lease,
            results={name: dict(each.result) for name, each in self._activities.items() if each.result},
            record_done=self.record_done,
        )

    def _begin(self, step: Step) -> None:
        self._step = step
        activity = self._activities.get(step.name)
        if activity is None:
            activity = self._activities[step.name] = Activity(name=step.name)
        self._activity = activity
        if step.brief:
            records.note_start(self.delivery, activity)
        else:
            records.start(self.delivery, activity, self.claim)

    def _is_over(self) -> bool:
        """Whether somebody has cancelled the delivery, or its time is up; it has ended then."""
        ending = records.ending_of(self.delivery)
        if ending is None:
            return False
        with transaction.atomic():
            records.end(self.delivery, self._activity, self.claim, ending)
            self._ask_for_cleanup()
        return True

    def record_done(self, outcome: Done) -> None:
        """Record the step as done, and what ends with it; within the caller's transaction. Raises `LeaseLost`."""
        assert self._destination is not None
        self._activity.result = dict(outcome.result)
        ends = self._step is self._destination.steps[-1]
        if ends and self._is_last_delivery:
            records.finish_deposit(self.deposit, self.claim, results=outcome.result)
        else:
            items.require_lease(self.claim)
        records.step_done(self.delivery, self._activity, ends=ends)
        if ends:
            self._ask_for_cleanup()

    def _wait(self, outcome: Again | Ask) -> None:
        with transaction.atomic():
            records.wait(self.delivery, self._activity, self.claim, outcome)

    def _try_later(self, step: Step, error: Transient) -> None:
        failed = self._activity.attempts + (1 if error.counts else 0)
        if failed >= step.policy.attempts:
            sentence = f"{error} It was tried {failed} times."
            self._fail("delivery.attempts", sentence, error.fault)
            return
        wait = step.policy.wait_after(max(failed, 1)) if error.after_seconds is None else error.after_seconds
        with transaction.atomic():
            self._activity.attempts = failed
            records.try_later(self.delivery, self._activity, self.claim, error, after_seconds=wait)

    def _note_failure(self, error: BaseException) -> None:
        """Record a fault of ours beside the step; the lease is given back by who holds it."""
        if not is_outage(error):
            self._activity.attempts += 1
        records.note_failure(self.delivery, self._activity, error)

    def _fail(self, code: str, sentence: str, fault: str) -> None:
        with transaction.atomic():
            records.fail(self.delivery, self._activity, self.claim, code=code, sentence=sentence, fault=fault)
            self._ask_for_cleanup()

    def _ask_for_cleanup(self) -> None:
        if self._destination is not None and self._destination.clean_up is not None:
            ask(CLEANUP.name, self.delivery.pk, share=self.claim.share)
