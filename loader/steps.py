"""What a destination is made of: steps, what a step is given, and what it may answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from deposit.models import Delivery, Deposit, Identifier, Part
from deposit.queue.leases import Lease
from deposit.queue.policies import REQUEST, Policy


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The step is over. ``result`` (JSON, small) is shown in the history and given to later steps."""

    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """The step waits for something and is to be looked at again; no worker is held meanwhile.

    ``note`` is a sentence for everybody: what it waits for.
    """

    after_seconds: float
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A person has to decide. ``options``: name -> what it means, in a few words.

    The step is looked at again ``after_seconds`` from now, or as soon as somebody has decided; `Context.answer` is
    then the name of the option.
    """

    question: str
    options: Mapping[str, str]
    after_seconds: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The step has recorded its own end with `Context.finish`, in a transaction of its own."""


Outcome = Done | Again | Ask | Finished


class Transient(Exception):
    """The step failed and may succeed later: it is tried again, as its policy says.

    ``str()`` is a sentence for everybody; ``fault`` the raw cause, for operators. ``counts``: it is one of the
    attempts that the policy allows; False for an outage, which is waited for as long as it takes. ``after_seconds``:
    when to try again, if the other side has said so.
    """

    def __init__(
        self, sentence: str, *, fault: str = "", counts: bool = True, after_seconds: float | None = None
    ) -> None:
        super().__init__(sentence)
        self.fault = fault
        self.counts = counts
        self.after_seconds = after_seconds


class Permanent(Exception):
    """The step cannot succeed: the delivery fails with ``code``. ``str()`` is a sentence for everybody."""

    def __init__(self, code: str, sentence: str, *, fault: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.fault = fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One activity of a destination. ``run`` may be called twice, and by another process than before.

    ``policy``: how often it may fail before the delivery does, and how long it waits between attempts. ``brief``: its
    rows are written when it ends instead of when it begins as well, which saves a commit where a step is all that a
    delivery has.
    """

    name: str
    run: "Callable[[Context], Outcome]"
    policy: Policy = REQUEST
    brief: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """Where deposits are taken, by ``steps`` in this order.

    ``clean_up`` runs after every delivery that has begun, however it ended, as work of its own: it may answer `Again`
    until it can be done, is called again when it fails, and does no harm when there is nothing to clean up.

    ``inspect`` looks what a delivery has left at the destination, changes nothing, and answers with JSON: ``stored``
    (one word), ``complete`` (whether the delivery is fulfilled by it), ``message``, and what else is known.

    ``describe`` takes a metadata document that came without a package there; the same document twice is one.

    ``configure(actor=…, collection=…, …)`` keeps what an administrator says of a collection that only this destination
    knows, such as its pipelines.
    """

    name: str
    steps: tuple[Step, ...]
    clean_up: "Callable[[Context], Done | Again] | None" = None
    inspect: Callable[[Delivery], Mapping[str, Any]] | None = None
    describe: Callable[[Part, Lease], None] | None = None
    configure: Callable[..., None] | None = None


class Context:
    """What a step is given. Nothing here is shared between two calls but what `save` and results keep."""

    def __init__(
        self,
        *,
        deposit: Deposit,
        delivery: Delivery,
        lease: Lease,
        results: dict[str, dict[str, Any]],
        record_done: Callable[[Done], None],
    ) -> None:
        self.deposit = deposit
        self.delivery = delivery
        self.lease = lease
        # The results of the steps that are over, by name.
        self.results = results
        self._record_done = record_done

    @property
    def memory(self) -> dict[str, Any]:
        """What was saved by any step of this delivery."""
        return dict(self.delivery.memory)

    @property
    def answer(self) -> str | None:
        """The option that somebody chose since this step asked, or None."""
        chosen = self.delivery.question.get("answer")
        return str(chosen) if chosen is not None else None

    def save(self, **values: Any) -> None:
        """Remember JSON values for later calls and steps, durably, now. Raises `LeaseLost`."""
        self.lease.check()
        self.delivery.memory = {**self.delivery.memory, **values}
        Delivery.objects.filter(pk=self.delivery.pk).update(memory=self.delivery.memory)

    def add_identifier(self, scheme: str, value: str) -> None:
        """Record what the deposit is known by at the destination; the same twice is one."""
        self.lease.check()
        Identifier.objects.bulk_create(
            [Identifier(deposit=self.deposit, scheme=scheme, value=value)], ignore_conflicts=True
        )

    def set_deadline(self, seconds: float) -> None:
        """Let the delivery fail unless it has ended ``seconds`` from now; a deadline that is set stays."""
        Delivery.objects.filter(pk=self.delivery.pk, deadline_at__isnull=True).update(
            deadline_at=Now() + timedelta(seconds=seconds)
        )
        self.delivery.refresh_from_db(fields=["deadline_at"])

    def finish(self, result: Mapping[str, Any]) -> Finished:
        """Record this step as done within the caller's transaction, and all that follows from it.

        For steps that must be visible and recorded at once or not at all. Raises `LeaseLost`.
        """
        self._record_done(Done(result=result))
        return Finished()
