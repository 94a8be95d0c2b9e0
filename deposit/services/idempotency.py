"""Idempotency-Key: a POST that is sent again is answered again, and done once.

The key's row is inserted first, in the transaction of the work itself. A second request with the same key waits at
the unique index until the first has committed, and then finds its answer; if the first died, its row is gone with
its work and the second does it. Refusals are not kept: nothing was done, and the retry may do better.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from deposit.models import IdempotencyKey
from deposit.refusals import Kind, Refusal

KEPT_DAYS = 7
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it went, or goes again, over the wire."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, and whether it is an earlier one; then the caller throws away what came with this request."""

    answer: Answer
    replayed: bool


def read_key(header: str) -> str | None:
    """The key that a request names itself with; None without one. Raises a 400 `Refusal` for a useless one."""
    text = header.strip()
    if not text:
        return None
    key = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if not key or len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Refusal(
            Kind.BAD_REQUEST,
            "idempotency.key",
            "The Idempotency-Key header cannot be used.",
            f"Send 1 to {LONGEST_KEY} printable ASCII characters, for example a new UUID per deposit.",
        )
    return key


def fingerprint(*pieces: str | bytes | None) -> str:
    """What makes two requests the same, as one digest; None differs from empty."""
    digest = hashlib.sha256()
    for piece in pieces:
        data = piece.encode("utf-8", "surrogateescape") if isinstance(piece, str) else piece
        digest.update(b"-" if data is None else b"%d:" % len(data) + data)
    return digest.hexdigest()


def is_kept(user: User, key: str | None) -> bool:
    """Whether a request with this key has been answered. Whoever brings the key again brings nothing new."""
    return key is not None and IdempotencyKey.objects.filter(user=user, key=key).exclude(status=0).exists()


def forgotten() -> Refusal:
    """The kept answer went, for its age, while the request that asks for it was read."""
    return Refusal(
        Kind.UNAVAILABLE,
        "idempotency.forgotten",
        "The answer to this request was kept until a moment ago, and is not any more.",
        "Look whether the deposit is there; if not, send the request again.",
    )


def once(*, user: User, key: str | None, fingerprint: str, perform: Callable[[], Answer]) -> Outcome:
    """Do it in one transaction, unless a request with this key has done it; a request without key is just done.

    Raises a 422 `Refusal` when the key was used for another request.
    """
    if key is None:
        return Outcome(perform(), replayed=False)
    with transaction.atomic():
        row = IdempotencyKey(user=user, key=key, fingerprint=fingerprint)
        IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)
        # Whoever got here second has waited for the first at the line above.
        kept = IdempotencyKey.objects.get(user=user, key=key)
        if kept.fingerprint != fingerprint:
            raise Refusal(
                Kind.UNPROCESSABLE,
                "idempotency.reused",
                "This Idempotency-Key was used for another request.",
                "A retry repeats its request exactly; a new request takes a new key.",
            )
        if kept.status:
            return Outcome(Answer(kept.status, bytes(kept.body), kept.headers), replayed=True)
        answer = perform()
        IdempotencyKey.objects.filter(pk=kept.pk).update(
            status=answer.status, headers=answer.headers, body=answer.body
        )
        return Outcome(answer, replayed=False)


def forget_old() -> int:
    """Remove the answers that no retry asks for any more; housekeeping. Returns the number of rows."""
    old = IdempotencyKey.objects.filter(created_at__lt=Now() - timedelta(days=KEPT_DAYS))
    return old.delete()[0]
