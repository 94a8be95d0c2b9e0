"""Refusals: what a service answers when it will not do what a client asks.

A refusal is the client's to mend: it has a stable code, one line of what is wrong, and where it helps a second
one of what to do. The faces (SWORD, JSON) turn its kind into their own status codes.
"""

from collections.abc import Mapping
from enum import StrEnum

# What WWW-Authenticate says where a name and password, or an API token, are wanted.
BASIC = 'Basic realm="deposit", charset="UTF-8"'


class Kind(StrEnum):
    """The kinds of refusal; the names are those of the SWORD contract."""

    BAD_REQUEST = "bad-request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "unknown"
    GONE = "gone"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    NOT_ACCEPTABLE = "not-acceptable"
    LENGTH_REQUIRED = "length-required"
    CHECKSUM_MISMATCH = "checksum-mismatch"
    MEDIATION_NOT_ALLOWED = "mediation-not-allowed"
    TARGET_OWNER_UNKNOWN = "target-owner-unknown"
    PRECONDITION_FAILED = "precondition-failed"
    TOO_LARGE = "max_upload_size_exceeded"
    CONTENT = "error-content"
    UNPROCESSABLE = "unprocessable"
    TOO_MANY_REQUESTS = "too-many-requests"
    INTERNAL = "internal-error"
    UNAVAILABLE = "unavailable"
    STORAGE_FULL = "storage-full"


class Refusal(Exception):
    """The service will not do it. ``summary`` says what is wrong, ``hint`` what to do about it."""

    def __init__(
        self,
        kind: Kind,
        code: str,
        summary: str,
        hint: str = "",
        *,
        challenge: str = "",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(summary)
        self.kind = kind
        self.code = code
        self.summary = summary
        self.hint = hint
        # For 401: what WWW-Authenticate says. For those who may come again: in how many seconds.
        self.challenge = challenge
        self.retry_after = retry_after


class Withdrawn(Refusal):
    """What was asked for is withdrawn, or erased. ``tombstone``: what stands in its place, ready for JSON.

    ``tombstone``: reason, decided_by; of what is withdrawn citation and withdrawn_at, of what is erased erased_at.
    """

    def __init__(self, deposit_id: int, tombstone: Mapping[str, str]) -> None:
        self.erased = "erased_at" in tombstone
        if self.erased:
            super().__init__(
                Kind.GONE,
                "deposit.erased",
                f"Deposit {deposit_id} was erased on {tombstone['erased_at'][:10]}.",
                f"Decided by {tombstone['decided_by']}. Reason: {tombstone['reason']}",
            )
        else:
            super().__init__(
                Kind.GONE,
                "deposit.withdrawn",
                f"Deposit {deposit_id} was withdrawn on {tombstone['withdrawn_at'][:10]}.",
                f"{tombstone['citation']} Decided by {tombstone['decided_by']}. Reason: {tombstone['reason']}",
            )
        self.deposit_id = deposit_id
        self.tombstone: Mapping[str, str | int] = {"deposit": deposit_id, **tombstone}


def unauthorized(code: str, summary: str, hint: str = "") -> Refusal:
    """A 401 for a missing or wrong password."""
    hint = hint or "Send your user name and password with HTTP Basic, or an API token as Bearer."
    return Refusal(Kind.UNAUTHORIZED, code, summary, hint, challenge=BASIC)
