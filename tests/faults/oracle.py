"""What must be true afterwards, whatever was done to the service."""

from collections import Counter
from dataclasses import dataclass, field

from tests.faults.depositing import Told
from tests.faults.service import Service

# What a deposit goes through once, unless an operator sends it back.
_TWICE = """
SELECT deposit_id, name, count(*) FROM deposit_event WHERE name IN ('finish', 'verify', 'reject')
AND deposit_id NOT IN (SELECT deposit_id FROM deposit_event WHERE name = 'reschedule')
GROUP BY 1, 2 HAVING count(*) > 1
"""


@dataclass(slots=True)
class Verdict:
    """What became of everything. ``broken`` must be empty."""

    statuses: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def judge(service: Service, told: Told, *, settled_within: float, before: int = 0) -> Verdict:
    """None lost, none doubled, none stuck; everything loaded is in the archive; the doctor finds nothing.

    ``before``: how many deposits there were when the clients began.
    """
    statuses = service.settle(settled_within)
    verdict = Verdict(statuses=Counter(statuses.values()))
    broken = verdict.broken
    broken += [f"answered {wrong}" for wrong in told.wrong]
    for number, expected in told.accepted.items():
        became = statuses.get(number, "lost")
        # Set aside after too many deaths is allowed, with its reason, which the doctor asks for.
        if became not in (expected, "failed"):
            broken.append(f"deposit {number} is {became}, not {expected}: {story(service, number)}")
    # More deposits than answers: requests whose answer was cut off, never more than there were.
    extra = len(statuses) - before - len(told.accepted)
    if not 0 <= extra <= told.unsure + told.busy:
        broken.append(f"{len(statuses)} deposits, {len(told.accepted)} accepted, {told.unsure} unsure")
    twice = service.query(_TWICE)
    broken += [f"deposit {number}: {count} times {name}" for number, name, count in twice]
    broken += [f"doctor: {p['code']} {p['subject']} {p['message']}" for p in service.doctor()]
    return verdict


def story(service: Service, number: int) -> str:
    """What a deposit waits for, and its last events."""
    state = service.query(
        "SELECT json_build_object('kind', kind, 'attempts', attempts, 'sends', sends, 'now', now(), 'sent', sent_at,"
        " 'due', due_at, 'lease', lease_expires_at, 'owner', lease_owner)::text FROM deposit_workitem"
        " WHERE deposit_id = %s",
        number,
    )
    events = service.query(
        "SELECT concat_ws(' ', to_char(at, 'MI:SS.MS'), name, actor, detail->>'reason') FROM deposit_event"
        " WHERE deposit_id = %s ORDER BY id DESC LIMIT 12",
        number,
    )
    return "; ".join([*(row[0] for row in state), *(row[0] for row in events)])
