"""A deposit's history for those who do not run the service: without names of workers, paths and exceptions."""

from collections.abc import Mapping
from typing import Any

from deposit.models import Event, EventName, Status

# Events of workers, and what these are called to people.
_WORKERS: dict[str, str] = {
    EventName.CHECK: "checker",
    EventName.VERIFY: "checker",
    EventName.REJECT: "checker",
    EventName.DESCRIBE: "checker",
    EventName.START: "loader",
    EventName.FINISH: "loader",
    EventName.FAIL: "loader",
    EventName.ASK: "loader",
    EventName.ERASED: "loader",
}
# Events whose reason is a fault as the machine tells it.
_FAULTS = frozenset({EventName.GIVE_BACK, EventName.RELEASE, EventName.QUARANTINE})


def plain_actor(event: Event) -> str:
    """Who did it: a worker by what it does, not by its process and host."""
    if event.name == EventName.GIVE_BACK:
        return "checker" if event.from_status == Status.DEPOSITED else "loader"
    return _WORKERS.get(event.name) or event.actor


def plain_detail(event: Event) -> Mapping[str, Any]:
    """What is told of it, without the fault."""
    if event.name not in _FAULTS:
        return dict(event.detail)
    return {name: value for name, value in event.detail.items() if name != "reason"}
