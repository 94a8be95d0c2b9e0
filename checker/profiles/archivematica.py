"""The profile ``archivematica``: Archivematica's own conventions for transfers, checksum files verified."""

from checker.profiles.rules import Rules
from client.transfer_package.archivematica import judge
from client.transfer_package.checksum_files import wanted_digests
from client.transfer_package.rules import identifier_of, title_of

RULES = Rules(
    name="archivematica",
    judge=judge,
    identifier=identifier_of,
    title=title_of,
    wanted_digests=wanted_digests,
)
