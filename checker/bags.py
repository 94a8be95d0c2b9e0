"""SWORDBagIt: the metadata that a bag brings with it, in ``metadata/sword.json``."""

import json
import re

from deposit.metadata import sword
from deposit.metadata.entry import Entry
from deposit.metadata.packaging import Packaging
from deposit.metadata.xml import MAX_SIZE
from deposit.models import Part
from deposit.queue.leases import Lease
from deposit.refusals import Kind, Refusal
from deposit.staging.storage import local_file
from packages import Limits, open_package

# In the bag itself, or in the one folder that holds it.
_METADATA = re.compile(rb"(?:[^/]+/)?metadata/sword\.json")


def entry_in_bag(part: Part, limits: Limits, lease: Lease) -> Entry | None:
    """The metadata of a bag that was proven; None when it has none. Raises `Refusal` for what is no metadata."""
    if part.packaging != Packaging.BAGIT or part.stored_as is None:
        return None
    with (
        local_file(part.stored_as, alive=lease.check) as path,
        open_package(path, limits=limits) as package,
    ):
        for member in package:
            lease.check()
            if _METADATA.fullmatch(member.path) and member.size <= MAX_SIZE:
                return _entry(member.read())
    return None


def _entry(data: bytes) -> Entry:
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Refusal(
            Kind.BAD_REQUEST, "sword3.metadata", "metadata/sword.json is not a JSON document."
        ) from None
    return sword.entry_of(sword.read_fields(document))
