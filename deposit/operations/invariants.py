"""What must always be true of the record, as queries that find where it is not.

Each query is one statement, so that it sees the record at one moment, and gives (deposit, what was found) per breach.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from deposit.lifecycle import TABLE, Lease, Work
from deposit.models import EventName


@dataclass(frozen=True, kw_only=True, slots=True)
class Invariant:
    """``message`` takes what was found as ``{}``, ``remedy`` the deposit's number. Parameters: ``late`` and ``long``,
    in seconds: how long a lease may have passed, and a deposit may wait, before that is a fault."""

    code: str
    query: str
    message: str
    remedy: str
    mendable: bool = False


def _steps() -> Iterator[str]:
    """The table's events as SQL rows: name, from, to."""
    for name, rule in TABLE.items():
        for source in rule.sources:
            yield f"('{name}', '{source}', '{rule.target or source}')"


_STEPS = ", ".join(sorted(_steps()))
_NAMES = ", ".join(f"'{name}'" for name in sorted(TABLE))
# What another server decided is outside of the table.
_LEADS_NOWHERE = f"name NOT IN ({_NAMES}) AND name <> '{EventName.IMPORT}'"
# Each attempt leaves one of these, or both.
_TAKEN = ", ".join(
    f"'{name}'"
    for name in sorted(
        [EventName.GIVE_BACK, *(name for name, rule in TABLE.items() if rule.lease is Lease.TAKES)]
    )
)
_KINDS = ", ".join(f"'{kind}'" for kind in sorted(Work))
_LOOK = "Look at `manage.py deposit show --deposit-id {}`; the record was changed by other hands than the service's."

# What was delivered to the archive, or was loaded before there were deliveries; all else went elsewhere.
_IN_ARCHIVE = """(
    EXISTS (SELECT FROM deposit_delivery delivery WHERE delivery.deposit_id = deposit.id
            AND destination = 'archive' AND state = 'done')
    OR NOT EXISTS (SELECT FROM deposit_delivery delivery WHERE delivery.deposit_id = deposit.id)
        AND NOT EXISTS (SELECT FROM deposit_moveddeposit moved WHERE moved.deposit_id = deposit.id))"""

INVARIANTS = (
    Invariant(
        code="record.status",
        query="""
            SELECT deposit.id, coalesce(newest.to_status, 'nothing') FROM deposit_deposit deposit LEFT JOIN LATERAL (
                SELECT to_status FROM deposit_event WHERE deposit_id = deposit.id ORDER BY id DESC LIMIT 1
            ) newest ON true WHERE newest.to_status IS DISTINCT FROM deposit.status""",
        message="The status is not the one that the history ends with ({}).",
        remedy=_LOOK,
    ),
    Invariant(
        code="record.history",
        query="""
            SELECT deposit_id, name || ' from ' || from_status || ' after ' || before FROM (
                SELECT deposit_id, name, from_status, lag(to_status, 1, '') OVER (PARTITION BY deposit_id ORDER BY id)
                AS before FROM deposit_event
            ) line WHERE from_status <> before""",
        message="A line of the history does not follow from the one before it: {}.",
        remedy=_LOOK,
    ),
    Invariant(
        code="record.transition",
        query=f"""
            SELECT deposit_id, name || ' from ' || from_status || ' to ' || to_status FROM deposit_event
            WHERE name IN ({_NAMES}) AND (name, from_status, to_status) NOT IN (VALUES {_STEPS})
            OR {_LEADS_NOWHERE} AND from_status <> to_status AND from_status <> ''""",  # noqa: S608
        message="The history tells of a change that the lifecycle does not have: {}.",
        remedy=_LOOK,
    ),
    Invariant(
        code="record.reason",
        query="""
            SELECT id, status FROM deposit_deposit WHERE status IN ('rejected', 'failed') AND NOT EXISTS (
                SELECT FROM deposit_finding
                WHERE deposit_id = deposit_deposit.id AND severity = 'error')
            -- The server that it came from may not have said why.
            AND NOT EXISTS (SELECT FROM deposit_moveddeposit WHERE deposit_id = deposit_deposit.id)""",
        message="The deposit is {} and no finding says why.",
        remedy="`manage.py deposit recheck --deposit-id {}` checks it again.",
    ),
    Invariant(
        code="record.withdrawal",
        query="""
            SELECT deposit.id, coalesce(newest.name, 'nothing of it')
            FROM deposit_deposit deposit LEFT JOIN deposit_withdrawal withdrawal ON withdrawal.deposit_id = deposit.id
            LEFT JOIN (
                SELECT DISTINCT ON (deposit_id) deposit_id, name FROM deposit_event
                WHERE name IN ('withdraw', 'restore', 'erase') ORDER BY deposit_id, id DESC
            ) newest ON newest.deposit_id = deposit.id
            WHERE (withdrawal.id IS NOT NULL) <> (newest.name IS NOT NULL AND newest.name <> 'restore')
            OR withdrawal.erased <> (newest.name = 'erase')
            OR withdrawal.id IS NOT NULL AND deposit.status <> 'done'""",
        message="Whether the deposit is withdrawn is not what its history says ({}).",
        remedy=_LOOK,
    ),
    Invariant(
        code="record.package",
        query="""
            SELECT id, status FROM deposit_deposit WHERE type = 'code' AND status IN ('verified', 'loading', 'done')
            AND NOT EXISTS (SELECT FROM deposit_part WHERE deposit_id = deposit_deposit.id AND kind = 'package')
            AND NOT EXISTS (SELECT FROM deposit_deletionrequest asked WHERE asked.deposit_id = deposit_deposit.id
                AND asked.kind = 'erase' AND asked.state = 'approved')
            -- Where it came from it had none any more.
            AND NOT EXISTS (SELECT FROM deposit_moveddeposit moved
                WHERE moved.deposit_id = deposit_deposit.id AND jsonb_array_length(moved.lacking) > 0)""",
        message="The deposit is {} and has no package.",
        remedy=_LOOK,
    ),
    Invariant(
        code="archive.object",
        query=f"""
            SELECT deposit.id, told.swhid FROM deposit_deposit deposit
            CROSS JOIN LATERAL (VALUES (swhid), (release_swhid), (snapshot_swhid)) told (swhid)
            LEFT JOIN archive_object object ON object.sha1_git = decode(substr(told.swhid, 11), 'hex')
            WHERE status = 'done' AND told.swhid IS NOT NULL AND object.sha1_git IS NULL
            AND NOT EXISTS (SELECT FROM archive_erasedobject erased
                WHERE erased.sha1_git = decode(substr(told.swhid, 11), 'hex'))
            -- Metadata have no delivery; those that were moved in are recorded only.
            AND {_IN_ARCHIVE}""",  # noqa: S608
        message="The archive does not have what the deposit is known by: {}.",
        remedy="`manage.py archive rebuild` writes the index anew from the packs; if that does not help, "
        "`manage.py deposit reschedule --deposit-id {}` loads the package again.",
    ),
    Invariant(
        code="archive.release",
        query=f"""
            SELECT deposit.id, concat_ws(', ', CASE WHEN swhid IS NULL THEN 'directory' END,
                CASE WHEN release_swhid IS NULL THEN 'release' END,
                CASE WHEN snapshot_swhid IS NULL THEN 'snapshot' END)
            FROM deposit_deposit deposit
            WHERE status = 'done' AND type = 'code' AND {_IN_ARCHIVE}
            AND (swhid IS NULL OR release_swhid IS NULL OR snapshot_swhid IS NULL)""",  # noqa: S608
        message="The deposit was loaded into the archive and has lost the identifiers of its {}.",
        remedy="`manage.py deposit reschedule --deposit-id {}` loads it again, and gives it the same ones.",
    ),
    Invariant(
        code="archive.visit",
        query="""
            SELECT deposit.id, origin_url FROM deposit_deposit deposit
            WHERE status = 'done' AND type = 'code' AND snapshot_swhid IS NOT NULL AND NOT EXISTS (
                SELECT FROM archive_visit visit JOIN archive_origin origin ON origin.id = visit.origin_id
                WHERE origin.url = deposit.origin_url
                AND visit.snapshot = decode(substr(deposit.snapshot_swhid, 11), 'hex'))""",
        message="The archive has no visit of {} with the deposit's snapshot.",
        remedy="`manage.py archive rebuild`, else `manage.py deposit reschedule --deposit-id {}`.",
    ),
    Invariant(
        code="queue.lease",
        query="""
            SELECT deposit_id, lease_owner || ' (' || kind || ' ' || key || ')' FROM deposit_workitem
            WHERE lease_expires_at < statement_timestamp() - make_interval(secs => %(late)s)""",
        message="The worker {} fell silent and nobody took the work back.",
        remedy="Start `manage.py dispatch`, or look into its log.",
    ),
    Invariant(
        code="queue.attempts",
        query=f"""
            SELECT deposit_id, attempts || ' attempts' FROM deposit_workitem item
            WHERE kind IN ({_KINDS}) AND attempts > (
                SELECT count(*) FROM deposit_event event
                WHERE event.deposit_id = item.deposit_id AND name IN ({_TAKEN}))""",  # noqa: S608
        message="More was tried than the history tells of: {}.",
        remedy=_LOOK,
    ),
    Invariant(
        code="queue.waiting",
        query="""
            SELECT deposit_id, kind || ' ' || key FROM deposit_workitem
            WHERE sends > 2 AND (lease_expires_at IS NULL OR lease_expires_at < statement_timestamp())
            AND due_at < statement_timestamp() - make_interval(secs => %(long)s)""",
        message="The work {} was sent more than twice, and no worker takes it.",
        remedy="Do workers run and reach the broker? `manage.py doctor --fix` sends it again.",
        mendable=True,
    ),
    Invariant(
        code="queue.missing",
        query=f"""
            SELECT id, status FROM deposit_deposit deposit
            WHERE status IN ('deposited', 'verified', 'loading')
            AND status_changed_at < statement_timestamp() - make_interval(secs => %(long)s)
            AND NOT coalesce(lease_expires_at > statement_timestamp(), false)
            AND NOT EXISTS (
                SELECT FROM deposit_workitem item WHERE item.deposit_id = deposit.id AND kind IN ({_KINDS}))""",  # noqa: S608
        message="The deposit is {} and no work is open for it.",
        remedy="The dispatcher asks for it within minutes, and `manage.py doctor --fix` at once.",
        mendable=True,
    ),
)
