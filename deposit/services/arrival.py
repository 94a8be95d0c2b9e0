"""A new deposit in one statement: its row, its parts, the first lines of its history, and the work that it asks for.

What `deposit.lifecycle` says in its table of the event *complete* is done here for a deposit that comes whole.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction

from deposit.actors import Actor, request_context
from deposit.lifecycle import TABLE, WAITING, Lease, notice_of
from deposit.models import AdvisoryLock, Client, Collection, Deposit, EventName, Part, PartKind, Status
from deposit.models.prepared import Prepared
from deposit.queue import registry
from deposit.queue.items import CHANNEL
from deposit.services.origins import Completion
from deposit.services.parts import KEPT, NewPart

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """What is to be recorded. ``completion``: nothing more will come; None while it may."""

    client: Client
    collection: Collection
    slug: str | None
    origin_url: str | None
    parent_id: int | None
    described: dict[str, str | bool]
    parts: Sequence[NewPart]
    mediator: str
    told: dict[str, Any] = field(default_factory=dict)
    completion: Completion | None = None


_ARRIVE = Prepared(
    f"""
WITH given AS (
    SELECT %s::bigint AS client, %s::bigint AS collection, %s::text AS slug, %s::text AS origin, %s::bigint AS parent,
        %s::bool AS is_complete, %s::text AS version, %s::text AS work, %s::text AS queue
), deposit AS (
    INSERT INTO deposit_deposit (client_id, collection_id, type, external_id, origin_url, parent_id, software_version,
        status, release_notes, title, package_name, name_encoding, confirm_warnings, revision, complete_date)
    SELECT client, collection, 'code', slug, origin,
        CASE WHEN parent IS NULL AND is_complete AND slug IS NOT NULL THEN (
            SELECT id FROM deposit_deposit WHERE client_id = client AND external_id = slug AND status = 'done'
                AND type = 'code' ORDER BY id DESC LIMIT 1) ELSE parent END,
        CASE WHEN version IS NULL AND is_complete THEN (
            SELECT (1 + count(*))::text FROM deposit_deposit
            WHERE origin_url = origin AND complete_date IS NOT NULL AND type = 'code') ELSE version END,
        %s::text, %s::text, %s::text, %s::text, %s::text, %s::bool, CASE WHEN is_complete THEN 2 ELSE 1 END,
        CASE WHEN is_complete THEN statement_timestamp() END
    FROM given
    RETURNING id, parent_id, reception_date, complete_date, status_changed_at
), parts AS (
    INSERT INTO deposit_part (deposit_id, kind, content_type, size, sha256, name, packaging, stored_as, digest_pending,
        mediator, document, duplicate_of_id)
    SELECT deposit.id, part.kind, content_type, size, sha256, name, packaging, stored_as, digest_pending,
        %s::text, CASE part.kind WHEN 'metadata' THEN %s::bytea END,
        CASE part.kind WHEN 'package' THEN (
            SELECT earlier.id FROM deposit_part same JOIN deposit_deposit earlier ON earlier.id = same.deposit_id
            WHERE same.sha256 = part.sha256 AND same.kind = 'package' AND earlier.client_id = client
                AND earlier.collection_id = collection AND earlier.status = ANY ('{{{",".join(KEPT)}}}')
            ORDER BY earlier.id DESC LIMIT 1) END
    FROM given, deposit, unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[],
        %s::text[], %s::bool[]) WITH ORDINALITY
        AS part (kind, content_type, size, sha256, name, packaging, stored_as, digest_pending, place)
    ORDER BY place RETURNING id
), told AS (
    INSERT INTO deposit_event (deposit_id, name, from_status, to_status, actor, detail, via)
    SELECT deposit.id, name, from_status, to_status, %s::text, detail::jsonb, %s::jsonb
    FROM deposit, unnest(%s::text[], %s::text[], %s::text[], %s::text[]) WITH ORDINALITY
        AS line (name, from_status, to_status, detail, place)
    ORDER BY place
), asked AS (
    INSERT INTO deposit_workitem (kind, key, deposit_id, queue, share, heavy)
    SELECT work, deposit.id::text, deposit.id, queue, client, %s::bool FROM given, deposit WHERE work IS NOT NULL
)
SELECT id, parent_id, reception_date, complete_date, status_changed_at, ARRAY(SELECT id FROM parts ORDER BY id),
    CASE WHEN work IS NOT NULL THEN pg_notify('{CHANNEL}', '') END
FROM given, deposit
"""  # noqa: S608 - constants
)
# Whoever numbers a deposit of the same origin waits here, and sees what the one before has committed.
_NUMBER = "SELECT pg_advisory_xact_lock(%s, hashtext(%s)); "


def record_arrival(arrival: Arrival, *, actor: Actor) -> Deposit:
    """Record a new deposit with its parts, and complete it if it is complete; a transaction of its own, if need be.

    Its packages are named in ``new_packages``.
    """
    completion = arrival.completion
    lines, status = _history(arrival)
    work = WAITING.get(status)
    before: str = ""
    given: tuple[object, ...] = ()
    if completion and completion.version is None:
        before, given = _NUMBER, (AdvisoryLock.ORIGIN_NUMBERING, completion.origin_url)
    values = (
        arrival.client.pk,
        arrival.collection.pk,
        arrival.slug,
        completion.origin_url if completion else arrival.origin_url,
        arrival.parent_id,
        completion is not None,
        completion.version if completion else None,
        work,
        registry.get(work).queue if work else None,
        str(status),
        completion.release_notes if completion else None,
        *_description(arrival),
        arrival.mediator,
        next((part.document for part in arrival.parts if part.document is not None), None),
        *_columns(arrival.parts),
        actor.as_depositor,
        json.dumps(request_context()),
        *map(list, zip(*lines, strict=True)),
        sum(part.size for part in arrival.parts if part.kind == PartKind.PACKAGE) >= settings.HEAVY_BYTES,
    )
    [row] = _ARRIVE.rows(*values, before=before, given=given)
    if completion:
        transaction.on_commit(partial(_log, row[0], str(status), actor.as_depositor))
    return _deposit(arrival, row, status)


def _history(arrival: Arrival) -> tuple[list[tuple[str, str, str, str]], Status]:
    """The lines of the history (name, from, to, detail), and the status in which it arrives."""
    lines = [(str(EventName.CREATE), "", str(Status.PARTIAL), json.dumps(arrival.told))]
    if not arrival.completion:
        return lines, Status.PARTIAL
    event = EventName.COMPLETE
    rule = TABLE[event]
    assert Status.PARTIAL in rule.sources
    assert rule.target is not None
    assert rule.lease is Lease.NONE
    assert notice_of(event) is None
    return [*lines, (str(event), str(Status.PARTIAL), str(rule.target), "{}")], rule.target


def _description(arrival: Arrival) -> tuple[str, str, str, bool]:
    known = arrival.described
    title, package, encoding = (
        str(known.get(name, "")) for name in ("title", "package_name", "name_encoding")
    )
    return title, package, encoding, bool(known.get("confirm_warnings", False))


def _columns(parts: Sequence[NewPart]) -> list[list[Any]]:
    return [
        [str(part.kind) for part in parts],
        [part.content_type for part in parts],
        [part.size for part in parts],
        [part.sha256 for part in parts],
        [part.name for part in parts],
        [part.packaging for part in parts],
        [part.stored_as for part in parts],
        [part.digest_pending for part in parts],
    ]


_PART_FIELDS = (
    "id",
    "deposit_id",
    "kind",
    "content_type",
    "size",
    "sha256",
    "name",
    "packaging",
    "stored_as",
)


def _deposit(arrival: Arrival, row: tuple[Any, ...], status: Status) -> Deposit:
    """The deposit as far as it is known without asking; what is missing is asked for when it is read."""
    number, parent, reception, complete, changed, part_ids, _ = row
    fields = {
        "id": number,
        "client_id": arrival.client.pk,
        "collection_id": arrival.collection.pk,
        "type": "code",
        "status": str(status),
        "reception_date": reception,
        "complete_date": complete,
        "external_id": arrival.slug,
        "origin_url": arrival.completion.origin_url if arrival.completion else arrival.origin_url,
        "parent_id": parent,
        "title": arrival.described.get("title", ""),
        "package_name": arrival.described.get("package_name", ""),
        "held_packages": "",
        "swhid": None,
        "revision": 2 if complete else 1,
        "status_changed_at": changed,
    }
    deposit = Deposit.from_db(DEFAULT_DB_ALIAS, list(fields), list(fields.values()))
    deposit.client, deposit.collection = arrival.client, arrival.collection
    deposit.new_packages = [
        _part(number, part_id, part)
        for part_id, part in zip(part_ids, arrival.parts, strict=True)
        if part.kind == PartKind.PACKAGE
    ]
    return deposit


def _part(deposit_id: int, part_id: int, part: NewPart) -> Part:
    told = (part.kind, part.content_type, part.size, part.sha256, part.name, part.packaging, part.stored_as)
    return Part.from_db(DEFAULT_DB_ALIAS, _PART_FIELDS, (part_id, deposit_id, *told))


def _log(deposit_id: int, status: str, actor: str) -> None:
    logger.info("deposit=%s event=%s status=%s actor=%r", deposit_id, EventName.COMPLETE, status, actor)
