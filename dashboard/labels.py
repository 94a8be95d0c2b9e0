"""How the dashboard names things to people, in their language."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from archive.models import Outcome
from deposit.models import NoticeType, Status
from deposit.queue.reading import State

# Where a deposit stands, and what its depositor can expect or do.
STATUS_WORDS: dict[str, Promise] = {
    Status.PARTIAL: _("Not complete yet: the client has announced that more will come."),
    Status.EXPIRED: _("It was never completed, and its files have been removed. Please deposit again."),
    Status.DEPOSITED: _("Received. It waits for its checks or is being checked."),
    Status.VERIFIED: _("It passed its checks and waits to be loaded into the archive."),
    Status.REJECTED: _("It did not pass its checks. Mend what is listed below and deposit again."),
    Status.LOADING: _("It is being loaded into the archive."),
    Status.DONE: _("It is in the archive."),
    Status.FAILED: _(
        "It could not be loaded. This is not your fault: the operators see it and can try again."
    ),
}

# Of a partial deposit whose package was checked.
HELD_WORDS = _("It is whole, and waits for its depositor to look at what the checks found.")

# Of one that is done, and erased since.
ERASED_WORDS = _("It was in the archive, and was erased.")

# The same for those who run the service, where it differs.
OPERATOR_WORDS: dict[str, Promise] = {
    Status.FAILED: _(
        "It could not be loaded, through no fault of its depositor. See why below, then load it again."
    ),
}

# What a status is called where it is shown.
STATUS_LABELS: dict[str, Promise] = {
    Status.PARTIAL: _("partial"),
    Status.EXPIRED: _("expired"),
    Status.DEPOSITED: _("deposited"),
    Status.VERIFIED: _("verified"),
    Status.REJECTED: _("rejected"),
    Status.LOADING: _("loading"),
    Status.DONE: _("done"),
    Status.FAILED: _("failed"),
}

# What people can be told.
NOTICE_WORDS: dict[str, Promise] = {
    NoticeType.DONE: _("A deposit is archived"),
    NoticeType.REJECTED: _("A deposit was rejected"),
    NoticeType.FAILED: _("A deposit could not be archived yet"),
    NoticeType.HELD: _("A deposit waits for a confirmation"),
    NoticeType.EXPIRING: _("A deposit will expire"),
    NoticeType.EXPIRED: _("A deposit has expired"),
    NoticeType.WITHDRAWN: _("A deposit was withdrawn"),
    NoticeType.ASKING: _("A delivery needs a decision"),
    NoticeType.QUEUES: _("Work is stuck"),
    NoticeType.DAMAGE: _("The archive is damaged"),
    NoticeType.SOURCES: _("A source is silent or in trouble"),
    NoticeType.PIPELINES: _("A pipeline is full or away"),
    NoticeType.SPACE: _("A disk is full or away"),
    NoticeType.OTHER_ALERTS: _("Any other alert"),
    NoticeType.TEST: _("A test"),
}


@dataclass(frozen=True, slots=True)
class EventWords:
    """An event in people's words; ``tone`` is good, bad, busy or empty."""

    label: Promise
    tone: str = ""


EVENTS: dict[str, EventWords] = {
    "create": EventWords(_("Received"), "good"),
    "add": EventWords(_("More was received"), "good"),
    "replace": EventWords(_("Parts were replaced"), "good"),
    "remove-packages": EventWords(_("Packages were removed")),
    "close": EventWords(_("The client said that nothing more will come")),
    "update-metadata": EventWords(_("New metadata were archived"), "good"),
    "complete": EventWords(_("Complete, waiting for its checks"), "good"),
    "accept": EventWords(_("Accepted and archived"), "good"),
    "expire": EventWords(_("Expired"), "bad"),
    "check": EventWords(_("Checks began"), "busy"),
    "verify": EventWords(_("Checks passed, waiting to be loaded"), "good"),
    "reject": EventWords(_("Checks failed"), "bad"),
    "hold": EventWords(_("Waits until its warnings are confirmed"), "busy"),
    "confirm": EventWords(_("Warnings confirmed, to be checked again"), "good"),
    "recheck": EventWords(_("To be checked again"), "busy"),
    "start": EventWords(_("Loading began"), "busy"),
    "finish": EventWords(_("Loaded into the archive"), "good"),
    "fail": EventWords(_("Loading failed"), "bad"),
    "release": EventWords(_("Taken back from a worker that went silent"), "busy"),
    "clear": EventWords(_("Its packages were cleared away; the record stays"), ""),
    "give-back": EventWords(_("An attempt failed; there will be another"), "bad"),
    "ask": EventWords(_("A person has to decide"), "bad"),
    "quarantine": EventWords(_("Set aside after too many attempts"), "bad"),
    "reschedule": EventWords(_("To be loaded again"), "busy"),
    "delete": EventWords(_("Deleted")),
    "withdraw": EventWords(_("Withdrawn: only its tombstone is shown"), "bad"),
    "restore": EventWords(_("Restored: it is shown again"), "good"),
    "erase": EventWords(_("Erased: nothing of it can be read any more"), "bad"),
    "erase-objects": EventWords(_("Some of its files were erased"), "bad"),
    "erased": EventWords(_("The bytes of what was erased are gone"), "bad"),
    "request-deletion": EventWords(_("Somebody asked to withdraw, restore or erase it"), "busy"),
    "reject-deletion": EventWords(_("The request was not approved")),
    "cancel-deletion": EventWords(_("The request was cancelled")),
    "expire-deletion": EventWords(_("Nobody reviewed the request in time")),
}

DETAILS: dict[str, Promise] = {
    "package": _("package"),
    # Sent in segments, or fetched from elsewhere.
    "by_reference": _("package"),
    "size": _("size"),
    "metadata": _("metadata"),
    "findings": _("findings"),
    "attempt": _("attempt"),
    "question": _("question"),
    "reason": _("reason"),
    "kind": _("kind"),
    "request": _("request"),
    "swhid": _("SWHID"),
}

AREAS: dict[str, Promise] = {
    "metadata": _("Metadata"),
    "archive": _("Package"),
    "url": _("Address"),
    "loading": _("Loading"),
}

# Where a deposit is on its way: how many of the four steps are behind it.
STEPS: tuple[Promise, ...] = (_("Received"), _("Checked"), _("Loaded"), _("In the archive"))
STEPS_DONE: dict[str, int] = {
    Status.PARTIAL: 0,
    Status.EXPIRED: 0,
    Status.DEPOSITED: 1,
    Status.REJECTED: 1,
    Status.VERIFIED: 2,
    Status.LOADING: 2,
    Status.FAILED: 2,
    Status.DONE: 4,
}
STOPPED = frozenset({Status.EXPIRED, Status.REJECTED, Status.FAILED})
# A deposit in one of these changes by itself: its page keeps looking.
MOVING = frozenset({Status.DEPOSITED, Status.VERIFIED, Status.LOADING})

# What reading a pack showed.
OUTCOMES: dict[str, Promise] = {
    Outcome.SOUND: _("sound"),
    Outcome.REPAIRED: _("repaired from the replica"),
    Outcome.DAMAGED: _("damaged"),
    Outcome.MISSING: _("missing"),
    Outcome.UNREADABLE: _("not readable now"),
}


WORK_STATES: dict[str, Promise] = {
    State.WORKING: _("at work"),
    State.SILENT: _("worker silent"),
    State.SENT: _("sent"),
    State.WAITING: _("waiting"),
    State.LATER: _("later"),
}
