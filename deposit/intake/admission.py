"""Whether a package may be sent now: asked before its body is read, so that a refusal costs neither side anything.

The bounds are soft: processes that ask at the same moment may each be let in.
"""

import threading
import time
from collections.abc import Mapping

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from deposit.models import Client, Part, Status, Upload
from deposit.refusals import Kind, Refusal
from deposit.staging.files import arriving
from deposit.staging.storage import require_room

# How old the figures of the queue may be, in seconds.
_FRESH_SECONDS = 1.0


def admit(client: Client, length: int | None) -> None:
    """Let a client send a package of ``length`` bytes (None: not known). Raises `Refusal` with Retry-After."""
    _require_room_in_the_queue(client)
    _require_quota(client, length or 0)
    if sum(upload.client == client.pk for upload in arriving()) >= settings.CLIENT_UPLOADS:
        raise Refusal(
            Kind.TOO_MANY_REQUESTS,
            "client.uploads",
            f"You are sending {settings.CLIENT_UPLOADS} packages at this moment, the most that is allowed.",
            "Send this one again when another has arrived.",
        )
    require_room(length or 0)


def _require_quota(client: Client, length: int) -> None:
    left = quota_left(client)
    if left is None or length <= left:
        return
    used = (client.quota_bytes or 0) - left
    raise Refusal(
        Kind.FORBIDDEN,
        "client.quota",
        f"Your quota is used up: {used} of {client.quota_bytes} bytes, and this package has {length}.",
        "Ask the operators of this service for more.",
    )


def quota_left(client: Client) -> int | None:
    """How many bytes a client may still bring; negative after its quota was made smaller; None without one."""
    if client.quota_bytes is None:
        return None
    parts = Part.objects.filter(deposit__client=client).exclude(deposit__status=Status.EXPIRED)
    used = parts.aggregate(total=Sum("size"))["total"] or 0
    # What has been announced in segments has its room already, however much of it is here.
    used += Upload.objects.filter(client=client).aggregate(total=Sum("size"))["total"] or 0
    return int(client.quota_bytes - used)


def _require_room_in_the_queue(client: Client) -> None:
    waiting = _queue.waiting()
    if sum(waiting.values()) >= settings.WAITING:
        raise Refusal(
            Kind.UNAVAILABLE,
            "queue.full",
            "Too many deposits wait to be checked and loaded.",
            "Nothing was kept. Please send the package again later.",
        )
    if waiting.get(client.pk, 0) >= settings.CLIENT_WAITING:
        raise Refusal(
            Kind.TOO_MANY_REQUESTS,
            "client.waiting",
            f"{settings.CLIENT_WAITING} of your deposits wait to be checked and loaded, the most that is allowed.",
            "Send further ones when some of them are done.",
        )


class _Queue:
    """How many deposits of each client wait; asked of the database once a second by each process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = 0.0
        self._waiting: Mapping[int, int] = {}

    def waiting(self) -> Mapping[int, int]:
        """Client -> deposits that wait for a checker or a loader."""
        with self._lock:
            if time.monotonic() - self._asked > _FRESH_SECONDS:
                self._waiting = self._count()
                self._asked = time.monotonic()
            return self._waiting

    def forget(self) -> None:
        """Ask anew next time."""
        self._asked = 0.0

    def _count(self) -> dict[int, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT client_id, count(*) FROM deposit_deposit "
                "WHERE status IN ('deposited', 'verified', 'loading') GROUP BY client_id"
            )
            return dict(cursor.fetchall())


_queue = _Queue()
