"""The names of the lines of a deposit's history."""

from enum import StrEnum


class EventName(StrEnum):
    """What happened to a deposit. The values are in every record since the first: they never change."""

    # Events of the lifecycle: see the table in ``deposit.lifecycle``.
    COMPLETE = "complete"
    ACCEPT = "accept"
    EXPIRE = "expire"
    CHECK = "check"
    VERIFY = "verify"
    HOLD = "hold"
    CONFIRM = "confirm"
    REJECT = "reject"
    RECHECK = "recheck"
    START = "start"
    FINISH = "finish"
    FAIL = "fail"
    RELEASE = "release"
    QUARANTINE = "quarantine"
    RESCHEDULE = "reschedule"
    WITHDRAW = "withdraw"
    RESTORE = "restore"
    ERASE = "erase"
    # A worker met a fault that is not the deposit's: the status stays, the work waits for its next attempt.
    GIVE_BACK = "give-back"
    # A step of a delivery needs a person's decision; once for each question.
    ASK = "ask"
    # What clients send and change.
    CREATE = "create"
    ADD = "add"
    REPLACE = "replace"
    REMOVE_PACKAGES = "remove-packages"
    REMOVE_METADATA = "remove-metadata"
    CLOSE = "close"
    DELETE = "delete"
    DESCRIBE = "describe"
    UPDATE_METADATA = "update-metadata"
    # Packages that are fetched from elsewhere.
    FETCH = "fetch"
    FETCH_FAILED = "fetch-failed"
    # It came, or came anew, from another deposit server.
    IMPORT = "import"
    # The packages of a deposit that came to nothing were removed; its record stays.
    CLEAR = "clear"
    TELL_OF_EXPIRY = "tell-of-expiry"
    # Some objects of it were said to be erased, the deposit itself stays; and: all bytes are gone.
    ERASE_OBJECTS = "erase-objects"
    ERASED = "erased"
    # Somebody asked for it to be withdrawn, restored or erased, and what became of that.
    REQUEST_DELETION = "request-deletion"
    REJECT_DELETION = "reject-deletion"
    CANCEL_DELETION = "cancel-deletion"
    EXPIRE_DELETION = "expire-deletion"


class NoticeType(StrEnum):
    """What people and other systems can be told. The values are part of webhooks and the API: they never change."""

    DONE = "deposit.done"
    REJECTED = "deposit.rejected"
    FAILED = "deposit.failed"
    HELD = "deposit.held"
    EXPIRING = "deposit.expiring"
    EXPIRED = "deposit.expired"
    WITHDRAWN = "deposit.withdrawn"
    ASKING = "delivery.asking"
    # Of the one list of alerts, by what they are about; for operators.
    QUEUES = "alert.queues"
    DAMAGE = "alert.damage"
    SOURCES = "alert.sources"
    PIPELINES = "alert.pipelines"
    SPACE = "alert.space"
    OTHER_ALERTS = "alert.other"
    # Somebody has asked for it, to see whether it arrives.
    TEST = "notice.test"
