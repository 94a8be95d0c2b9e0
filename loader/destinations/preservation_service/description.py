"""What a SIP is about, as the source of its deposit tells it: names, dates, and what happened to the object before."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PremisEvent:
    """Something that happened. ``target``: a file or folder below ``sip/``; None: the whole object."""

    type: str
    detail: str
    outcome_detail: str
    when: datetime
    target: str | None = None
    outcome: str = "success"


def nothing_happened(path: str) -> Iterable[PremisEvent]:
    """Of no file is anything told."""
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SipDescription:
    """What METS says of the package as a whole.

    ``events`` are about the whole object and about folders; ``events_of`` tells what happened to a file, given its path
    below ``sip/``: it is asked once for each file as METS is written, so that no list of all is held.

    ``object_id`` stays the same over all versions of an object, ``content_id`` names the object itself. An ``update``
    replaces an accepted version; ``created`` is then when the first version was made, ``modified`` this one's time.
    """

    filename: str
    object_id: str
    content_id: str
    owner: str
    created: datetime
    modified: datetime | None = None
    update: bool = False
    events: tuple[PremisEvent, ...] = field(default=())
    events_of: Callable[[str], Iterable[PremisEvent]] = nothing_happened
    agent: str = "deposit-server"

    def identifier(self, path: str) -> str:
        """The identifier of a file below ``sip/``, of type ``museumplus``."""
        folder, _, rest = path.partition("/")
        number, _, name = rest.partition("/")
        match folder:
            case "attachments":
                return f"Multimedia:{number}:{name}"
            case "collection_activities":
                return f"CollectionActivity:{number}:{name}"
            case _:
                return f"Object:{self.owner}:{path}"
