"""Who did what, when, from where, through which channel: one list out of two append-only tables.

What is done to deposits stands in their history already (``Event``); it is not written twice. What is done to
accounts, rights and tokens is written here. Workers do nothing on their own account and are left out.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from deposit.actors import Actor, request_context
from deposit.models import AuditRecord
from deposit.permissions import Operation, require_service

_BATCH = 2000
_LINES = """
SELECT at, operation, actor, subject, via, detail FROM (
    SELECT at, 'deposit.' || name AS operation, actor, 'deposit ' || deposit_id AS subject, via, detail, id
    FROM deposit_event WHERE via <> '{}'
    UNION ALL
    SELECT at, operation, actor, subject, via, detail, id FROM deposit_auditrecord
) AS both_tables
WHERE (%(since)s::timestamptz IS NULL OR at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
ORDER BY at, id
"""


def record(operation: str, *, subject: str = "", actor: Actor | None = None, **detail: Any) -> None:
    """Write one line, in the transaction of what it tells of. Never pass a secret.

    ``actor`` None: whoever acts now, or the service itself.
    """
    via = actor.via if actor else request_context()
    name = str(via.get("user") or via.get("door") or "service")
    AuditRecord.objects.create(operation=operation, actor=name, subject=subject[:300], via=via, detail=detail)


def lines(*, actor: Actor, since: datetime | None = None, until: datetime | None = None) -> Iterator[str]:
    """The audit as JSON lines, oldest first, streamed. Raises `Refusal` unless the actor may read it."""
    require_service(actor, Operation.READ_AUDIT)
    return _stream({"since": since, "until": until})


def _stream(bounds: dict[str, datetime | None]) -> Iterator[str]:
    # A server-side cursor: years of history do not fit into memory.
    with transaction.atomic(), connection.cursor() as plain:
        plain.execute("DECLARE audit_lines NO SCROLL CURSOR FOR " + _LINES, bounds)
        while True:
            plain.execute(f"FETCH {_BATCH} FROM audit_lines")
            rows = plain.fetchall()
            if not rows:
                plain.execute("CLOSE audit_lines")
                return
            for at, operation, name, subject, via, detail in rows:
                line = {"at": at.isoformat(), "operation": operation, "actor": name, "subject": subject}
                line |= {"via": _read(via), "detail": _read(detail)}
                yield json.dumps(line, ensure_ascii=False) + "\n"


def _read(column: Any) -> Any:
    return json.loads(column) if isinstance(column, str) else column
